"""SMS, over Twilio or over any gateway that speaks docs/sms-gateway.md. Choices are numbered lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from post_purchase.channels import pictures
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
from post_purchase.channels.entry_links import sms_link
from post_purchase.channels.provider_data import limits
from post_purchase.channels.reading import text as as_text
from post_purchase.channels.sms_length import sms_words
from post_purchase.models import Channel, ContactPoint
from post_purchase.words import ChannelKind, Mode, Purpose

from . import gateway, twilio

LIMITS = limits("sms")


class Sms(ChannelDriver):
    kind = ChannelKind.SMS
    rate: ClassVar[Rate] = Rate(per_account_per_second=LIMITS["per_account_per_second"])
    credential_fields = twilio.FIELDS
    gateways = (gateway.FORM,)
    media_hosts = twilio.MEDIA_HOSTS
    echoes_ref = True
    fetches_pictures = True

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        return Capability(Mode.FREE)

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
        words = words_of(message)
        if channel.options.get("gateway") == "http":
            provider_id = gateway.send(channel=channel, to=point.address, words=words, ref=ref, context=context)
        else:
            picture = message.image_path if pictures.is_address(message.image_path) else ""
            provider_id = twilio.send(
                channel=channel, to=point.address, words=words, ref=ref, picture=picture, context=context
            )
        return SendResult(provider_id=provider_id)

    def takes_pictures(self, *, channel: Channel) -> bool:
        return bool(channel.options.get("gateway") != "http" and channel.options.get("mms"))

    def tells_delivery(self, *, channel: Channel) -> bool:
        return bool(channel.options.get("gateway") != "http")  # a gateway may, and need not

    def account_of(self, typed: str, credentials: Mapping[str, str]) -> str:
        """A number as digits, however it was written; a gateway may also have a name as its sender."""
        digits = "".join(each for each in typed if each in "0123456789")
        is_number = not any(each.isalpha() for each in typed)
        return digits if is_number else typed

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        if not account_id or "/" in account_id:
            return AccountCheck(ok=False, message="This is not a sender: write a number with its country code")
        checker = gateway.check if credentials.get("gateway") == "http" else twilio.check
        return checker(account_id=account_id, credentials=credentials)

    def set_up_account(self, *, channel: Channel) -> None:
        if channel.options.get("gateway") != "http":
            twilio.set_up(channel)

    def take_leave(self, *, channel: Channel) -> None:
        if channel.options.get("gateway") != "http":
            twilio.take_leave(channel)

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        account = headers.get("account", "")
        if not account:
            return [Odd("a callback of no account")]
        if headers.get("gateway") == "http":
            return gateway.parse(body, account)
        return twilio.parse(body, account, headers.get("ref", ""))

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return sms_link(number=f"+{channel.link_address}", text=text, device=device)

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        return twilio.fetch(channel=channel, url=as_text(source.get("url"), 2000), max_bytes=max_bytes)

    def forget_media(self, *, channel: Channel, source: Mapping[str, Any]) -> None:
        twilio.forget(channel=channel, url=as_text(source.get("url"), 2000))


def words_of(message: OutMessage) -> str:
    """Raises ChannelError where it is too long."""
    link = f"{message.url_button.title}: {message.url_button.url}" if message.url_button else ""
    words = sms_words(message.text, [each.title for each in message.buttons], link)
    if len(words) > LIMITS["text"]:
        raise ChannelError(
            f"A text message takes at most {LIMITS['text']} characters: shorten the text", outcome=Outcome.BUG
        )
    return words
