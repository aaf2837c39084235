"""What the merchant reads of the button in each of Shopify's e-mails."""

from dataclasses import dataclass

from post_purchase.services.touchpoint_numbers import EmailState


@dataclass(frozen=True)
class Shown:
    """An e-mail's state in the merchant's words."""

    slug: str
    label: str
    badge: str
    tone: str
    words: str
    people: int


def shown(state: EmailState) -> Shown:
    template = state.template
    people = state.bound + state.unbound
    times = "once" if people == 1 else f"{people} times"
    if state.bound:
        badge, tone = "Works", "success"
        words = f"Shoppers have tapped this button {times}. Its links lead to their orders."
        if state.unbound > state.bound:
            words += " But most came without an order: one of your languages may still have the simple version."
    elif state.unbound:
        badge, tone = "Works without the order", "warning"
        words = (
            "Shoppers have tapped this button, but Shopify did not fill in their order. The chat asks them for the "
            "order number and the postcode. If you copied the simple version, that is as it should be."
        )
    elif state.tests:
        badge, tone = "Only tried so far", "info"
        words = (
            "Somebody has tapped the button in a test e-mail or in a preview, whose order does not exist. It counts as "
            "done when the first shopper taps it. If real orders end here too, copy the simple version."
        )
    else:
        badge, tone = "Not placed yet", "info"
        words = "Copy the snippet below into Shopify. This changes by itself when the first shopper taps the button."
    return Shown(template.name.lower(), str(template.label), badge, tone, words, people)
