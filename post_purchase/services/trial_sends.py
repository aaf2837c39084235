"""A message to the merchant's own mailbox or chat, to see it as shoppers do. It leaves no row, so it counts nowhere."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from post_purchase.channels.base import ChannelError, OutMessage
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ChannelStatus, ContactPoint, Tester
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.lib import clock, queue
from shopapp.lib.crypto import new_code
from shopapp.models import Shop

from .testers import TAP

PER_SHOP = 10  # tests in one window, each with all messages of a step; whoever reads a text through needs a few
WINDOW = 600  # seconds
MARK = "Test: "


class NotSent(Exception):
    """In plain words: what happened, and what to do."""


def mail_to_oneself(*, shop: Shop, address: str, contents: Sequence[OutMessage]) -> str:
    """Send them now, marked as tests. Returns the address. Raises NotSent; nothing is tried again."""
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise NotSent("This is not an e-mail address. Write it like name@example.com.") from None
    active = shop.channels.filter(kind=ChannelKind.EMAIL, status=ChannelStatus.ACTIVE)
    channel = active.select_related("shop__settings").order_by("pk").first()
    if channel is None:
        raise NotSent("E-mail is not connected. Connect it under Channels, then try again.")
    _spend(shop)
    marked = [
        one.model_copy(update={"subject": MARK + (one.subject or one.text.split("\n")[0][:60])})
        for one in (content.on(ChannelKind.EMAIL) for content in contents)
    ]
    nobody = ContactPoint(kind=ChannelKind.EMAIL, address=address)  # never saved; so a reply has no address of its own
    _hand_over(channel, nobody, marked)
    return address


def to_my_chat(*, tester: Tester, contents: Sequence[OutMessage]) -> None:
    """As mail_to_oneself, to a chat that its owner has connected. A tap on it does nothing."""
    channel = tester.channel
    if channel.status != ChannelStatus.ACTIVE:
        raise NotSent(f"{channel.get_kind_display()} is not connected. Connect it under Channels, then try again.")
    me = ContactPoint(
        shop_id=tester.shop_id, kind=channel.kind, account_id=channel.account_id, address=tester.address,
        last_inbound_at=tester.last_inbound_at,
    )  # fmt: skip
    possible = driver_for(channel.kind).capability(
        point=me, channel=channel, purpose=Purpose.SERVICE, now=clock.now(), typed=True
    )
    if possible.mode != Mode.FREE:
        network = channel.get_kind_display()
        raise NotSent(f"{network} is open for a day after you write. Send “test” to your shop, then try again.")
    _spend(tester.shop)
    _hand_over(channel, me, [_for_chat(content.on(channel.kind)) for content in contents])


def _for_chat(content: OutMessage) -> OutMessage:
    taps = [button.model_copy(update={"id": f"{TAP}{button.id}"[:200]}) for button in content.buttons]
    return content.model_copy(update={"text": MARK + content.text, "buttons": taps, "template": None})


def _spend(shop: Shop) -> None:
    if not queue.within_limit(f"trial:{shop.pk}", most=PER_SHOP, seconds=WINDOW):
        raise NotSent(f"{PER_SHOP} tests were sent in ten minutes. Wait a little, then try again.")


def _hand_over(channel: Channel, point: ContactPoint, contents: Sequence[OutMessage]) -> None:
    for number, content in enumerate(contents):
        try:
            driver_for(channel.kind).send(channel=channel, point=point, message=content, mode=Mode.FREE, ref=new_code())
        except ChannelError as error:
            before = f"{number} of {len(contents)} went; the next one did not" if number else "The test was not sent"
            raise NotSent(f"{before}: {error}") from error
