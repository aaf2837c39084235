"""The server's entry sends Shopify's webhooks past Django and everything else through it."""

import io

import pytest

from shopapp import wsgi
from shopapp.models import IncomingWebhook
from tests.shopapp.test_webhooks import BODY, meta


def call(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> tuple[str, dict[str, str], bytes]:
    told: list = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "testserver",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(), "REMOTE_ADDR": "127.0.0.1",
    } | headers  # fmt: skip
    answer = wsgi.application(environ, lambda status, headers: told.extend((status, dict(headers))))
    return told[0], told[1], b"".join(answer)


@pytest.mark.django_db
def test_a_webhook_never_meets_djangos_handler(monkeypatch):
    monkeypatch.setattr(wsgi, "django_application", None)
    status, headers, _ = call("/webhooks/shopify", "POST", BODY, **meta())
    assert (status, headers["Content-Length"]) == ("200 OK", "0")
    assert IncomingWebhook.objects.count() == 1


@pytest.mark.django_db
def test_everything_else_does():
    assert call("/health/live")[2] == b'{"alive": true}'
    assert call("/webhooks/shopify/x")[0] == "404 Not Found"
