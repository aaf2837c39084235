"""Messenger Platform: RESPONSE inside the window, UTILITY templates after it, HUMAN_AGENT for what a person typed."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings

from post_purchase.channels import downloads, graph, pictures
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
    TemplateReceipt,
    TemplateUpdate,
    Update,
)
from post_purchase.channels.provider_data import ErrorTable
from post_purchase.channels.reading import text
from post_purchase.models import Channel, ContactPoint, MessageTemplate
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.lib import clock, queue

from .parse import GET_STARTED, parse_callback
from .requests import LIMITS, free_message, template_message

ERRORS = ErrorTable("messenger_errors.yaml", "Messenger")
WINDOW = timedelta(hours=LIMITS["window_hours"])
TYPED_WINDOW = timedelta(hours=LIMITS["typed_window_hours"])
FIELDS = (
    "messages,messaging_postbacks,messaging_referrals,messaging_optins,message_deliveries,message_reads,"
    "message_echoes,message_reactions,message_template_status_update"
)
PICTURE_SENT_SECONDS = 86400


class Messenger(ChannelDriver):
    kind = ChannelKind.MESSENGER
    rate: ClassVar[Rate] = Rate(per_account_per_second=LIMITS["per_account_per_second"])
    credential_fields = (CredentialField("access_token", "Page access token", "From Meta's Business Manager"),)
    media_hosts = ("fbcdn.net", "fbsbx.com")
    has_templates = True

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        if point.last_inbound_at is None:
            return Capability(Mode.NONE, "On Messenger the shopper must write first")
        until = point.last_inbound_at + (TYPED_WINDOW if typed else WINDOW)
        if now < until:
            return Capability(Mode.FREE, until=until)
        if typed:
            return Capability(Mode.NONE, "The shopper last wrote more than 7 days ago; Messenger takes no answers now")
        if purpose == Purpose.MARKETING:
            return Capability(Mode.NONE, "Messenger takes no offers later than 24 hours after the shopper wrote")
        hours = int((now - point.last_inbound_at).total_seconds() // 3600)
        why = f"The shopper last wrote {hours} hours ago; after 24, Messenger takes only an approved utility template"
        return Capability(Mode.TEMPLATE, why)

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
        words = template_message(message) if mode == Mode.TEMPLATE else free_message(message)
        if message.image_path and mode != Mode.TEMPLATE:
            self._send_picture(channel, point, message, kind, ref, context)
        answer = self._deliver(channel, point, kind | {"message": words}, context)
        provider_id = text(answer.get("message_id"), 255)
        if not provider_id:
            raise ChannelError("Messenger's answer has no message id", outcome=Outcome.UNKNOWN)
        return SendResult(provider_id=provider_id)

    def _messaging_type(self, point: ContactPoint, mode: Mode, *, typed: bool) -> dict[str, str]:
        if mode == Mode.TEMPLATE:
            return {"messaging_type": "UTILITY"}
        last = point.last_inbound_at
        if typed and (last is None or clock.now() >= last + WINDOW):
            return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        return {"messaging_type": "RESPONSE"}

    def _send_picture(
        self,
        channel: Channel,
        point: ContactPoint,
        message: OutMessage,
        kind: dict[str, str],
        ref: str,
        context: SendContext,
    ) -> None:
        """Picture and text are two messages here. A second try of the text does not send the picture again."""
        mark = f"doorstep:messenger:picture:{ref}"
        if not queue.redis().set(mark, "1", nx=True, ex=PICTURE_SENT_SECONDS):
            return
        try:
            picture = {"attachment": {"type": "image", "payload": self._picture(channel, message)}}
            self._deliver(channel, point, kind | {"message": picture}, replace(context, attempt=1))
        except ChannelError as error:
            if error.outcome != Outcome.UNKNOWN:  # unknown: it may be there, and the text matters more
                queue.redis().delete(mark)
                raise

    def _picture(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        if pictures.is_address(message.image_path):
            return {"url": message.image_path, "is_reusable": False}
        picture = pictures.read(message.image_path, network="Messenger", most=LIMITS["image_bytes"])
        attachment = {"attachment": {"type": "image", "payload": {"is_reusable": False}}}
        answer = self._call(
            channel,
            "POST",
            f"{channel.account_id}/message_attachments",
            data={"message": json.dumps(attachment)},
            files={"filedata": picture},
        )
        return {"attachment_id": text(answer.get("attachment_id"), 64)}

    def _deliver(
        self, channel: Channel, point: ContactPoint, request: dict[str, Any], context: SendContext
    ) -> dict[str, Any]:
        body = {"recipient": {"id": point.address}} | request
        path = f"{channel.account_id}/messages"
        return self._call(channel, "POST", path, json=body, attempt=context.attempt, on_leaving=context.leaving)

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        if not account_id.isdigit():
            return AccountCheck(ok=False, message="The page ID consists of digits only")
        token = credentials.get("access_token", "")
        try:
            page = graph.call("GET", account_id, token=token, table=ERRORS, params={"fields": "id,name,username"})
        except ChannelError as error:
            if error.outcome in (Outcome.RETRY_AFTER, Outcome.UNKNOWN):
                raise
            unknown = error.code.split("/")[0] in ("100", "803", "404")
            words = "Meta does not know this page, or the token may not see it" if unknown else str(error)
            return AccountCheck(ok=False, message=words)
        if text(page.get("id")) != account_id:
            return AccountCheck(ok=False, message="This token belongs to another page")
        name = text(page.get("name"), 120)
        return AccountCheck(ok=True, name=name, link_address=text(page.get("username"), 100) or account_id)

    def set_up_account(self, *, channel: Channel) -> None:
        """Without Get Started a link's code would be lost on a new thread (Meta, "m.me links")."""
        self._call(channel, "POST", f"{channel.account_id}/subscribed_apps", json={"subscribed_fields": FIELDS})
        profile: dict[str, Any] = {"get_started": {"payload": GET_STARTED}}
        questions = channel.options.get("ice_breakers")
        if questions:
            taps = [{"question": each, "payload": each} for each in questions[:4]]
            profile["ice_breakers"] = [{"locale": "default", "call_to_actions": taps}]
        self._call(channel, "POST", f"{channel.account_id}/messenger_profile", json=profile)

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        return parse_callback(body)

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return f"{settings.MESSENGER_LINK_ORIGIN}/{quote(channel.link_address)}?ref={quote(code, safe='')}"

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        url = text(source.get("url"), 4000)
        return downloads.download(url, network="Messenger", suffixes=self.media_hosts, max_bytes=max_bytes)

    def mark_read(self, *, channel: Channel, point: ContactPoint, provider_id: str, typing: bool = False) -> None:
        for action in ("mark_seen", "typing_on") if typing else ("mark_seen",):
            body = {"recipient": {"id": point.address}, "sender_action": action}
            self._call(channel, "POST", f"{channel.account_id}/messages", json=body)

    def submit_template(self, *, channel: Channel, template: MessageTemplate) -> TemplateReceipt:
        if template.category != "UTILITY":
            raise ChannelError("Messenger knows only utility templates: offers cannot be sent", outcome=Outcome.BUG)
        return graph.submit_template(
            template,
            account_id=channel.account_id,
            token=str(channel.credentials.get("access_token", "")),
            table=ERRORS,
        )

    def list_templates(self, *, channel: Channel) -> list[TemplateUpdate]:
        return graph.list_templates(
            account_id=channel.account_id, token=str(channel.credentials.get("access_token", "")), table=ERRORS
        )

    def _call(self, channel: Channel, method: str, path: str, **more: Any) -> dict[str, Any]:
        token = str(channel.credentials.get("access_token", ""))
        return graph.call(method, path, token=token, table=ERRORS, **more)
