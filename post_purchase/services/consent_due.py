"""Which customers' consent must be compared with Shopify's: the ledger changed here, or something changed there."""

from typing import Any

from django.db.models import F

from post_purchase.models import ConsentSync, Contact, ContactPoint
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

KEPT_BY_SHOPIFY = (ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WHATSAPP)


def ledger_changed(point: ContactPoint) -> None:
    """A yes or no to offers on a network that Shopify keeps too. Call it in the same transaction."""
    if point.kind not in KEPT_BY_SHOPIFY:
        return
    customer = Contact.objects.filter(pk=point.contact_id).values_list("shopify_customer_id", flat=True).first()
    if customer is not None:
        _due(point.shop_id, customer)


def customer_changed(*, shop: Shop, customer_id: Any) -> None:
    """Shopify says that this customer's consent changed. Who has not met us has no ledger here."""
    if isinstance(customer_id, int) and Contact.objects.filter(shop=shop, shopify_customer_id=customer_id).exists():
        _due(shop.pk, customer_id)


def _due(shop_id: int, customer_id: int) -> None:
    ConsentSync.objects.get_or_create(shop_id=shop_id, customer_id=customer_id)
    ConsentSync.objects.filter(shop_id=shop_id, customer_id=customer_id).update(
        revision=F("revision") + 1, next_attempt_at=clock.now(), attempts=0
    )
    wake(Job.SYNC_CONSENT)
