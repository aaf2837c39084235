"""Twilio Programmable Messaging. The status callback's address carries our reference, and Twilio signs it along."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from post_purchase.channels import downloads
from post_purchase.channels.base import (
    AccountCheck,
    ChannelError,
    CredentialField,
    Inbound,
    MediaPart,
    Odd,
    Outcome,
    SendContext,
    StatusUpdate,
    Update,
)
from post_purchase.channels.provider_data import ErrorTable
from post_purchase.channels.reading import mapping, mappings, text
from post_purchase.models import Channel
from post_purchase.words import MessageStatus
from shopapp.lib import clock, http

ERRORS = ErrorTable("twilio_errors.yaml", "Twilio")
VERSION = "2010-04-01"
MOST_MEDIA = 10
STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
}
FIELDS = (
    CredentialField(
        "account_sid", "Account SID", "On the first page of the Twilio console; it begins with AC.", secret=False
    ),
    CredentialField("auth_token", "Auth token", "Beside it. Twilio signs its calls to us with it."),
    CredentialField(
        "messaging_service",
        "Messaging Service SID",
        "Only where you send by one: it begins with MG, and the number above is among its senders.",
        secret=False,
        required=False,
    ),
)
MEDIA_HOSTS = ("twilio.com", "twiliocdn.com", "amazonaws.com")  # the last: where api.twilio.com itself redirects to


def call(
    method: str,
    path: str,
    *,
    sid: str,
    token: str,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    base: str = "",
    on_leaving: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """`base`: where the path does not hang below the account (Messaging Services have a host of their own)."""
    sends = on_leaving is not None
    url = f"{base or f'{settings.TWILIO_API_ORIGIN}/{VERSION}/Accounts/{sid}'}{path}"
    try:
        reply = http.request(
            method, url, params=params, data=data, auth=(sid, token), timeout=15, on_leaving=on_leaving
        )
    except http.HttpError as error:
        raise ERRORS.no_answer(unknown=sends and error.maybe_taken) from error
    answer = mapping(reply.json())
    if reply.status < 300 and (answer or not reply.body):
        return answer
    code = answer.get("code")
    if isinstance(code, int) and not isinstance(code, bool):
        raise ERRORS.error(code=code, text=text(answer.get("message"), 200), status=reply.status)
    if reply.status in (429, 503):
        raise ERRORS.no_answer(unknown=False)
    if reply.status < 300 or reply.status >= 500:  # a gateway spoke, not Twilio: it may have gone through
        raise ERRORS.no_answer(unknown=sends)
    raise ERRORS.error(code=20003 if reply.status == 401 else reply.status, status=reply.status)


def check(*, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
    sid, token = credentials.get("account_sid", ""), credentials.get("auth_token", "")
    if not (sid.startswith("AC") and len(sid) == 34 and sid.isalnum()):
        return AccountCheck(ok=False, message="The account SID begins with AC and has 34 characters")
    if not 7 <= len(account_id) <= 15 or not account_id.isdigit():
        return AccountCheck(ok=False, message="Write the number with its country code, as +1 555 123 4567")
    service = credentials.get("messaging_service", "")
    if service and not (service.startswith("MG") and len(service) == 34 and service.isalnum()):
        return AccountCheck(ok=False, message="The Messaging Service SID begins with MG and has 34 characters")
    try:
        account = call("GET", ".json", sid=sid, token=token)
        number = _number(account_id, sid, token)
        is_sender = not service or _sends_by(service, account_id, sid, token)
    except ChannelError as error:
        if error.outcome in (Outcome.RETRY_AFTER, Outcome.UNKNOWN):
            raise
        return AccountCheck(ok=False, message=str(error))
    if account.get("status") != "active":
        return AccountCheck(ok=False, message="Twilio has suspended or closed this account: look in its console")
    if not number:
        return AccountCheck(ok=False, message="This number is not in this Twilio account")
    able = mapping(number.get("capabilities"))
    if not able.get("sms"):
        return AccountCheck(
            ok=False, message="This number cannot send texts: choose one with SMS in the Twilio console"
        )
    if not is_sender:
        return AccountCheck(ok=False, message="This number is not among the senders of this Messaging Service")
    options = {"gateway": "twilio", "account_sid": sid, "mms": bool(able.get("mms")), "messaging_service": service}
    return AccountCheck(ok=True, name=f"+{account_id}", link_address=account_id, options=options)


def _number(account_id: str, sid: str, token: str) -> dict[str, Any]:
    params = {"PhoneNumber": f"+{account_id}", "PageSize": "20"}
    answer = call("GET", "/IncomingPhoneNumbers.json", sid=sid, token=token, params=params)
    rows = mappings(answer.get("incoming_phone_numbers"))
    return next((row for row in rows if row.get("phone_number") == f"+{account_id}"), {})


def _sends_by(service: str, account_id: str, sid: str, token: str) -> bool:
    """Whether the number is one of the service's senders (at most 400, Twilio)."""
    params = {"PageSize": "500"}
    answer = call("GET", f"/{service}/PhoneNumbers", sid=sid, token=token, params=params, base=_services())
    return any(row.get("phone_number") == f"+{account_id}" for row in mappings(answer.get("phone_numbers")))


