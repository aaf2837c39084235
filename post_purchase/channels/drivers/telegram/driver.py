"""Telegram: a bot of the merchant's own. The shopper taps Start first; then every message goes, until they block it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings

from post_purchase.channels import downloads, pictures
from post_purchase.channels.base import (
    NO_CONTEXT,
    AccountCheck,
    Capability,
    ChannelDriver,
    ChannelError,
    CredentialField,
    Outcome,
    OutMessage,
    Rate,
    SendContext,
    SendResult,
    Update,
)
from post_purchase.channels.entry_links import telegram_link
from post_purchase.channels.reading import mapping, text
from post_purchase.models import Channel, ContactPoint
from post_purchase.words import ChannelKind, Mode, Purpose

from .api import bot_of, call, secret_for
from .parse import parse_callback
from .requests import LIMITS, message_fields, with_cards

UPDATES = ["message", "callback_query", "my_chat_member"]


class Telegram(ChannelDriver):
    kind = ChannelKind.TELEGRAM
    shows_cards = True
    rate: ClassVar[Rate] = Rate(
        per_account_per_second=LIMITS["per_account_per_second"],
        per_point_seconds=LIMITS["per_point_seconds"],
        per_point_burst=LIMITS["per_point_burst"],
    )
    credential_fields = (
        CredentialField("token", "Bot token", "In Telegram write /newbot to @BotFather; it answers with the token."),
    )
    asks_account = False
    shows_reading = True
    caption = LIMITS["caption"]

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        if point.last_inbound_at is None:
            return Capability(Mode.NONE, "On Telegram the shopper must write first")
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
        if message.cards:
            message = with_cards(message)
        request: dict[str, Any] = {"chat_id": _chat(point)} | message_fields(message)
        chat, _, quoted = context.quote.partition(":")
        if chat == point.address and quoted.isdigit():
            request["reply_parameters"] = {"message_id": int(quoted), "allow_sending_without_reply": True}
        token = _token(channel)
        if message.document_path:
            file = pictures.read_document(message, network="Telegram", most=LIMITS["document_bytes"])
            answer = call(
                "sendDocument", token=token, data=_form(request), files={"document": file}, on_leaving=context.leaving
            )
        elif not message.image_path:
            answer = call("sendMessage", token=token, json=request, on_leaving=context.leaving)
        elif pictures.is_address(message.image_path):
            request["photo"] = message.image_path
            answer = call("sendPhoto", token=token, json=request, on_leaving=context.leaving)
        else:
            files = {"photo": pictures.read(message.image_path, network="Telegram", most=LIMITS["photo_bytes"])}
            answer = call("sendPhoto", token=token, data=_form(request), files=files, on_leaving=context.leaving)
        number = text(mapping(answer).get("message_id"), 30)
        if not number:
            raise ChannelError("Telegram's answer has no message id", outcome=Outcome.UNKNOWN)
        return SendResult(provider_id=f"{point.address}:{number}")  # the number alone counts within one chat

    def takes_pictures(self, *, channel: Channel) -> bool:
        return True

    def takes_documents(self, *, channel: Channel) -> bool:
        return True

    def account_of(self, typed: str, credentials: Mapping[str, str]) -> str:
        return bot_of(credentials.get("token", ""))

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        token = credentials.get("token", "")
        if not account_id or bot_of(token) != account_id:
            return AccountCheck(
                ok=False,
                message="This is not a bot token: it looks like 123456789:AAH-k7Lm… and comes from @BotFather",
            )
        try:
            bot = mapping(call("getMe", token=token))
        except ChannelError as error:
            if error.outcome in (Outcome.RETRY_AFTER, Outcome.UNKNOWN):
                raise
            return AccountCheck(ok=False, message=str(error))
        username = text(bot.get("username"), 64)
        if not bot.get("is_bot") or not username:
            return AccountCheck(ok=False, message="Telegram says that this is not a bot with a name")
        return AccountCheck(ok=True, name=text(bot.get("first_name"), 100) or username, link_address=username)

    def set_up_account(self, *, channel: Channel) -> None:
        call(
            "setWebhook",
            token=_token(channel),
            json={
                "url": f"{settings.APP_URL}/webhooks/telegram/{channel.account_id}",
                "secret_token": secret_for(channel.account_id),
                "allowed_updates": UPDATES,
            },
        )

    def take_leave(self, *, channel: Channel) -> None:
        call("deleteWebhook", token=_token(channel), json={"drop_pending_updates": True})

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        return parse_callback(body, headers.get("bot", ""))

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return telegram_link(origin=settings.TELEGRAM_LINK_ORIGIN, bot=channel.link_address, code=code)

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        """Two steps (Bot API, "getFile"): the id gives a path that holds for an hour, below the token."""
        most = min(max_bytes, LIMITS["file_bytes"])
        size = source.get("size")
        if isinstance(size, int) and size > most:
            raise downloads.too_large(most)
        found = mapping(call("getFile", token=_token(channel), json={"file_id": text(source.get("file_id"), 300)}))
        path, size = text(found.get("file_path"), 500), found.get("file_size")
        if isinstance(size, int) and size > most:
            raise downloads.too_large(most)
        if not path or ".." in path:
            raise ChannelError("Telegram no longer has this file", outcome=Outcome.BUG, code="file_path")
        origin = f"{settings.TELEGRAM_API_ORIGIN}/file"
        url = f"{origin}/bot{_token(channel)}/{quote(path)}"
        return downloads.download(url, network="Telegram", origin=origin, max_bytes=most)

    def mark_read(self, *, channel: Channel, point: ContactPoint, provider_id: str, typing: bool = False) -> None:
        """A bot cannot show that it has read; it can show that it is writing."""
        if typing:
            call("sendChatAction", token=_token(channel), json={"chat_id": _chat(point), "action": "typing"})


def _token(channel: Channel) -> str:
    return str(channel.credentials.get("token", ""))


def _chat(point: ContactPoint) -> int:
    try:
        return int(point.address)
    except ValueError as error:
        raise ChannelError("This is not a chat on Telegram", outcome=Outcome.BUG) from error


def _form(request: dict[str, Any]) -> dict[str, str]:
    """Beside a file the fields are a form's."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in request.items()}
