"""What Messenger's and Instagram's drivers share: the Send API, the 24 hours, pictures beside texts, callbacks."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from post_purchase.models import Channel, ContactPoint
from post_purchase.words import Mode
from shopapp.lib import clock

from . import downloads, graph
from .base import (
    NO_CONTEXT,
    AccountCheck,
    Capability,
    ChannelDriver,
    ChannelError,
    Outcome,
    OutMessage,
    SendContext,
    SendResult,
    Update,
)
from .cards import fit_together
from .meta_cards import Card, card_of, generic_template
from .meta_parse import ICE_BREAKER, parse_callback
from .provider_data import ErrorTable
from .reading import shortened, text

ICE_BREAKERS = 4  # Meta shows at most four


class MetaMessaging(ChannelDriver):
    table: ClassVar[ErrorTable]
    limits: ClassVar[dict[str, int]]
    shows_reading = True
    shows_cards = True

    @abstractmethod
    def words_of(self, message: OutMessage, mode: Mode) -> dict[str, Any]:
        """The `message` part of the request. Raises ChannelError where it cannot be said."""

    @abstractmethod
    def picture_of(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        """The payload of a picture; {} where it cannot be shown here."""

    def document_of(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        """The payload of a PDF; {} where it cannot be shown here."""
        return {}

    def origin(self) -> str:
        """Another host than the Graph API's."""
        return ""

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.limits["window_hours"])

    def in_window(self, point: ContactPoint, now: datetime, *, typed: bool) -> Capability | None:
        """Before the network's own rules for later. None: the window has closed, and no person typed this."""
        label, last = self.kind.label, point.last_inbound_at
        if last is None:
            return Capability(Mode.NONE, f"On {label} the shopper must write first")
        until = last + (timedelta(hours=self.limits["typed_window_hours"]) if typed else self.window)
        if now < until:
            return Capability(Mode.FREE, until=until)
        if typed:
            return Capability(Mode.NONE, f"The shopper last wrote more than 7 days ago; {label} takes no answers now")
        return None

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
        kind = self._messaging_type(point, mode, typed=context.typed)
        if message.cards and not fit_together(message.cards):
            message = message.in_words()
        card = None if mode == Mode.TEMPLATE or message.cards else self._card_of(message)
        if card is not None and card.rest:
            plain = {"text": card.rest, "image_path": "", "url_button": None, "card_title": ""}
            words = self.words_of(message.model_copy(update=plain), mode)
        else:
            words = card.part if card is not None else self.words_of(message, mode)
        has_file = bool(message.cards or message.image_path or message.document_path) and mode != Mode.TEMPLATE
        beside = bool(card.rest) if card is not None else has_file
        if beside and not context.file_sent:
            first = card.part if card is not None else self._file(channel, message)
            self._send_first(channel, point, first, kind, context)
        try:
            answer = self._deliver(channel, point, kind | {"message": words}, context)
        except ChannelError as error:
            error.file_sent = beside
            raise
        provider_id = text(answer.get("message_id"), 255)
        if not provider_id:
            raise ChannelError(f"{self.kind.label}'s answer has no message id", outcome=Outcome.UNKNOWN)
        return SendResult(provider_id=provider_id)

    def _messaging_type(self, point: ContactPoint, mode: Mode, *, typed: bool) -> dict[str, str]:
        if mode == Mode.TEMPLATE:
            return {"messaging_type": "UTILITY"}
        last = point.last_inbound_at
        if typed and (last is None or clock.now() >= last + self.window):
            return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        return {"messaging_type": "RESPONSE"}

    def _card_of(self, message: OutMessage) -> Card | None:
        return card_of(message, most=self.limits)

    def _file(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        if message.cards:
            kind, payload = "template", generic_template(message.cards, most=self.limits)
        elif message.document_path:
            kind, payload = "file", self.document_of(channel, message)
        else:
            kind, payload = "image", self.picture_of(channel, message)
        return {"attachment": {"type": kind, "payload": payload}} if payload else {}

    def _send_first(
        self, channel: Channel, point: ContactPoint, first: dict[str, Any], kind: dict[str, str], context: SendContext
    ) -> None:
        """File or cards, and text, are two messages here. Where nobody knows whether the first is there, the text
        matters more."""
        if not first:
            return
        try:
            self._deliver(channel, point, kind | {"message": first}, replace(context, attempt=1))
        except ChannelError as error:
            if error.outcome != Outcome.UNKNOWN:
                raise

    def _deliver(
        self, channel: Channel, point: ContactPoint, request: dict[str, Any], context: SendContext
    ) -> dict[str, Any]:
        body = {"recipient": {"id": point.address}} | request
        path = f"{channel.account_id}/messages"
        return self.call(channel, "POST", path, json=body, attempt=context.attempt, on_leaving=context.leaving)

    def takes_pictures(self, *, channel: Channel) -> bool:
        return True

    def take_leave(self, *, channel: Channel) -> None:
        self.call(channel, "DELETE", f"{channel.account_id}/subscribed_apps")

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        return parse_callback(body)

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        url = text(source.get("url"), 4000)
        return downloads.download(url, network=self.kind.label, suffixes=self.media_hosts, max_bytes=max_bytes)

    def mark_read(self, *, channel: Channel, point: ContactPoint, provider_id: str, typing: bool = False) -> None:
        for action in ("mark_seen", "typing_on") if typing else ("mark_seen",):
            body = {"recipient": {"id": point.address}, "sender_action": action}
            self.call(channel, "POST", f"{channel.account_id}/messages", json=body)

    def refused(self, error: ChannelError, unknown: str) -> AccountCheck:
        """A check that failed, in words for the form. Where the network cannot be reached, that is raised instead."""
        if error.outcome in (Outcome.RETRY_AFTER, Outcome.UNKNOWN):
            raise error
        is_unknown = error.code.split("/")[0] in ("100", "803", "404")
        return AccountCheck(ok=False, message=unknown if is_unknown else str(error))

    def ice_breakers(self, questions: list[str]) -> list[dict[str, Any]]:
        """First questions of a new thread, as Meta's profile takes them."""
        taps = [{"question": shortened(each, 80), "payload": ICE_BREAKER} for each in questions[:ICE_BREAKERS]]
        return [{"locale": "default", "call_to_actions": taps}]

    def call(self, channel: Channel, method: str, path: str, **more: Any) -> dict[str, Any]:
        token = str(channel.credentials.get("access_token", ""))
        return graph.call(method, path, token=token, table=self.table, origin=self.origin(), **more)


def text_message(words: str, message: OutMessage, *, network: str, most: dict[str, int]) -> dict[str, Any]:
    """A text whose choices are quick replies. Raises ChannelError where there are too many."""
    if len(message.buttons) > most["quick_replies"]:
        raise ChannelError(f"{network} shows at most thirteen choices", outcome=Outcome.BUG)
    found: dict[str, Any] = {"text": words}
    if message.buttons:
        found["quick_replies"] = [
            {"content_type": "text", "title": shortened(each.title, most["button_title"]), "payload": each.id}
            for each in message.buttons
        ]
    return found


def with_link(message: OutMessage) -> str:
    """The link as words, where the network shows it no other way."""
    link = message.url_button
    return f"{message.text}\n\n{link.title}: {link.url}" if link else message.text
