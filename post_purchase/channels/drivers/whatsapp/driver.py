"""WhatsApp Cloud API."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import phonenumbers
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
    Portfolio,
    Rate,
    SendContext,
    SendResult,
    TemplateReceipt,
    TemplateUpdate,
    Update,
)
from post_purchase.channels.provider_data import AGAIN
from post_purchase.channels.reading import mapping, mappings, text
from post_purchase.models import Channel, ContactPoint, MessageTemplate
from post_purchase.words import ChannelKind, Mode, Purpose

from .parse import ERRORS, parse_callback, tier
from .requests import LIMITS, is_bsuid, message_request

WINDOW = timedelta(hours=LIMITS["window_hours"])
LIMIT_FIELD = "whatsapp_business_manager_messaging_limit"  # of the portfolio, asked at any of its numbers
IMAGE_TYPES = ("image/jpeg", "image/png")


class WhatsApp(ChannelDriver):
    kind = ChannelKind.WHATSAPP
    rate: ClassVar[Rate] = Rate(
        per_account_per_second=LIMITS["per_account_per_second"],
        per_point_seconds=LIMITS["per_point_seconds"],
        per_point_burst=LIMITS["per_point_burst"],
    )
    credential_fields = (
        CredentialField("waba_id", "WhatsApp Business account ID", secret=False),
        CredentialField("access_token", "Access token", "A system user's token from Meta's Business Manager"),
        CredentialField(
            "pin",
            "Two-step PIN",
            "Six digits, and only where the number does not send yet: we register it with them.",
            required=False,
        ),
    )
    media_hosts = ("fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net")
    shows_reading = True
    shows_cards = True
    caption = LIMITS["caption"]
    echoes_ref = True
    has_templates = True
    deletes_templates = True

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        until = point.last_inbound_at + WINDOW if point.last_inbound_at else None
        if until and now < until:
            return Capability(Mode.FREE, until=until)
        if purpose == Purpose.MARKETING and is_american(point):
            return Capability(Mode.NONE, "WhatsApp does not deliver offers to numbers in the United States")
        if until is None:
            return Capability(Mode.TEMPLATE, "The shopper has not written on WhatsApp yet: only an approved template")
        hours = int((now - until + WINDOW).total_seconds() // 3600)
        why = (
            f"The shopper last wrote {hours} hours ago; WhatsApp takes free text for 24, then only an approved template"
        )
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
        image = document = None
        if mode != Mode.TEMPLATE:
            image = self._image(channel, message) if message.image_path else None
            document = self._document(channel, message) if message.document_path else None
        request = message_request(
            message=message, mode=mode, address=point.address, ref=ref, context=context, image=image, document=document
        )
        answer = self._call(
            channel,
            "POST",
            f"{channel.account_id}/messages",
            json=request,
            attempt=context.attempt,
            on_leaving=context.leaving,
        )
        provider_id = next((text(each.get("id"), 255) for each in mappings(answer.get("messages"))), "")
        if not provider_id:
            raise ChannelError("WhatsApp's answer has no message id", outcome=Outcome.UNKNOWN)
        return SendResult(provider_id=provider_id)

    def can_ask_phone(self, *, point: ContactPoint) -> bool:
        return is_bsuid(point.address) and not point.phone

    def portfolio_of(self, channel: Channel) -> Portfolio | None:
        key = str(channel.options.get("portfolio") or channel.options.get("waba_id") or "")
        return Portfolio(key, int(channel.options.get("portfolio_limit") or 0)) if key else None

    def tells_delivery(self, *, channel: Channel) -> bool:
        return True

    def takes_pictures(self, *, channel: Channel) -> bool:
        return True

    def takes_documents(self, *, channel: Channel) -> bool:
        return True

    def _image(self, channel: Channel, message: OutMessage) -> dict[str, str]:
        """A public address as it is; a file of ours uploaded first (it stays at Meta for 30 days)."""
        if pictures.is_address(message.image_path):
            return {"link": message.image_path}
        name, content, kind = pictures.read(
            message.image_path, network="WhatsApp", most=LIMITS["image_bytes"], types=IMAGE_TYPES
        )
        return {"id": self._uploaded(channel, name, content, kind)}

    def _document(self, channel: Channel, message: OutMessage) -> dict[str, str]:
        file = pictures.read_document(message, network="WhatsApp", most=LIMITS["document_bytes"])
        return {"id": self._uploaded(channel, *file), "filename": file[0]}

    def _uploaded(self, channel: Channel, name: str, content: bytes, kind: str) -> str:
        answer = self._call(
            channel,
            "POST",
            f"{channel.account_id}/media",
            data={"messaging_product": "whatsapp", "type": kind},
            files={"file": (name, content, kind)},
        )
        return text(answer.get("id"), 64)

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        token, waba = credentials.get("access_token", ""), credentials.get("waba_id", "")
        pin = credentials.get("pin", "")
        if pin and not (len(pin) == 6 and pin.isascii() and pin.isdigit()):
            return AccountCheck(ok=False, message="The PIN has six digits")
        if not account_id.isdigit() or not waba.isdigit():
            return AccountCheck(ok=False, message="The phone number ID and the account ID consist of digits only")
        try:
            fields = {"fields": f"display_phone_number,verified_name,quality_rating,status,{LIMIT_FIELD}"}
            number = graph.call("GET", account_id, token=token, table=ERRORS, params=fields)
            listed = graph.call("GET", f"{waba}/phone_numbers", token=token, table=ERRORS)
        except ChannelError as error:
            return refused(error)
        digits = "".join(each for each in text(number.get("display_phone_number"), 40) if each.isdigit())
        if not digits:
            return AccountCheck(ok=False, message="This ID is not a WhatsApp phone number's: look in WhatsApp Manager")
        if account_id not in {text(each.get("id")) for each in mappings(listed.get("data"))}:
            return AccountCheck(ok=False, message="This phone number does not belong to this WhatsApp Business account")
        options = {
            "waba_id": waba,
            "quality": text(number.get("quality_rating"), 20),
            "sends": text(number.get("status"), 20).upper() == "CONNECTED",
            "portfolio": _portfolio_key(waba, token),
        }
        if limit := tier(number.get(LIMIT_FIELD)):
            options["portfolio_limit"] = limit
        name = text(number.get("verified_name"), 120) or f"+{digits}"
        return AccountCheck(ok=True, name=name, link_address=digits, options=options)

    def set_up_account(self, *, channel: Channel) -> None:
        """A number that does not send yet is registered; one that does would lose its other PIN."""
        pin = channel.credentials.get("pin", "")
        if pin and not channel.options.get("sends"):
            self._call(
                channel,
                "POST",
                f"{channel.account_id}/register",
                json={"messaging_product": "whatsapp", "pin": pin},
            )
        self._call(channel, "POST", f"{channel.options.get('waba_id', '')}/subscribed_apps")

    def token_for(self, code: str) -> str:
        return graph.token_for(code, table=ERRORS)

    def take_leave(self, *, channel: Channel) -> None:
        self._call(channel, "DELETE", f"{channel.options.get('waba_id', '')}/subscribed_apps")

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        return parse_callback(body)

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return f"{settings.WHATSAPP_LINK_ORIGIN}/{channel.link_address}?text={quote(text, safe='')}"

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        """Two steps (Meta, "Media"): the id gives an address that lives five minutes and wants the token."""
        params = {"phone_number_id": channel.account_id}
        found = self._call(channel, "GET", quote(text(source.get("id"), 64), safe=""), params=params)
        size = found.get("file_size")
        if isinstance(size, int) and size > max_bytes:
            raise downloads.too_large(max_bytes)
        content = downloads.download(
            text(found.get("url"), 4000),
            network="WhatsApp",
            suffixes=self.media_hosts,
            max_bytes=max_bytes,
            headers={"Authorization": f"Bearer {channel.credentials.get('access_token', '')}"},
        )
        wanted = text(source.get("sha256"), 100) or text(found.get("sha256"), 100)
        digest = hashlib.sha256(content)
        if wanted and wanted not in (digest.hexdigest(), base64.b64encode(digest.digest()).decode()):
            raise ChannelError(
                "The file arrived damaged", outcome=Outcome.RETRY_AFTER, code="sha256", retry_after=AGAIN
            )
        return content

    def mark_read(self, *, channel: Channel, point: ContactPoint, provider_id: str, typing: bool = False) -> None:
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": provider_id}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        self._call(channel, "POST", f"{channel.account_id}/messages", json=body)

    def submit_template(self, *, channel: Channel, template: MessageTemplate) -> TemplateReceipt:
        return graph.submit_template(
            template,
            account_id=str(channel.options.get("waba_id", "")),
            token=str(channel.credentials.get("access_token", "")),
            table=ERRORS,
        )

    def delete_template(self, *, channel: Channel, template: MessageTemplate) -> None:
        """By id and name: by the name alone every language would go. What is not there any more is deleted."""
        which = {"hsm_id": template.provider_id, "name": template.name}
        try:
            self._call(channel, "DELETE", f"{channel.options.get('waba_id', '')}/message_templates", params=which)
        except ChannelError as error:
            if error.code.split("/")[0] not in ("100", "803"):
                raise

    def list_templates(self, *, channel: Channel) -> list[TemplateUpdate]:
        return graph.list_templates(
            account_id=str(channel.options.get("waba_id", "")),
            token=str(channel.credentials.get("access_token", "")),
            table=ERRORS,
        )

    def _call(self, channel: Channel, method: str, path: str, **more: Any) -> dict[str, Any]:
        token = str(channel.credentials.get("access_token", ""))
        return graph.call(method, path, token=token, table=ERRORS, **more)


def _portfolio_key(waba: str, token: str) -> str:
    """The business that owns the account; the account itself where this token may not see the owner."""
    try:
        asked = {"fields": "owner_business_info"}
        owner = mapping(graph.call("GET", waba, token=token, table=ERRORS, params=asked).get("owner_business_info"))
    except ChannelError:
        return waba
    return text(owner.get("id"), 64) or waba


def refused(error: ChannelError) -> AccountCheck:
    """A check that failed, in words for the form. Where the network cannot be reached, that is raised instead."""
    if error.outcome in (Outcome.RETRY_AFTER, Outcome.UNKNOWN):
        raise error
    if error.code.split("/")[0] in ("100", "803", "404"):
        return AccountCheck(ok=False, message="Meta does not know this ID, or the token may not see it")
    return AccountCheck(ok=False, message=str(error))


def is_american(point: ContactPoint) -> bool:
    """Meta delivers no marketing templates to US area codes since 2025-04-01. In doubt: American."""
    if point.address.startswith("US."):
        return True
    digits = point.phone or (f"+{point.address}" if point.address.isdigit() else "")
    if not digits.startswith("+1"):
        return False
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(digits, None))
    except phonenumbers.NumberParseException:
        return True
    return region in (None, "US", "ZZ")
