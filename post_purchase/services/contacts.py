"""Who an order belongs to. Everything personal may be missing: then there is no contact until somebody writes to us."""

import phonenumbers
from django.db.models import F
from phonenumbers import NumberParseException

from post_purchase.models import Contact, ContactPoint
from post_purchase.words import ChannelKind
from shopapp.models import Shop

from .consent_due import customer_changed
from .order_data import OrderData
from .timezones import zone_for


def e164(number: str, *, country: str = "") -> str:
    """+4915112345678, or "" where it cannot be a phone number. `country` reads numbers without a prefix."""
    try:
        parsed = phonenumbers.parse(number, country or None)
    except NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def contact_for_order(shop: Shop, data: OrderData) -> Contact | None:
    """The customer's contact (by Shopify's customer id, else by the e-mail address), made where it is new.

    None for an order without any personal data. Call inside the order's transaction.
    """
    customer_id = data.customer.shopify_id if data.customer else None
    contact = _known(shop, customer_id=customer_id, email=data.email)
    fields = {
        "first_name": data.customer.first_name if data.customer else "",
        "last_name": data.customer.last_name if data.customer else "",
        "language": data.language,
        "country": data.country,
        "province": data.province,
        "timezone": zone_for(data.country, data.province),
    }
    if contact is None:
        if customer_id is None and not data.email:
            return None
        if customer_id is None:
            return Contact.objects.create(shop=shop, **fields)
        contact, created = Contact.objects.get_or_create(shop=shop, shopify_customer_id=customer_id, defaults=fields)
        if created:
            return contact
    told: dict[str, object] = {
        name: value for name, value in fields.items() if value and value != getattr(contact, name)
    }
    if contact.shopify_customer_id is None and customer_id is not None:
        told["shopify_customer_id"] = customer_id  # they wrote to us, or bought as a guest, before Shopify knew them
    if told:
        for name, value in told.items():
            setattr(contact, name, value)
        contact.save(update_fields=list(told))
    if "shopify_customer_id" in told:
        customer_changed(shop=shop, customer_id=customer_id)  # a yes or no that the guest gave is told now
    return contact


def _known(shop: Shop, *, customer_id: int | None, email: str) -> Contact | None:
    if customer_id is not None:
        contact = Contact.objects.filter(shop=shop, shopify_customer_id=customer_id).first()
        return _survivor(contact) if contact else _by_email(shop, email, customer_id=customer_id)
    return _by_email(shop, email, customer_id=None)


def _by_email(shop: Shop, email: str, *, customer_id: int | None) -> Contact | None:
    if not email:
        return None
    point = (
        ContactPoint.objects.filter(shop=shop, kind=ChannelKind.EMAIL, address=email)
        .select_related("contact")
        .order_by(F("last_inbound_at").desc(nulls_last=True))
        .first()
    )
    if point is None:
        return None
    contact = _survivor(point.contact)
    if customer_id is not None and contact.shopify_customer_id not in (None, customer_id):
        return None  # a family shares one address; Shopify keeps two customers, and so do we
    return contact


def _survivor(contact: Contact) -> Contact:
    for _ in range(10):  # a chain of merges, never a ring
        if contact.merged_into is None:
            break
        contact = contact.merged_into
    return contact
