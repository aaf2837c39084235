"""Mail providers' callbacks through anymail's own views: verified and parsed by them. No signals are sent.

Amazon SES is left out (its inbound mail lies in S3 and needs Amazon's library), and SendGrid (anymail has dropped it).
"""

import io
from collections.abc import Mapping
from email.errors import MessageError
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.inbound import AnymailInboundMessage
from anymail.webhooks.brevo import BrevoInboundWebhookView, BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendInboundWebhookView, MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView, MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView, MailjetTrackingWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView, SparkPostTrackingWebhookView
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import HttpHeaders

VIEWS: dict[str, tuple[type[Any], ...]] = {  # inbound first: a tracking view takes more for its own
    "brevo": (BrevoInboundWebhookView, BrevoTrackingWebhookView),
    "mailersend": (MailerSendInboundWebhookView, MailerSendTrackingWebhookView),
    "mailgun": (MailgunInboundWebhookView, MailgunTrackingWebhookView),
    "mailjet": (MailjetInboundWebhookView, MailjetTrackingWebhookView),
    "postmark": (PostmarkInboundWebhookView, PostmarkTrackingWebhookView),
    "sparkpost": (SparkPostInboundWebhookView, SparkPostTrackingWebhookView),
    "unisender_go": (UnisenderGoTrackingWebhookView,),
}
ODD = (  # what anymail's parsers raise on payloads that are not what they expect
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    OSError,
    AnymailError,
    ImproperlyConfigured,
    SuspiciousOperation,
    MessageError,
    MultiPartParserError,
)


def is_known(esp: str) -> bool:
    return esp in VIEWS


def verify(esp: str, *, body: bytes, headers: Mapping[str, str]) -> bool:
    """The shared secret (always) and the provider's signature (where it signs) are right."""
    if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        return False
    for view in VIEWS.get(esp, ()):
        try:
            view().run_validators(_request(body, headers))
        except AnymailWebhookValidationFailure:
            continue
        except ODD:
            continue  # this view's signing key is not configured, or the body lacks what it signs
        return True
    return False


def read_events(esp: str, *, body: bytes, headers: Mapping[str, str]) -> list[Any]:
    """Anymail's events; [] where nobody understands the body."""
    for view in VIEWS.get(esp, ()):
        try:
            events = list(view().parse_events(_request(body, headers)))
            inbound = [event for event in events if isinstance(getattr(event, "message", None), AnymailInboundMessage)]
            if inbound and not all(event.message.get("From") for event in inbound):
                continue  # a tracking event read as an empty mail
        except ODD:
            continue
        if events:
            return events
    return []


def _request(body: bytes, headers: Mapping[str, str]) -> HttpRequest:
    """The provider's request again, from what was stored of it."""
    said = {name.lower(): value for name, value in headers.items()}
    request = WSGIRequest(
        {
            **HttpHeaders.to_wsgi_names({"content-type": "application/json", **said}),
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/webhooks/email/",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
        }
    )
    # The size was capped at the door: Django's own cap on `body` is for forms and smaller than a mail with photos.
    request._body = body
    request.META["CONTENT_LENGTH"] = str(len(body))
    return request
