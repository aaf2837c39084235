from django.db import models

from post_purchase.words import ParcelState
from shopapp.lib.crypto import EncryptedTextField
from shopapp.models import Shop

from .contacts import Contact


class Order(models.Model):
    """The one truth about an order, whoever told it: the newest `shopify_updated_at` wins."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="orders")
    shopify_id = models.BigIntegerField()
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="orders")
    name = models.CharField(max_length=64)  # "#1001"
    number = models.PositiveBigIntegerField(default=0)
    confirmation_number = models.CharField(max_length=64, blank=True)
    checkout_token_hash = models.CharField(max_length=64, blank=True)  # joins the thank-you page to the order
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True)  # E.164
    language = models.CharField(max_length=16, blank=True)
    currency = models.CharField(max_length=3)  # presentment: what the shopper saw
    subtotal = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    total = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    refunded = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    refunds = models.JSONField(
        default=dict
    )  # {"<Shopify refund id>": "12.00"}: a union, so that order of news is no matter
    returns = models.JSONField(default=dict)  # {"<Shopify return id>": "requested"}, Shopify's words, lower case
    is_gift = models.BooleanField(default=False)  # the shopper or the merchant says so (services/order_data.py)
    is_cash_on_delivery = models.BooleanField(default=False)  # one of its payment gateways is called so
    shipping_country = models.CharField(max_length=2, blank=True)
    shipping_province = models.CharField(max_length=8, blank=True)
    shipping_city = models.CharField(max_length=120, blank=True)
    shipping_zip = models.CharField(max_length=20, blank=True)  # asked for as proof, never told
    timezone = models.CharField(max_length=64, blank=True)  # of the shipping address
    financial_status = models.CharField(max_length=32, blank=True)  # Shopify's words, lower case
    fulfillment_status = models.CharField(max_length=32, blank=True)
    source_name = models.CharField(max_length=64, blank=True)  # web, pos, shopify_draft_order, ...
    status_url = EncryptedTextField(blank=True)  # logs the shopper in: never leaves us but to that shopper
    tags = models.JSONField(default=list)
    test = models.BooleanField(default=False)
    requires_shipping = models.BooleanField(default=True)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=64, blank=True)
    delivered_at = models.DateTimeField(null=True)  # when the last parcel arrived; set once all have
    estimated_delivery_at = models.DateTimeField(null=True)
    shopify_updated_at = models.DateTimeField()
    redacted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "shopify_id"], name="order_once_per_shop")]
        indexes = [
            models.Index(fields=["shop", "-placed_at"], name="order_newest"),
            models.Index(fields=["shop", "name"], name="order_by_name"),
            models.Index(
                fields=["shop", "checkout_token_hash"],
                name="order_by_checkout",
                condition=~models.Q(checkout_token_hash=""),
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Order/{self.shopify_id}"

    @property
    def is_point_of_sale(self) -> bool:
        return self.source_name == "pos"

    @property
    def return_open(self) -> bool:
        """Asked for or under way; not declined, withdrawn or done with."""
        return any(state in ("requested", "open") for state in self.returns.values())

    @property
    def is_paid(self) -> bool:
        return self.paid_at is not None


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    shopify_id = models.BigIntegerField()
    product_id = models.BigIntegerField(null=True)  # None: custom item, or the product was deleted
    variant_id = models.BigIntegerField(null=True)
    title = models.CharField(max_length=255)
    variant_title = models.CharField(max_length=255, blank=True)
    sku = models.CharField(max_length=120, blank=True)
    quantity = models.PositiveIntegerField()  # ordered
    current_quantity = models.PositiveIntegerField()  # after edits and refunds
    price = models.DecimalField(max_digits=14, decimal_places=2, default=0)  # each, presentment
    image_url = models.URLField(max_length=500, blank=True)
    requires_shipping = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "shopify_id"], name="line_once_per_order")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"line {self.pk}"


class Parcel(models.Model):
    """Shopify's fulfillment. `state` only moves forward (words.PARCEL_RANK)."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="parcels")
    shopify_id = models.BigIntegerField()
    name = models.CharField(max_length=64, blank=True)  # "#1001-F1"
    state = models.CharField(max_length=20, choices=ParcelState.choices, default=ParcelState.LABEL)
    state_at = models.DateTimeField()  # when it became so, by the carrier's clock
    carrier = models.CharField(max_length=120, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.URLField(max_length=500, blank=True)
    lines = models.JSONField(default=list)  # [{"line": <OrderLine.shopify_id>, "quantity": 1}]
    estimated_delivery_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    out_for_delivery_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    shopify_updated_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "shopify_id"], name="parcel_once_per_order")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"parcel {self.pk}"


class ParcelEvent(models.Model):
    """One scan."""

    parcel = models.ForeignKey(Parcel, on_delete=models.CASCADE, related_name="events")
    shopify_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=20, choices=ParcelState.choices)
    message = models.CharField(max_length=255, blank=True)
    city = models.CharField(max_length=120, blank=True)
    country = models.CharField(max_length=64, blank=True)
    happened_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["parcel", "state", "happened_at"], name="scan_once_per_parcel")]
        ordering = ["happened_at", "id"]

    def __str__(self) -> str:
        return f"scan {self.pk}"
