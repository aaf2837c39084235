from django.db import models
from django.db.models import Q

from post_purchase.words import ChannelKind, Purpose
from shopapp.models import Shop

from .contacts import Contact, ContactPoint


class ConsentState(models.TextChoices):
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class ConsentEntry(models.Model):
    """One line of the ledger. Append-only: the newest line per (point, purpose) counts, and it is read at send time."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="consent_entries")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consent_entries")
    point = models.ForeignKey(ContactPoint, null=True, on_delete=models.CASCADE, related_name="consent_entries")
    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    state = models.CharField(max_length=16, choices=ConsentState.choices)
    method = models.CharField(max_length=32)  # stop_word, chat_button, checkbox, one_click, shopify, import, network
    wording = models.TextField(blank=True)  # the exact question or word
    wording_version = models.CharField(max_length=32, blank=True)
    language = models.CharField(max_length=16, blank=True)
    proof = models.JSONField(default=dict)  # message or webhook row ids
    dedupe_key = models.CharField(max_length=160)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "dedupe_key"], name="consent_recorded_once")]
        indexes = [models.Index(fields=["point", "purpose", "-recorded_at", "-id"], name="consent_newest")]

    def __str__(self) -> str:
        return f"{self.state} {self.purpose} on {self.kind}"


class ChoiceEntry(models.Model):
    """One line of the ledger about what is no consent: language, channel, quiet hours, size, a copy, an erasure."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="choices")
    point = models.ForeignKey(ContactPoint, on_delete=models.CASCADE, related_name="choices")
    name = models.CharField(max_length=16)  # services.choices.Choice
    value = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=32)  # chat, page
    wording = models.TextField(blank=True)  # what the shopper wrote, or what stood beside the field
    wording_version = models.CharField(max_length=32, blank=True)
    language = models.CharField(max_length=16, blank=True)
    proof = models.JSONField(default=dict)  # message or link row ids
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"choice {self.pk}"


class ControlLink(models.Model):
    """The key of the page on which a shopper sees and changes what we know. One for each point; a new one ends it."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    point = models.OneToOneField(ContactPoint, on_delete=models.CASCADE, related_name="control_link")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)  # jobs.clean_up

    def __str__(self) -> str:
        return f"control link {self.pk}"


class ConsentSync(models.Model):
    """What Shopify and our ledger say of one customer's offers must be made the same: due, or done."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="consent_syncs")
    customer_id = models.BigIntegerField()
    seen = models.JSONField(default=dict)  # {"email": ["UNSUBSCRIBED", "<their time>"]}: what has been dealt with
    revision = models.PositiveIntegerField(default=0)  # counts news; what came while we asked is asked for again
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "customer_id"], name="consent_sync_once")]
        indexes = [
            # services.consent_sync.sync_due
            models.Index(
                fields=["next_attempt_at"], name="consent_sync_due", condition=Q(next_attempt_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"consent sync {self.pk}"


class CheckoutConsent(models.Model):
    """The tick on the thank-you or order-status page, before or after the order came: joined by the checkout token.

    One row for each checkout and network, as ticked last; the ledger gets a line whenever it becomes effective.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="checkout_consents")
    order = models.ForeignKey("post_purchase.Order", null=True, on_delete=models.CASCADE, related_name="ticks")
    checkout_token_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    state = models.CharField(max_length=16, choices=ConsentState.choices)
    wording = models.TextField()
    wording_version = models.CharField(max_length=32)
    language = models.CharField(max_length=16)
    surface = models.CharField(max_length=24)  # thank_you_page, order_status_page
    changes = models.PositiveSmallIntegerField(default=1)  # how often it was ticked or unticked
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "checkout_token_hash", "kind"], name="tick_once_per_checkout")
        ]
        indexes = [
            # jobs.clean_up
            models.Index(fields=["recorded_at"], name="tick_without_order", condition=models.Q(order__isnull=True))
        ]

    def __str__(self) -> str:
        return f"tick {self.pk}"
