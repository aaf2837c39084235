"""E-mail through Django's backend (console, SMTP) or any provider of anymail's."""

import re
import smtplib
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.mime.image import MIMEImage
from email.utils import formataddr
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.template.loader import render_to_string

from post_purchase.channels.addresses import entry_address, reply_address, unsubscribe_code
from post_purchase.channels.base import (
    NO_CONTEXT,
    AccountCheck,
    Capability,
    ChannelDriver,
    ChannelError,
    Outcome,
    OutMessage,
    Rate,
    SendContext,
    SendResult,
    Update,
)
from post_purchase.channels.pictures import read_document, stored
from post_purchase.channels.provider_data import load
from post_purchase.channels.reading import shortened
from post_purchase.models import Channel, ContactPoint, ShopSettings
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.models import IncomingWebhook

from .parse import files_of, parse_callback

TIMEOUT = 15  # seconds for a mail server to answer
AGAIN = timedelta(minutes=2)
NEEDS_UNSUBSCRIBE = (Purpose.MARKETING, Purpose.REVIEW_REQUEST)
MOST_REFERENCES = 10
MOST_DOCUMENT_BYTES = 10_000_000
MOST_PICTURE_BYTES = 5_000_000  # as WhatsApp; mail grows by a third on its way
PICTURE_TYPES = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
PICTURE = "picture"  # its Content-ID
_COLOR = re.compile(r"^#[0-9a-fA-F]{6}$")


class Email(ChannelDriver):
    kind = ChannelKind.EMAIL
    shows_cards = True
    asks_mailbox = True
    rate = Rate(per_account_per_second=14)  # Amazon SES's first production quota; other providers allow more
    echoes_ref = settings.EMAIL_BACKEND.startswith("anymail.")

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
        mail = build_mail(channel=channel, point=point, message=message, ref=ref, context=context)
        connection = get_connection(timeout=TIMEOUT)
        try:
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise _cannot_open(error) from error
        context.leaving()
        try:
            connection.send_messages([mail])
        except smtplib.SMTPException as error:
            raise _smtp_error(error) from error
        except AnymailError as error:
            raise _anymail_error(error) from error
        except OSError as error:
            raise ChannelError(
                "The mail server did not answer in time; the mail may or may not have gone", outcome=Outcome.UNKNOWN
            ) from error
        finally:
            _close(connection)
        return SendResult(provider_id=str(mail.extra_headers["Message-ID"]))

    def account_of(self, typed: str, credentials: Mapping[str, str]) -> str:
        return typed.lower()

    def takes_pictures(self, *, channel: Channel) -> bool:
        return True

    def takes_documents(self, *, channel: Channel) -> bool:
        return True

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        try:
            validate_email(account_id)
        except ValidationError:
            return AccountCheck(ok=False, message="This is not an e-mail address")
        connection = get_connection(timeout=TIMEOUT)
        try:
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise _cannot_open(error) from error
        finally:
            _close(connection)
        return AccountCheck(ok=True, name=account_id, link_address=account_id.lower())

    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        return parse_callback(body=body, headers=headers)

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        """The code stands in the address too, so that it survives a shopper who empties the mail."""
        address = entry_address(channel_id=channel.pk, code=code) or channel.link_address
        subject = quote(shortened(text, 78), safe="")
        return f"mailto:{quote(address, safe='@+')}?subject={subject}&body={quote(text, safe='')}"

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        """The file is still in the callback's row; it is read from there once more."""
        webhook = IncomingWebhook.objects.filter(pk=_whole(source.get("webhook")), source="email").first()
        number = _whole(source.get("part"))
        if webhook is None:
            raise ChannelError("The mail of this picture is no longer here", outcome=Outcome.BUG)
        files = files_of(body=bytes(webhook.body), headers=webhook.headers)
        if not 0 <= number < len(files):
            raise ChannelError("The mail has no such picture", outcome=Outcome.BUG)
        content = files[number].get_content_bytes()
        if len(content) > max_bytes:
            raise ChannelError(f"The file is larger than {max_bytes // 1_000_000} MB", outcome=Outcome.BUG)
        return bytes(content)


def build_mail(
    *, channel: Channel, point: ContactPoint, message: OutMessage, ref: str, context: SendContext
) -> EmailMultiAlternatives:
    """Text and HTML, threaded, with a reply address of its own and, where it is promotion, one-click unsubscribe."""
    brand, color, postal_address = _brand(channel)
    headers = {"Message-ID": f"<{ref.lower()}@{_domain(channel)}>"}
    if context.thread:
        headers["In-Reply-To"] = context.quote or context.thread[-1]
        headers["References"] = " ".join(context.thread[-MOST_REFERENCES:])
    if not context.typed:
        headers["Auto-Submitted"] = "auto-generated"
    unsubscribe = ""
    if context.purpose in NEEDS_UNSUBSCRIBE:
        unsubscribe = f"{settings.APP_URL}/unsubscribe/{unsubscribe_code(point_id=point.pk, purpose=context.purpose)}"
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    picture = _picture(message)
    values = {
        "message": message,
        "paragraphs": [each.strip().split("\n") for each in message.text.split("\n\n") if each.strip()],
        "choices": [(number, each.title) for number, each in enumerate(message.buttons, 1)],
        "brand": brand,
        "color": color,
        "postal_address": postal_address,
        "unsubscribe": unsubscribe,
        "unsubscribe_words": _words("unsubscribe", message.language),
        "choose_words": _words("choose", message.language).format(numbers=f"1–{len(message.buttons)}"),
        "image": f"cid:{PICTURE}"
        if picture
        else message.image_path
        if message.image_path.startswith("https://")
        else "",
    }
    reply_to = reply_address(channel_id=channel.pk, point_id=point.pk) if point.pk else ""  # a test has no person
    mail = EmailMultiAlternatives(
        subject=" ".join(message.subject.split()) or _answered(context.subject) or shortened(message.text, 60) or brand,
        body=render_to_string("email/message.txt", values).strip() + "\n",
        from_email=formataddr((brand, channel.account_id)),
        to=[point.address],
        reply_to=[reply_to] if reply_to else None,
        headers=headers,
    )
    mail.attach_alternative(render_to_string("email/message.html", values), "text/html")
    if picture:
        mail.attach(picture)
    if message.document_path:
        mail.attach(*read_document(message, network="E-mail", most=MOST_DOCUMENT_BYTES))
    mail.metadata = {"ref": ref, "channel": str(channel.pk)}  # type: ignore[attr-defined]  # anymail gives it back
    return mail


