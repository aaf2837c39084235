from django.db import models
from django.db.models import Q

from shopapp.models import Shop

from .channels import Channel


class Tester(models.Model):
    """A member of staff's own chat, to which tests of messages go. No contact, no conversation: it counts nowhere."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="testers")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="testers")
    user = models.CharField(max_length=64)  # Shopify's number of the member of staff
    seed = models.CharField(max_length=16)  # the code is derived from it and our key
    code_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()  # of the code
    address = models.CharField(max_length=190, blank=True)  # on that network; empty until the code came
    profile_name = models.CharField(max_length=120, blank=True)
    last_inbound_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "user"], name="tester_once"),
            models.UniqueConstraint(fields=["channel", "address"], condition=~Q(address=""), name="tester_one_chat"),
        ]
        indexes = [models.Index(fields=["channel", "code_hash"], name="tester_code")]

    def __str__(self) -> str:
        return f"tester {self.pk}"
