from django.db import models
from django.db.models import Q

from shopapp.models import Shop


class PublicationKind(models.TextChoices):
    REVIEWS = "reviews"  # what people say of one product
    STOREFRONT = "storefront"  # where the chat bubble leads
    CHECKOUT = "checkout"  # what the checkout's blocks show while our server is away


class Publication(models.Model):
    """What Shopify's pages show of our rows: one app-owned metafield, written again whenever its rows change."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="publications")
    kind = models.CharField(max_length=16, choices=PublicationKind.choices)
    product_id = models.BigIntegerField(default=0)  # 0: belongs to the shop as a whole
    revision = models.PositiveIntegerField(default=0)  # counts changes; what came while we wrote is written next
    value_hash = models.CharField(max_length=64, blank=True)  # of what Shopify holds; empty: it holds nothing
    published_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "kind", "product_id"], name="publication_once")]
        indexes = [
            # services.publications.publish_due
            models.Index(fields=["next_attempt_at"], name="publication_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} publication {self.pk}"
