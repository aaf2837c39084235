"""In which language we speak to a contact."""

from post_purchase.models import Contact, Order


def language_of(contact: Contact, order: Order | None = None) -> str:
    """BCP 47: what they chose, else the order's checkout, else the contact's, else the shop's default, else its own."""
    for tag in (contact.chosen_language, order.language if order else "", contact.language):
        if tag:
            return tag
    settings = getattr(contact.shop, "settings", None)
    return (settings.default_language if settings else "") or contact.shop.locale or "en"
