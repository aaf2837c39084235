from django.db import models

from post_purchase.words import ChannelKind
from shopapp.models import Shop


class Contact(models.Model):
    """A person we may message. Everything about them is optional: protected data may not be approved."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="contacts")
    shopify_customer_id = models.BigIntegerField(null=True)
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=16, blank=True)  # BCP 47, as the checkout had it
    country = models.CharField(max_length=2, blank=True)
    province = models.CharField(max_length=8, blank=True)
    timezone = models.CharField(max_length=64, blank=True)  # IANA; empty: not known
    # What the shopper has chosen (services/choices): it wins over what the checkout said.
    chosen_language = models.CharField(max_length=16, blank=True)
    preferred_kind = models.CharField(max_length=16, choices=ChannelKind.choices, blank=True)
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    tags = models.JSONField(default=list)
    fields = models.JSONField(default=dict)  # size, taste, preferences
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="merged_from")
    redacted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "shopify_customer_id"],
                name="contact_per_customer",
                condition=models.Q(shopify_customer_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"

    @property
    def display_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or "Shopper"


class ContactPoint(models.Model):
    """A person's id on one network: BSUID or phone (WhatsApp), PSID (Messenger, per page), chat id, address."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="contact_points")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="points")
    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    account_id = models.CharField(max_length=64, blank=True)  # Messenger, Instagram, Telegram: ids are per page or bot
    address = models.CharField(max_length=190)
    phone = models.CharField(max_length=20, blank=True)  # E.164, where the network tells it
    profile_name = models.CharField(max_length=120, blank=True)
    last_inbound_at = models.DateTimeField(null=True)  # the messaging window is computed from this
    blocked_at = models.DateTimeField(null=True)  # the network says: never again (blocked, dead number, bounced)
    blocked_reason = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "kind", "account_id", "address"], name="point_once_per_network")
        ]

    def __str__(self) -> str:
        return f"{self.kind} point {self.pk}"


class ContactPointAlias(models.Model):
    """Another id of the same point: the phone of a BSUID, the number before a change."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    point = models.ForeignKey(ContactPoint, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    account_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=190)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "kind", "account_id", "address"], name="alias_once_per_network")
        ]

    def __str__(self) -> str:
        return f"alias of {self.point_id}"


class OrderBinding(models.Model):
    """This contact point has proved that the order is theirs. Without a binding nothing about an order is told."""

    class Method(models.TextChoices):
        CODE = "code"  # first use of a link code
        ORDER_EMAIL = "order_email"  # the address that the order was placed with
        ORDER_PHONE = "order_phone"  # the number that the order was placed with
        PROOF = "proof"  # order number with postcode or a one-time code
        MERCHANT = "merchant"  # a person of the team said so

    point = models.ForeignKey(ContactPoint, on_delete=models.CASCADE, related_name="bindings")
    order = models.ForeignKey("post_purchase.Order", on_delete=models.CASCADE, related_name="bindings")
    method = models.CharField(max_length=16, choices=Method.choices)
    link = models.ForeignKey("post_purchase.Link", null=True, on_delete=models.SET_NULL)
    bound_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["point", "order"], name="binding_once")]

    def __str__(self) -> str:
        return f"point {self.point_id} and order {self.order_id}"
