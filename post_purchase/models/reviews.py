from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from shopapp.models import Shop

from .contacts import Contact
from .conversations import Attachment
from .orders import Order


class Review(models.Model):
    """What the shopper said, as they said it. Published whatever the rating; the disclosure is stored with it."""

    class Status(models.TextChoices):
        PUBLISHED = "published"
        HIDDEN = "hidden"  # only for a stated reason that has nothing to do with the rating

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="reviews")
    order = models.ForeignKey(Order, null=True, on_delete=models.SET_NULL, related_name="reviews")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="reviews")
    run = models.ForeignKey("post_purchase.FlowRun", null=True, on_delete=models.SET_NULL, related_name="reviews")
    product_id = models.BigIntegerField(null=True)
    product_title = models.CharField(max_length=255, blank=True)
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    text = models.TextField(blank=True)
    language = models.CharField(max_length=16, blank=True)
    author_name = models.CharField(max_length=120, blank=True)  # "Ada L."
    channel_kind = models.CharField(max_length=16, blank=True)
    incentivised = models.BooleanField(default=False)
    disclosure = models.TextField(blank=True)  # the exact words shown beside the review
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PUBLISHED)
    status_reason = models.CharField(max_length=255, blank=True)
    dedupe_key = models.CharField(max_length=128)
    submitted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "dedupe_key"], name="review_once"),
            models.CheckConstraint(condition=models.Q(rating__gte=1, rating__lte=5), name="rating_from_1_to_5"),
        ]
        indexes = [models.Index(fields=["shop", "-submitted_at"], name="review_newest")]

    def __str__(self) -> str:
        return f"review {self.pk}"


class ReviewPhoto(models.Model):
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="photos")
    attachment = models.OneToOneField(Attachment, on_delete=models.CASCADE, related_name="review_photo")
    added_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"photo of review {self.review_id}"
