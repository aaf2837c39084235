"""The generic SMS gateway: any provider, or a small program in front of it, that speaks docs/sms-gateway.md."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from post_purchase.channels.base import (
    AccountCheck,
    ChannelError,
    CredentialField,
    Gateway,
    Inbound,
    Odd,
    Outcome,
    SendContext,
    StatusUpdate,
    Update,
)
from post_purchase.channels.provider_data import ErrorTable
from post_purchase.channels.reading import made_id, mapping, mappings, moment, parse_json, text
from post_purchase.models import Channel
from post_purchase.words import MessageStatus
from shopapp.lib import http

ERRORS = ErrorTable("sms_gateway_errors.yaml", "The SMS gateway")
# Its errors are words; the table is by number.
CODES = {
    "rate": 1,
    "temporary": 2,
    "opted_out": 10,
    "invalid_number": 11,
    "unreachable": 12,
    "content": 20,
    "account": 30,
}
STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
}
FORM = Gateway(
    key="http",
    label="Any other provider, by HTTP",
    account_label=("Sender", "The number or name that shoppers see."),
    fields=(
        CredentialField(
            "url", "Address of the gateway", "https://…; it takes what docs/sms-gateway.md describes.", secret=False
        ),
        CredentialField("secret", "Shared secret", "At least 16 characters. Both sides sign and check with it."),
    ),
)


def check(*, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
    url, secret = credentials.get("url", ""), credentials.get("secret", "")
    if not url.startswith("https://") and not http.is_demo(url):
        return AccountCheck(ok=False, message="The address of the gateway must start with https://")
    if len(secret) < 16:
        return AccountCheck(ok=False, message="The shared secret needs at least 16 characters")
    try:
        ask({"url": url, "secret": secret}, {"type": "check", "from": account_id})
    except ChannelError as error:
        if error.outcome in (Outcome.RETRY_AFTER, Outcome.UNKNOWN):
            raise
        return AccountCheck(ok=False, message=str(error))
    number = account_id if account_id.isdigit() else ""  # nobody can text to a name: no link leads there
    return AccountCheck(ok=True, name=account_id, link_address=number, options={"gateway": "http", "url": url})


def send(*, channel: Channel, to: str, words: str, ref: str, context: SendContext) -> str:
    request = {"type": "message", "from": channel.account_id, "to": f"+{to}", "text": words, "ref": ref}
    credentials = {"url": str(channel.options.get("url", "")), "secret": str(channel.credentials.get("secret", ""))}
    answer = ask(credentials, request, context=context)
    provider_id = text(answer.get("id"), 255)
    if not provider_id:
        raise ChannelError("The SMS gateway's answer has no id", outcome=Outcome.UNKNOWN)
    return provider_id


def ask(
    credentials: Mapping[str, str], request: dict[str, Any], *, context: SendContext | None = None
) -> dict[str, Any]:
    sends = context is not None
    try:
        reply = http.request(
            "POST",
            credentials["url"],
            json=request,
            headers={"Authorization": f"Bearer {credentials['secret']}"},
            trusted=False,
            max_bytes=65536,
            on_leaving=context.leaving if context else None,
        )
    except http.HttpError as error:
        raise ERRORS.no_answer(unknown=sends and error.maybe_taken) from error
    answer = mapping(reply.json())
    if reply.status < 300:
        return answer
    refusal = mapping(answer.get("error"))
    code = CODES.get(text(refusal.get("code"), 40), 0)
    if not code and reply.status >= 500 and reply.status != 503:
        raise ERRORS.no_answer(unknown=sends)
    if not code and reply.status in (401, 403, 404):
        code = CODES["account"]
    seconds = reply.headers.get("Retry-After", "")
    asked = (
        timedelta(seconds=min(int(seconds), 86400))
        if seconds.isascii() and seconds.isdigit() and seconds != "0"
        else None
    )
    raise ERRORS.error(code=code, text=text(refusal.get("message"), 200), status=reply.status, asked=asked)


def parse(body: bytes, account: str) -> list[Update]:
    payload = parse_json(body)
    events = payload.get("events")
    found = [_event(each, account) for each in (mappings(events) if isinstance(events, list) else [payload])]
    return found or [Odd("not a callback of an SMS gateway")]


def _event(event: dict[str, Any], account: str) -> Update:
    at = moment(event.get("at"))
    if event.get("type") == "message":
        digits = "".join(each for each in text(event.get("from"), 30) if each in "0123456789")
        if not digits:
            return Odd("a text without a sender")
        return Inbound(
            account_id=account,
            provider_id=text(event.get("id"), 255) or made_id(account, event),
            address=digits,
            phone=f"+{digits}",
            happened_at=at,
            text=text(event.get("text")),
        )
    status = STATUSES.get(text(event.get("status"), 20))
    if event.get("type") != "status" or status is None or not (event.get("id") or event.get("ref")):
        return Odd("nothing for us in this event")
    error = None
    if status == MessageStatus.FAILED:
        error = ERRORS.error(code=CODES.get(text(event.get("code"), 40), CODES["unreachable"]))
    return StatusUpdate(
        account_id=account,
        provider_id=text(event.get("id"), 255),
        status=status,
        happened_at=at,
        ref=text(event.get("ref"), 32),
        error=error,
    )