def _answered(subject: str) -> str:
    """ "Re: Where is it?" for "AW: Re: Where is it?"; "" where they wrote none."""
    marks = load("email_replies.yaml")["answer_marks"]
    words = " ".join(subject.split())
    while (mark := words.partition(":"))[1] and mark[0].strip().casefold() in marks:
        words = mark[2].strip()
    return f"Re: {words}" if words else ""


def _words(name: str, language: str) -> str:
    found: dict[str, str] = load("email_words.yaml")[name]
    return found.get(language.replace("_", "-").split("-")[0].lower()) or found["en"]


def _picture(message: OutMessage) -> MIMEImage | None:
    """A file of ours goes along inside the mail: many programs load nothing from outside."""
    if not message.image_path or message.image_path.startswith(("https://", "http://")):
        return None
    subtype = PICTURE_TYPES.get(Path(message.image_path).suffix.lower())
    if subtype is None:
        raise ChannelError("E-mail shows only JPEG and PNG pictures of this shop", outcome=Outcome.BUG)
    content = stored(message.image_path)
    if len(content) > MOST_PICTURE_BYTES:
        raise ChannelError("A picture in an e-mail may have at most 5 MB", outcome=Outcome.BUG)
    part = MIMEImage(content, subtype)
    part["Content-ID"] = f"<{PICTURE}>"
    part["Content-Disposition"] = "inline"
    return part


def _brand(channel: Channel) -> tuple[str, str, str]:
    try:
        chosen = channel.shop.settings
    except ShopSettings.DoesNotExist:
        return channel.name, "#1f6f5c", ""
    color = chosen.brand_color if _COLOR.match(chosen.brand_color) else "#1f6f5c"
    return chosen.display_name, color, chosen.postal_address


def _domain(channel: Channel) -> str:
    return settings.INBOUND_EMAIL_DOMAIN or channel.account_id.rpartition("@")[2] or "localhost"


def _cannot_open(error: Exception) -> ChannelError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return ChannelError("The mail server refused our user name or password", outcome=Outcome.HALT_ACCOUNT)
    return ChannelError("The mail server cannot be reached", outcome=Outcome.RETRY_AFTER, retry_after=AGAIN)


def _smtp_error(error: smtplib.SMTPException) -> ChannelError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next((answer[0] for answer in error.recipients.values()), 550)
        if code < 500:
            return ChannelError(
                "The shopper's mail server asks to wait", outcome=Outcome.RETRY_AFTER, code=str(code), retry_after=AGAIN
            )
        return ChannelError("This e-mail address is refused", outcome=Outcome.SUPPRESS_ADDRESS, code=str(code))
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        if 400 <= code < 500:
            return ChannelError(
                "The mail server asks to wait", outcome=Outcome.RETRY_AFTER, code=str(code), retry_after=AGAIN
            )
        if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPAuthenticationError):
            return ChannelError(
                "The mail server does not let you send from this address", outcome=Outcome.HALT_ACCOUNT, code=str(code)
            )
        return ChannelError("The mail server refused the mail", outcome=Outcome.BUG, code=str(code))
    return ChannelError(
        "The connection to the mail server broke; the mail may or may not have gone", outcome=Outcome.UNKNOWN
    )


def _anymail_error(error: AnymailError) -> ChannelError:
    if isinstance(error, AnymailRecipientsRefused):
        return ChannelError("This e-mail address is refused", outcome=Outcome.SUPPRESS_ADDRESS)
    status = getattr(error, "status_code", None)
    if not isinstance(error, AnymailAPIError) or (status is not None and 400 <= status < 500 and status != 429):
        if status in (401, 403):
            return ChannelError("The mail provider refused our key", outcome=Outcome.HALT_ACCOUNT, code=str(status))
        return ChannelError("The mail provider refused the mail", outcome=Outcome.BUG, code=str(status or ""))
    if status in (429, 503):
        return ChannelError("The mail provider asks to wait", outcome=Outcome.RETRY_AFTER, retry_after=AGAIN)
    return ChannelError("The mail provider did not answer; the mail may or may not have gone", outcome=Outcome.UNKNOWN)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        return  # the mail is already accepted or already failed


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1
