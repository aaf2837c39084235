"""Whatever a careless line says, nothing private leaves the process."""

import io
import json
import logging

import pytest

from shopapp.web.logs import JsonFormatter, PrivateDataFilter

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJkZXN0IjoiYSJ9.c2lnbmF0dXJl"


@pytest.fixture
def told():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(PrivateDataFilter())
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("tests.private")
    log.addHandler(handler)
    log.propagate = False
    yield log, stream
    log.removeHandler(handler)


PRIVATE = [
    "maria@example.com",
    "+49 170 1234567",
    "shpat_0123456789abcdef",
    "shprt_0123456789abcdef",
    "EAAGm0PX4ZCps",
    JWT,
]


@pytest.mark.parametrize("secret", PRIVATE)
def test_it_is_taken_out_of_messages_arguments_tracebacks_and_extras(told, secret):
    log, stream = told
    log.warning("sent to %s", secret)
    log.warning(f"sent to {secret}")
    log.warning("sent", extra={"who": secret, "more": {"deep": [secret]}})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
    assert secret not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 4


def test_ids_and_times_stay_readable(told):
    log, stream = told
    log.warning("message.sent", extra={"message_pk": 1234567890123, "shop": 7, "operation": "GetShop", "ms": 12.5})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["message_pk"], line["shop"], line["ms"]) == ("message.sent", 1234567890123, 7, 12.5)
