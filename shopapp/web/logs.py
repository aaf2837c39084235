"""Structured logs (one JSON object a line) that hold ids, never tokens, phone numbers, addresses or texts."""

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_PRIVATE = [
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"), "<address>"),
    (re.compile(r"(?<![\w-])\+?\d[\d ()-]{8,}\d(?![\w-])"), "<number>"),
    (re.compile(r"\b(shp(at|ca|pa|ss|rt)_|EAA)\w+"), "<token>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"/(c|unsubscribe|chat)/[^\s?\"']+", re.IGNORECASE), r"/\1/<code>"),
    (re.compile(r"(id_token|hmac|session|code|signature|access_token|refresh_token)=[^&\s\"']+"), r"\1=<hidden>"),
]


def scrub(text: str) -> str:
    for pattern, instead in _PRIVATE:
        text = pattern.sub(instead, text)
    return text


def cleaned(value: Any) -> Any:
    """The same value with every text inside it scrubbed; numbers are our own ids and stay."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {scrub(str(name)): cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [cleaned(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else scrub(str(value))


class PrivateDataFilter(logging.Filter):
    """The last net: whatever looks personal is taken out of the message and the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = scrub(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = scrub(logging.Formatter().formatException(record.exc_info))
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {key: cleaned(value) for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, default=str, ensure_ascii=False)


class RequestLogMiddleware:
    """One line a request: method, route (never the raw path of /c/<code>), status, milliseconds. No query string."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response
        self.log = logging.getLogger("shopapp.request")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        response = self.get_response(request)
        route = getattr(request.resolver_match, "route", "") if request.resolver_match else "-"
        if not route.startswith(("c/", "health", "static", "webhooks/")):
            self.log.info(
                "request",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": response.status_code,
                    "ms": round((time.monotonic() - started) * 1000, 1),
                },
            )
        return response
