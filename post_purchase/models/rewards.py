from django.db import models
from django.db.models import Q

from shopapp.models import Shop

from .contacts import Contact
from .orders import Order
from .reviews import Review


class RewardStatus(models.TextChoices):
    PENDING = "pending"  # the code is being made at Shopify
    ISSUED = "issued"
    FAILED = "failed"


class Reward(models.Model):
    """A single-use discount code. Never depends on the rating: nothing here can see one."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="rewards")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="rewards")
    order = models.ForeignKey(Order, null=True, on_delete=models.SET_NULL, related_name="rewards")
    review = models.ForeignKey(Review, null=True, on_delete=models.SET_NULL, related_name="rewards")
    run = models.ForeignKey("post_purchase.FlowRun", null=True, on_delete=models.SET_NULL, related_name="rewards")
    step_id = models.CharField(max_length=64, blank=True)
    code = models.CharField(
        max_length=64
    )  # chosen before Shopify is asked, so that a repeated call finds it taken by us
    percentage = models.DecimalField(max_digits=5, decimal_places=2)
    new_customers_only = models.BooleanField(default=False)
    discount_gid = models.CharField(max_length=128, blank=True)
    status = models.CharField(max_length=16, choices=RewardStatus.choices, default=RewardStatus.PENDING)
    error = models.CharField(max_length=255, blank=True)
    dedupe_key = models.CharField(max_length=128)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "dedupe_key"], name="reward_once"),
            models.UniqueConstraint(fields=["shop", "code"], name="reward_code_once"),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="reward_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"reward {self.pk}"
