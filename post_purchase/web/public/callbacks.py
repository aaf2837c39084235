"""The networks' door: verify the bytes as they came, one INSERT, 200. What they mean is a job's business.

Odd events are stored and answered 200 as well: a network that gets errors stops calling (Messenger after one hour).
"""

import hashlib

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from post_purchase.channels import graph
from post_purchase.channels.drivers import email, sms, telegram
from shopapp.lib.crypto import same
from shopapp.models import WebhookSource
from shopapp.web.intake import IntakeClosed, save_incoming

SMS_MAX_BYTES = 256 * 1024
TELEGRAM_MAX_BYTES = 1024 * 1024  # one update a call; its texts are at most 4,096 characters
META_MAX_BYTES = 5 * 1024 * 1024  # 1,000 updates are about 1 MB
EMAIL_MAX_BYTES = 30 * 1024 * 1024  # a mail with photos, in base64
EMPTY_ANSWER = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'  # TwiML: no automatic reply from here
KEPT_HEADERS = ("Content-Type",)  # what parsing needs; never signatures


@csrf_exempt
@require_http_methods(["GET", "POST"])
def whatsapp(request: HttpRequest) -> HttpResponse:
    return _meta(request, WebhookSource.WHATSAPP)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def messenger(request: HttpRequest) -> HttpResponse:
    return _meta(request, WebhookSource.MESSENGER)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def instagram(request: HttpRequest) -> HttpResponse:
    return _meta(request, WebhookSource.INSTAGRAM)


@csrf_exempt
@require_http_methods(["POST"])
def twilio(request: HttpRequest, account: str) -> HttpResponse:
    """Signed over the public address, so that is built from APP_URL and never from what a proxy says."""
    body = _read(request, SMS_MAX_BYTES)
    if body is None:
        return _plain(413)
    url, header = f"{settings.APP_URL}{request.get_full_path()}", request.headers.get("X-Twilio-Signature", "")
    if not sms.twilio_is_right(account=account, url=url, body=body, header=header):
        return _plain(403)
    kept = {"gateway": "twilio", "account": account, "ref": request.GET.get("ref", "")[:32]} | _kept(request)
    answer = _store(WebhookSource.SMS, account, body, kept)
    return HttpResponse(EMPTY_ANSWER, content_type="text/xml") if answer.status_code == 200 else answer


@csrf_exempt
@require_http_methods(["POST"])
def sms_gateway(request: HttpRequest, account: str) -> HttpResponse:
    """The generic gateway's news: docs/sms-gateway.md."""
    body = _read(request, SMS_MAX_BYTES)
    if body is None:
        return _plain(413)
    if not sms.gateway_is_right(account=account, body=body, header=request.headers.get("Doorstep-Signature", "")):
        return _plain(403)
    return _store(WebhookSource.SMS, account, body, {"gateway": "http", "account": account} | _kept(request))


@csrf_exempt
@require_http_methods(["POST"])
def telegram_bot(request: HttpRequest, bot: str) -> HttpResponse:
    """Telegram repeats the secret that we gave it. A tap is answered at once: its button turns until then."""
    if not telegram.secret_is_right(bot=bot, header=request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")):
        return _plain(403)
    body = _read(request, TELEGRAM_MAX_BYTES)
    if body is None:
        return _plain(413)
    answer = _store(WebhookSource.TELEGRAM, bot, body, {"bot": bot} | _kept(request))
    at_once = telegram.answer_at_once(body)
    return JsonResponse(at_once) if at_once and answer.status_code == 200 else answer


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def mail(request: HttpRequest, esp: str) -> HttpResponse:
    """`esp`: anymail's name of the provider (postmark, mailgun...). Some ask with HEAD whether we are here."""
    if not email.is_known(esp) or not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        return _plain(404)
    if request.method == "HEAD":
        return _plain(200)
    body = _read(request, EMAIL_MAX_BYTES)
    if body is None:
        return _plain(413)
    if not email.verify(esp, body=body, headers=request.headers):
        return _plain(403)
    return _store(WebhookSource.EMAIL, esp, body, {"esp": esp} | _kept(request))


def _meta(request: HttpRequest, source: WebhookSource) -> HttpResponse:
    if request.method == "GET":
        return _handshake(request)
    body = _read(request, META_MAX_BYTES)
    if body is None:
        return _plain(413)
    header, instagram = request.headers.get("X-Hub-Signature-256", ""), source == WebhookSource.INSTAGRAM
    if not graph.signature_is_right(body=body, header=header, instagram=instagram):
        return _plain(403)
    return _store(source, "", body, _kept(request))


def _handshake(request: HttpRequest) -> HttpResponse:
    """Meta proves that the address is ours: the token that we chose comes back, the challenge is the answer."""
    asked = request.GET
    token = settings.META_VERIFY_TOKEN
    if asked.get("hub.mode") != "subscribe" or not token or not same(asked.get("hub.verify_token", ""), token):
        return _plain(403)
    return HttpResponse(asked.get("hub.challenge", "")[:200], content_type="text/plain")


def _store(source: WebhookSource, account: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
    try:
        save_incoming(
            source=source,
            account=account,
            topic="",
            event_id=hashlib.sha256(body).hexdigest(),
            body=body,
            headers=headers,
        )
    except IntakeClosed:
        return _plain(503)
    return _plain(200)


def _kept(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): request.headers[name][:500] for name in KEPT_HEADERS if name in request.headers}


def _read(request: HttpRequest, most: int) -> bytes | None:
    """The body as it came; None where it is too large. Reads at most one byte too many."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > most:
        return None
    body = request.read(most + 1)
    return body if len(body) <= most else None


def _plain(status: int) -> HttpResponse:
    return HttpResponse(status=status, content_type="text/plain")
