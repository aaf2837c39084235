"""A message to the merchant's own mailbox, to see it as shoppers do. It leaves no row, so it counts nowhere."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from post_purchase.channels.base import ChannelError, OutMessage
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ChannelStatus, ContactPoint
from post_purchase.words import ChannelKind, Mode
from shopapp.lib import queue
from shopapp.lib.crypto import new_code
from shopapp.models import Shop

PER_SHOP = 10  # in one window; whoever reads a text through needs a few
WINDOW = 600  # seconds
MARK = "Test: "


class NotSent(Exception):
    """In plain words: what happened, and what to do."""


def mail_to_oneself(*, shop: Shop, address: str, content: OutMessage) -> str:
    """Send it now, marked as a test. Returns the address. Raises NotSent; nothing is tried again."""
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise NotSent("This is not an e-mail address. Write it like name@example.com.") from None
    active = shop.channels.filter(kind=ChannelKind.EMAIL, status=ChannelStatus.ACTIVE)
    channel = active.select_related("shop__settings").order_by("pk").first()
    if channel is None:
        raise NotSent("E-mail is not connected. Connect it under Channels, then try again.")
    if not queue.within_limit(f"trial:{shop.pk}", most=PER_SHOP, seconds=WINDOW):
        raise NotSent(f"{PER_SHOP} tests were sent in ten minutes. Wait a little, then try again.")
    marked = content.on(ChannelKind.EMAIL)
    marked = marked.model_copy(update={"subject": MARK + (marked.subject or marked.text.split("\n")[0][:60])})
    _hand_over(channel, address, marked)
    return address


def _hand_over(channel: Channel, address: str, content: OutMessage) -> None:
    nobody = ContactPoint(kind=ChannelKind.EMAIL, address=address)  # never saved; so a reply has no address of its own
    try:
        driver_for(ChannelKind.EMAIL).send(
            channel=channel, point=nobody, message=content, mode=Mode.FREE, ref=new_code()
        )
    except ChannelError as error:
        raise NotSent(f"The test was not sent: {error}") from error
