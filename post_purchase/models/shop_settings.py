from datetime import time
from decimal import Decimal

from django.db import models

from shopapp.lib.crypto import EncryptedTextField, new_code
from shopapp.models import Shop


class ShopSettings(models.Model):
    """What the merchant chose: brand, languages, hours, reward. Every field has a usable default."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="settings")
    brand_name = models.CharField(max_length=80, blank=True)  # empty: the shop's name
    brand_color = models.CharField(max_length=7, default="#1f6f5c")
    postal_address = models.TextField(blank=True)  # the law wants it under marketing e-mail
    default_language = models.CharField(max_length=8, default="en")
    languages = models.JSONField(default=list)  # empty: only the default language
    quiet_from = models.TimeField(default=time(21, 0))  # in the shopper's time zone
    quiet_until = models.TimeField(default=time(8, 0))
    team_from = models.TimeField(null=True)  # when the team answers, in the shop's time zone; None: not said
    team_until = models.TimeField(null=True)
    team_days = models.JSONField(default=list)  # weekdays, Monday is 0; empty: every day
    team_alerts = models.BooleanField(default=True)  # a mail when a shopper needs a person
    team_addresses = models.CharField(max_length=400, blank=True)  # commas between; empty: the shop's contact address
    team_digest = models.BooleanField(default=False)  # a mail each morning with what waits: services.team_digest
    digest_due_at = models.DateTimeField(null=True)
    first_response_minutes = models.PositiveIntegerField(default=240)  # the inbox marks who has waited longer
    resolution_hours = models.PositiveSmallIntegerField(default=24)  # ... and which talk is open for longer
    channel_order = models.JSONField(
        default=dict
    )  # {"DE": ["whatsapp", "email"], "*": [...]}; empty: the country table
    # services.fallbacks: by the next channel where this one did not deliver
    kept_purposes = models.JSONField(default=list)  # Purpose values that never go by another channel than the first
    fallback_unsure = models.BooleanField(default=False)  # order news also where the network says nothing
    fallback_minutes = models.JSONField(default=dict)  # {"whatsapp": 30}: how long silence lasts; else an hour
    # For one shopper, over all flows. Offers and review requests count; answers and news of an order never do.
    max_promotions_per_day = models.PositiveSmallIntegerField(default=1)
    max_promotions_per_week = models.PositiveSmallIntegerField(default=2)
    max_offers_per_week = models.PositiveSmallIntegerField(default=1)
    promotion_pause_hours = models.PositiveSmallIntegerField(default=2)  # after any message that was not asked for
    unhappy_days = models.PositiveSmallIntegerField(default=30)  # no offers for so long after a rating of 1 or 2
    reward_percentage = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("10"))  # 10 = ten per cent
    reward_valid_days = models.PositiveSmallIntegerField(default=60)
    reward_minimum_subtotal = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    action_rules = models.JSONField(
        default=dict
    )  # {"cancel": {"mode": "person", "limit": 24}}: services/action_rules.py
    says_automatic = models.BooleanField(default=False)  # wherever the shopper is
    policies_read_at = models.DateTimeField(null=True)
    policies = models.JSONField(default=dict)  # {"REFUND_POLICY": {"title": …, "url": …}}, as Shopify has them
    link_key = EncryptedTextField(default=new_code)  # the per-shop key that the e-mail snippet carries
    product_metafields = models.JSONField(default=list)  # ["custom.material"]: what flows may ask of products
    onboarding_dismissed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["digest_due_at"], name="digest_due", condition=models.Q(team_digest=True))]

    def __str__(self) -> str:
        return f"settings of {self.shop_id}"

    @property
    def display_name(self) -> str:
        return self.brand_name or self.shop.name or self.shop.domain
