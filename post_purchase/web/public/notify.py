"""A small window of our own in which a browser may be asked for notifications: it lets no page inside Shopify ask."""

import secrets

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from .pages import POLICY, as_public


@require_safe
def notify(request: HttpRequest) -> HttpResponse:
    """The same for everybody; nothing is read or written."""
    nonce = secrets.token_urlsafe(12)
    html = render_to_string("public/notify.html", {"nonce": nonce, "color": "#1f6f5c"})
    return as_public(html, status=200, language="en", policy=f"{POLICY}; script-src 'nonce-{nonce}'")