def _services() -> str:
    return f"{settings.TWILIO_MESSAGING_ORIGIN}/v1/Services"


def set_up(channel: Channel) -> None:
    """Texts to this number come to us; a Messaging Service leaves that to its numbers."""
    sid, token = _login(channel)
    number = text(_number(channel.account_id, sid, token).get("sid"), 40)
    data = {"SmsUrl": _door(channel), "SmsMethod": "POST"}
    call("POST", f"/IncomingPhoneNumbers/{number}.json", sid=sid, token=token, data=data)
    service = str(channel.options.get("messaging_service", ""))
    if service:
        data = {"UseInboundWebhookOnNumber": "true"}
        call("POST", f"/{service}", sid=sid, token=token, data=data, base=_services())


def take_leave(channel: Channel) -> None:
    """Only where the number still tells us: the merchant may have led it elsewhere meanwhile."""
    sid, token = _login(channel)
    number = _number(channel.account_id, sid, token)
    if number.get("sms_url") == _door(channel):
        path = f"/IncomingPhoneNumbers/{text(number.get('sid'), 40)}.json"
        call("POST", path, sid=sid, token=token, data={"SmsUrl": ""})


def send(*, channel: Channel, to: str, words: str, ref: str, picture: str, context: SendContext) -> str:
    sid, token = _login(channel)
    data = {"To": f"+{to}", "StatusCallback": f"{_door(channel)}?ref={ref}"}
    service = str(channel.options.get("messaging_service", ""))
    data |= {"MessagingServiceSid": service} if service else {"From": f"+{channel.account_id}"}
    if words:
        data["Body"] = words
    if picture and channel.options.get("mms"):
        data["MediaUrl"] = picture
    answer = call("POST", "/Messages.json", sid=sid, token=token, data=data, on_leaving=context.leaving)
    provider_id = text(answer.get("sid"), 64)
    if not provider_id:
        raise ChannelError("Twilio's answer has no message SID", outcome=Outcome.UNKNOWN)
    return provider_id


def fetch(*, channel: Channel, url: str, max_bytes: int) -> bytes:
    return downloads.download(
        url,
        network="Twilio",
        suffixes=MEDIA_HOSTS,
        origin=settings.TWILIO_API_ORIGIN,
        auth=_login(channel) if _is_theirs(url) else None,
        max_bytes=max_bytes,
    )


def forget(*, channel: Channel, url: str) -> None:
    """Media stay at Twilio until they are deleted (Twilio, "Media resource")."""
    sid, token = _login(channel)
    place = f"{settings.TWILIO_API_ORIGIN}/{VERSION}/Accounts/{sid}"
    if url.startswith(f"{place}/Messages/"):
        call("DELETE", f"{url.removeprefix(place).removesuffix('.json')}.json", sid=sid, token=token)


def _is_theirs(url: str) -> bool:
    return url.startswith(f"{settings.TWILIO_API_ORIGIN}/")


def _login(channel: Channel) -> tuple[str, str]:
    return str(channel.options.get("account_sid", "")), str(channel.credentials.get("auth_token", ""))


def _door(channel: Channel) -> str:
    return f"{settings.APP_URL}/webhooks/twilio/{channel.account_id}"


def parse(body: bytes, account: str, ref: str) -> list[Update]:
    """One form a call: a text, or the state of one of ours."""
    fields = {name: text(values[-1]) for name, values in _form(body).items()}
    message = fields.get("MessageSid", "")[:64] or fields.get("SmsSid", "")[:64]
    if not message:
        return [Odd("not a callback of Twilio's")]
    if "MessageStatus" in fields:
        return [_status(fields, account, message, ref)]
    return [_inbound(fields, account, message)]


def _form(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=500)
    except ValueError:
        return {}


def _status(fields: dict[str, str], account: str, message: str, ref: str) -> Update:
    status = STATUSES.get(fields["MessageStatus"])
    if status is None:
        return Odd("queued or on its way to the carrier")
    code = fields.get("ErrorCode", "")
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 8 else 30008
    error = ERRORS.error(code=number) if status == MessageStatus.FAILED else None
    return StatusUpdate(
        account_id=account, provider_id=message, status=status, happened_at=clock.now(), ref=ref, error=error
    )


def _inbound(fields: dict[str, str], account: str, message: str) -> Update:
    digits = "".join(each for each in fields.get("From", "")[:30] if each in "0123456789")
    if not digits:
        return Odd("a text without a number")
    count = fields.get("NumMedia", "0")
    places = range(min(int(count), MOST_MEDIA)) if count.isascii() and count.isdigit() and len(count) < 4 else range(0)
    media = tuple(
        MediaPart({"url": fields[f"MediaUrl{each}"][:2000]}, fields.get(f"MediaContentType{each}", "")[:100])
        for each in places
        if fields.get(f"MediaUrl{each}")
    )
    opt = fields.get("OptOutType", "").upper()  # Advanced Opt-Out: the merchant's own words, any language
    return Inbound(
        account_id=account,
        provider_id=message,
        address=digits,
        phone=f"+{digits}",
        happened_at=clock.now(),  # Twilio tells no time
        text="STOP" if opt == "STOP" else fields.get("Body", ""),
        resumes=opt == "START",
        media=media,
    )
