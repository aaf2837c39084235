"""Messenger Platform: RESPONSE inside the window, UTILITY templates after it, HUMAN_AGENT for what a person typed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings

from post_purchase.channels import graph, pictures
from post_purchase.channels.base import (
    AccountCheck,
    Capability,
    ChannelError,
    CredentialField,
    Outcome,
    OutMessage,
    Rate,
    TemplateReceipt,
    TemplateUpdate,
)
from post_purchase.channels.meta_driver import MetaMessaging
from post_purchase.channels.meta_parse import GET_STARTED
from post_purchase.channels.provider_data import ErrorTable
from post_purchase.channels.reading import text
from post_purchase.models import Channel, ContactPoint, MessageTemplate
from post_purchase.words import ChannelKind, Mode, Purpose

from .requests import LIMITS, free_message, template_message

ERRORS = ErrorTable("messenger_errors.yaml", "Messenger")
FIELDS = (
    "messages,messaging_postbacks,messaging_referrals,messaging_optins,message_deliveries,message_reads,"
    "message_echoes,message_reactions,message_template_status_update"
)


class Messenger(MetaMessaging):
    kind = ChannelKind.MESSENGER
    rate: ClassVar[Rate] = Rate(per_account_per_second=LIMITS["per_account_per_second"])
    credential_fields = (CredentialField("access_token", "Page access token", "From Meta's Business Manager"),)
    media_hosts = ("fbcdn.net", "fbsbx.com")
    template_categories = ("UTILITY",)  # offers cannot be sent outside the window
    has_templates = True

    table = ERRORS
    limits = LIMITS

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        found, last = self.in_window(point, now, typed=typed), point.last_inbound_at
        if found is not None or last is None:
            return found or Capability(Mode.NONE)
        if purpose == Purpose.MARKETING:
            return Capability(Mode.NONE, "Messenger takes no offers later than 24 hours after the shopper wrote")
        hours = int((now - last).total_seconds() // 3600)
        why = f"The shopper last wrote {hours} hours ago; after 24, Messenger takes only an approved utility template"
        return Capability(Mode.TEMPLATE, why)

    def tells_delivery(self, *, channel: Channel) -> bool:
        return True

    def words_of(self, message: OutMessage, mode: Mode) -> dict[str, Any]:
        return template_message(message) if mode == Mode.TEMPLATE else free_message(message)

    def picture_of(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        if pictures.is_address(message.image_path):
            return {"url": message.image_path, "is_reusable": False}
        return self._uploaded(
            channel, "image", pictures.read(message.image_path, network="Messenger", most=LIMITS["image_bytes"])
        )

    def takes_documents(self, *, channel: Channel) -> bool:
        return True

    def document_of(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        file = pictures.read_document(message, network="Messenger", most=LIMITS["document_bytes"])
        return self._uploaded(channel, "file", file)

    def _uploaded(self, channel: Channel, kind: str, file: tuple[str, bytes, str]) -> dict[str, Any]:
        attachment = {"attachment": {"type": kind, "payload": {"is_reusable": False}}}
        answer = self.call(
            channel,
            "POST",
            f"{channel.account_id}/message_attachments",
            data={"message": json.dumps(attachment)},
            files={"filedata": file},
        )
        return {"attachment_id": text(answer.get("attachment_id"), 64)}

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        if not account_id.isdigit():
            return AccountCheck(ok=False, message="The page ID consists of digits only")
        token = credentials.get("access_token", "")
        try:
            page = graph.call("GET", account_id, token=token, table=ERRORS, params={"fields": "id,name,username"})
        except ChannelError as error:
            return self.refused(error, "Meta does not know this page, or the token may not see it")
        if text(page.get("id")) != account_id:
            return AccountCheck(ok=False, message="This token belongs to another page")
        name = text(page.get("name"), 120)
        return AccountCheck(ok=True, name=name, link_address=text(page.get("username"), 100) or account_id)

    def set_up_account(self, *, channel: Channel) -> None:
        """Without Get Started a link's code would be lost on a new thread (Meta, "m.me links")."""
        self.call(channel, "POST", f"{channel.account_id}/subscribed_apps", json={"subscribed_fields": FIELDS})
        profile: dict[str, Any] = {"get_started": {"payload": GET_STARTED}}
        questions = channel.options.get("ice_breakers")
        if questions:
            profile["ice_breakers"] = self.ice_breakers(questions)
        self.call(channel, "POST", f"{channel.account_id}/messenger_profile", json=profile)

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return f"{settings.MESSENGER_LINK_ORIGIN}/{quote(channel.link_address)}?ref={quote(code, safe='')}"

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
