"""Web chat: our own page is the network. "Sending" makes the message visible there and wakes the page that is open.

The page says itself when it has fetched and shown a message (services/web_chat), with our reference: so a sender that
was killed half-way is settled by the shopper's next look.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings

from post_purchase.channels.base import (
    NO_CONTEXT,
    AccountCheck,
    Capability,
    ChannelDriver,
    ChannelError,
    Odd,
    Outcome,
    OutMessage,
    Rate,
    SendContext,
    SendResult,
    Update,
)
from post_purchase.models import Channel, ContactPoint, WebPhoto
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.lib import queue

WINDOW = timedelta(hours=24)  # messaging.md, section 8: who has left the page is reached another way
TOPIC = "doorstep:webchat:"  # and the point's address: somebody said something there
TYPES = "types:"  # between the two: somebody of the team is writing


class WebChat(ChannelDriver):
    kind = ChannelKind.WEBCHAT
    rate: ClassVar[Rate] = Rate(per_account_per_second=500)
    echoes_ref = True
    is_ours = True
    shows_reading = True

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        if point.last_inbound_at is None:
            return Capability(Mode.NONE, "In the web chat the shopper must write first")
        if purpose == Purpose.SERVICE or typed:
            return Capability(Mode.FREE)  # an answer waits there until the shopper looks
        until = point.last_inbound_at + WINDOW
        if now < until:
            return Capability(Mode.FREE, until=until)
        hours = int((now - point.last_inbound_at).total_seconds() // 3600)
        return Capability(Mode.NONE, f"The shopper left the web chat {hours} hours ago and would not see it there")

    def send(
        self,
        *,
        channel: Channel,
        point: ContactPoint,
        message: OutMessage,
        mode: Mode,
        ref: str,
        context: SendContext = NO_CONTEXT,
    ) -> SendResult:
        context.leaving()
        queue.tell(f"{TOPIC}{point.address}")  # lost without harm: the page also asks from time to time
        return SendResult(provider_id=ref)

    def mark_read(self, *, channel: Channel, point: ContactPoint, provider_id: str, typing: bool = False) -> None:
        if typing:
            queue.tell(f"{TOPIC}{TYPES}{point.address}")

    def takes_pictures(self, *, channel: Channel) -> bool:
        return True

    def takes_documents(self, *, channel: Channel) -> bool:
        return True

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        return AccountCheck(ok=True, name="Web chat", link_address="chat")

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        return [Odd("web chat has no callbacks: its page writes to us directly")]

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return f"{settings.APP_URL}/chat/{quote(code, safe='')}"

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        number = source.get("photo")
        found = WebPhoto.objects.filter(pk=number, point__shop_id=channel.shop_id).first() if number else None
        if found is None:
            raise ChannelError("The photo is no longer here", outcome=Outcome.BUG)
        if len(found.content) > max_bytes:
            raise ChannelError(f"The file is larger than {max_bytes // 1_000_000} MB", outcome=Outcome.BUG)
        return bytes(found.content)
