import json
from typing import Any

from django.db import models

from post_purchase.words import ChannelKind
from shopapp.lib.crypto import EncryptedTextField
from shopapp.models import Shop


class ChannelStatus(models.TextChoices):
    ACTIVE = "active", "Connected"
    HALTED = "halted", "Stopped"  # the account as a whole has a problem that a person must mend; messages wait
    DISCONNECTED = "disconnected", "Disconnected"


class Channel(models.Model):
    """A connected sending account: a WhatsApp number, a Facebook page, an e-mail sender."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    name = models.CharField(max_length=120)  # as the merchant knows it: "+49 30 1234", "Fern & Field"
    account_id = models.CharField(max_length=190)  # phone number id, page id, sender address
    link_address = models.CharField(max_length=190, blank=True)  # what a link opens: E.164 digits, page name, address
    credentials_json = EncryptedTextField(blank=True)
    options = models.JSONField(default=dict)  # not secret: waba_id, from name, per-driver switches
    status = models.CharField(max_length=16, choices=ChannelStatus.choices, default=ChannelStatus.ACTIVE)
    status_reason = models.CharField(max_length=255, blank=True)
    not_before = models.DateTimeField(null=True)  # the network asked us to slow down until then
    checked_at = models.DateTimeField(null=True)
    templates_due_at = models.DateTimeField(null=True)  # jobs.templates looks at its templates then
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # jobs.templates.submit_templates
            models.Index(
                fields=["templates_due_at"],
                name="channel_templates_due",
                condition=models.Q(templates_due_at__isnull=False),
            ),
        ]
        constraints = [
            # Meta calls one address for all shops; the account id alone must lead to one shop.
            models.UniqueConstraint(
                fields=["kind", "account_id"],
                name="account_in_one_shop",
                condition=~models.Q(status="disconnected") & ~models.Q(kind="email"),
            ),
            models.UniqueConstraint(
                fields=["shop", "kind", "account_id"],
                name="account_once_per_shop",
                condition=~models.Q(status="disconnected"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} channel {self.pk}"

    @property
    def credentials(self) -> dict[str, Any]:
        return json.loads(self.credentials_json) if self.credentials_json else {}

    @credentials.setter
    def credentials(self, value: dict[str, Any]) -> None:
        self.credentials_json = json.dumps(value)


class TemplateStatus(models.TextChoices):
    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"


class MessageTemplate(models.Model):
    """Meta's: a text that may be sent outside the window once approved. One row per language."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="templates")
    name = models.CharField(max_length=190)
    language = models.CharField(max_length=16)
    category = models.CharField(max_length=20)  # UTILITY, MARKETING, AUTHENTICATION: what the network charges it as
    asked_category = models.CharField(max_length=20, blank=True)  # what we submitted it as; the network may disagree
    coming_category = models.CharField(max_length=20, blank=True)  # announced: what it becomes at `coming_at`
    coming_at = models.DateTimeField(null=True)
    quality = models.CharField(max_length=12, blank=True)  # GREEN, YELLOW, RED: how shoppers took it
    is_own = models.BooleanField(default=False)  # written on the page of templates, not by a flow
    history = models.JSONField(default=list)  # [{"at": ISO time, "what": words}], oldest first
    body = models.TextField()
    parameters = models.JSONField(
        default=list
    )  # names in order, with sample values: [{"name": "order", "sample": "#1001"}]
    status = models.CharField(max_length=16, choices=TemplateStatus.choices, default=TemplateStatus.DRAFT)
    status_reason = models.CharField(max_length=255, blank=True)
    provider_id = models.CharField(max_length=64, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "name", "language"], name="template_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    @property
    def is_reclassed(self) -> bool:
        """Asked for as news of an order, and charged as an offer, now or soon."""
        return self.asked_category == "UTILITY" and "MARKETING" in (self.category, self.coming_category)
