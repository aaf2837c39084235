from datetime import datetime

from django.db import models

from shopapp.lib.crypto import EncryptedTextField


class ShopStatus(models.TextChoices):
    INSTALLED = "installed"
    UNAVAILABLE = "unavailable"  # Shopify answered 402, 403 or 423: frozen, locked, or a scope is gone
    NEEDS_OPENING = "needs_opening"  # the token pair is spent; the merchant must open the app once
    UNINSTALLED = "uninstalled"


class Shop(models.Model):
    """An installed shop, its token pair and its scopes."""

    domain = models.CharField(max_length=255, unique=True)  # example.myshopify.com
    shopify_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=255, blank=True)
    contact_email = models.EmailField(blank=True)
    primary_url = models.URLField(blank=True)
    currency = models.CharField(max_length=3, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")  # IANA name
    country = models.CharField(max_length=2, blank=True)
    locale = models.CharField(max_length=16, default="en")
    plan = models.CharField(max_length=64, blank=True)

    status = models.CharField(max_length=16, choices=ShopStatus.choices, default=ShopStatus.INSTALLED)
    status_reason = models.CharField(max_length=255, blank=True)
    installed_at = models.DateTimeField()  # of the newest installation
    uninstalled_at = models.DateTimeField(null=True)

    access_token = EncryptedTextField(blank=True)
    access_token_expires_at = models.DateTimeField(null=True)
    refresh_token = EncryptedTextField(blank=True)
    refresh_token_expires_at = models.DateTimeField(null=True)
    token_pair_saved_at = models.DateTimeField(null=True)
    refresh_lease_until = models.DateTimeField(null=True)  # one worker refreshes; set while it asks Shopify
    scopes = models.TextField(blank=True)  # comma separated, as granted

    # jobs.shops.set_up_shop: due when reached, pushed forward while somebody works, None when the shop is set up
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    set_up_error = models.CharField(max_length=255, blank=True)

    orders_synced_to = models.DateTimeField(null=True)  # reconciliation has seen every change up to here
    orders_lease_until = models.DateTimeField(null=True)  # one worker reconciles; set while it looks
    backfill_cursor = models.CharField(max_length=255, blank=True)
    backfill_done = models.PositiveIntegerField(default=0)
    backfill_total = models.PositiveIntegerField(null=True)
    backfill_started_at = models.DateTimeField(null=True)
    backfill_finished_at = models.DateTimeField(null=True)
    backfill_next_attempt_at = models.DateTimeField(null=True)  # lease and back-off; None when done or never started
    backfill_error = models.CharField(max_length=255, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # jobs.shops.set_up_shop
            models.Index(
                fields=["next_attempt_at"], name="shop_set_up_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
            # jobs.orders.backfill_orders
            models.Index(
                fields=["backfill_next_attempt_at"],
                name="shop_backfill_due",
                condition=models.Q(backfill_next_attempt_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.domain

    @property
    def is_installed(self) -> bool:
        return self.status != ShopStatus.UNINSTALLED

    @property
    def scope_set(self) -> set[str]:
        return {scope.strip() for scope in self.scopes.split(",") if scope.strip()}

    def token_is_fresh(self, *, now: datetime, margin_seconds: int = 300) -> bool:
        if not self.access_token or self.access_token_expires_at is None:
            return False
        return (self.access_token_expires_at - now).total_seconds() > margin_seconds
