from django.db import models
from django.db.models import Q

from shopapp.models import Shop


class Product(models.Model):
    """What we know of a product of Shopify's: what flows may ask about, and what a recommendation shows."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="products")
    shopify_id = models.BigIntegerField()
    title = models.CharField(max_length=255)
    handle = models.CharField(max_length=255, blank=True)
    product_type = models.CharField(max_length=255, blank=True)
    tags = models.JSONField(default=list)
    image_url = models.URLField(max_length=500, blank=True)
    price = models.DecimalField(max_digits=14, decimal_places=2, null=True)  # the lowest, in the shop's own currency
    variant_ids = models.JSONField(default=list)  # the first ten, what can be bought before what cannot
    collections = models.JSONField(default=list)  # [{"id", "title"}]: the first twelve, as a query costs
    complementary_ids = models.JSONField(default=list)  # chosen in Shopify's Search & Discovery
    chosen_ids = models.JSONField(default=list)  # chosen here by the merchant: comes before Shopify's
    metafields = models.JSONField(default=dict)  # {"custom.material": ["linen"]}: those that the merchant named
    available = models.BooleanField(default=True)  # active, and a variant can be bought
    shopify_updated_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)  # by the last walk over all products
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "shopify_id"], name="product_once_per_shop")]
        indexes = [
            models.Index(fields=["shop", "title", "id"], name="product_by_title"),
            models.Index(fields=["shop", "handle"], name="product_by_handle"),
        ]

    def __str__(self) -> str:
        return f"product {self.pk}"

    @property
    def variant_id(self) -> int | None:
        """What one tap puts into the cart."""
        return self.variant_ids[0] if self.variant_ids else None


class ProductSync(models.Model):
    """How far a shop's products are fetched. Due when `next_attempt_at` is reached; leased by pushing it forward."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="product_sync")
    synced_to = models.DateTimeField(null=True)  # every change up to here is known; None: a walk over all products
    walk_started_at = models.DateTimeField(null=True)
    cursor = models.CharField(max_length=255, blank=True)
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        indexes = [
            # services.products.claim_sync
            models.Index(fields=["next_attempt_at"], name="products_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"products of {self.shop_id}"


class ProductGuide(models.Model):
    """How to use a thing: for one product, or for all with a tag or of a type, in one language."""

    class Kind(models.TextChoices):
        PRODUCT = "product", "One product"
        TAG = "tag", "All products with a tag"
        TYPE = "type", "All products of a type"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="guides")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=255)  # the product's Shopify id, else the tag or type in small letters
    name = models.CharField(max_length=255)  # as people write it
    language = models.CharField(max_length=16)
    title = models.CharField(max_length=120, blank=True)
    text = models.TextField()
    picture_url = models.URLField(max_length=500, blank=True)
    picture_file = models.CharField(max_length=64, blank=True)  # uploaded; comes before picture_url
    video_url = models.URLField(max_length=500, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "kind", "value", "language"], name="guide_once")]
        indexes = [models.Index(fields=["shop", "-updated_at", "-id"], name="guide_newest")]

    def __str__(self) -> str:
        return f"guide {self.pk}"
