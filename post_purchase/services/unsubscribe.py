"""The code behind /unsubscribe/<code>: whom it is for and what they no longer want. The page is web/public's."""

from dataclasses import dataclass

from post_purchase.channels.addresses import read_unsubscribe_code, unsubscribe_code
from post_purchase.models import ContactPoint
from post_purchase.words import Purpose


@dataclass(frozen=True)
class Unsubscribe:
    point: ContactPoint
    purpose: Purpose


def make_code(point: ContactPoint, purpose: Purpose) -> str:
    """A code for this point and purpose: always the same one, and nobody else can make it."""
    return unsubscribe_code(point_id=point.pk, purpose=purpose)


def read_code(code: str) -> Unsubscribe | None:
    """None where the code was not made here or the person's data is gone."""
    read = read_unsubscribe_code(code)
    if read is None:
        return None
    point = ContactPoint.objects.select_related("contact", "shop").filter(pk=read[0]).first()
    return Unsubscribe(point=point, purpose=read[1]) if point else None
