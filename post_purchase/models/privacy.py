from django.db import models
from django.db.models import Q

from shopapp.lib.crypto import EncryptedTextField
from shopapp.models import Shop


class PrivacyRequestKind(models.TextChoices):
    DATA_REQUEST = "data_request"
    CUSTOMER_REDACT = "customer_redact"
    SHOP_REDACT = "shop_redact"
    SHOPPER_ERASE = "shopper_erase"  # asked by the shopper, in a chat or on the page


class PrivacyRequest(models.Model):
    """A legal duty with a term of 30 days, and the record that it was done."""

    shop = models.ForeignKey(Shop, null=True, on_delete=models.SET_NULL, related_name="privacy_requests")
    shop_domain = models.CharField(max_length=255)
    kind = models.CharField(max_length=20, choices=PrivacyRequestKind.choices)
    webhook_key = models.CharField(max_length=190, unique=True)
    customer_id = models.BigIntegerField(null=True)
    order_ids = models.JSONField(default=list)
    export = EncryptedTextField(blank=True)  # JSON for the merchant to hand on
    requested_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=255, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], name="privacy_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class FileRemoval(models.Model):
    """A stored file, or a folder of them, that is to go. Written in the transaction that erases what named it."""

    name = models.CharField(max_length=255)
    is_folder = models.BooleanField(default=False)
    next_attempt_at = models.DateTimeField()  # left as it is while its storage is away: /health/ready then says so

    class Meta:
        indexes = [models.Index(fields=["next_attempt_at"], name="file_removal_due")]

    def __str__(self) -> str:
        return f"removal {self.pk}"
