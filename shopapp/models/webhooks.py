from django.db import models
from django.db.models import Q

from .shops import Shop


class WebhookSource(models.TextChoices):
    SHOPIFY = "shopify"
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    SMS = "sms"  # Twilio and other gateways
    EMAIL = "email"


class IncomingWebhook(models.Model):
    """News from outside exactly as it came, verified and not yet understood. One INSERT, then the answer 200."""

    source = models.CharField(max_length=16, choices=WebhookSource.choices)
    account = models.CharField(max_length=255, blank=True)  # shop domain; channel id where the URL names one; ESP name
    topic = models.CharField(max_length=100, blank=True)
    event_id = models.CharField(max_length=128)  # Shopify: X-Shopify-Event-Id. Others: SHA-256 of the body
    webhook_id = models.CharField(max_length=128, blank=True)
    triggered_at = models.DateTimeField(null=True)
    headers = models.JSONField(default=dict)  # only what parsing needs (content type); never signatures
    body = models.BinaryField()  # emptied once read where no one shop can be asked to erase it
    # Written when the row is read, so that an erasure finds it without reading every body:
    shop = models.ForeignKey(
        Shop, null=True, on_delete=models.CASCADE, db_index=False, related_name="callbacks"
    )  # a network's news of one shop
    subject = models.CharField(
        max_length=40, blank=True, default="", db_default=""
    )  # Shopify's news: "order:<id>", "customer:<id>"
    received_at = models.DateTimeField()

    next_attempt_at = models.DateTimeField(
        null=True
    )  # due when reached; a claim pushes it forward (lease); None when done
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(
        null=True
    )  # gave up after several tries; the error says why; a person can retry it
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "account", "topic", "event_id"], name="webhook_comes_once"),
        ]
        indexes = [
            # jobs.webhooks.process_webhooks
            models.Index(
                fields=["next_attempt_at", "id"], name="webhook_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["received_at"], name="webhook_by_age"),  # jobs.clean_up
            # services.privacy
            models.Index(fields=["shop", "id"], name="webhook_of_shop", condition=Q(shop__isnull=False)),
            models.Index(fields=["account", "subject"], name="webhook_of_subject", condition=~Q(subject="")),
            models.Index(fields=["id"], name="webhook_parked", condition=Q(parked_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.topic} {self.pk}"
