"""SMS over a gateway of one's own, and the parsers of both."""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from demo.twilio import NUMBER
from post_purchase.channels.base import Button, ChannelError, Outcome, OutMessage
from post_purchase.channels.drivers.sms.doors import gateway_is_right
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import Channel, Message
from post_purchase.services.channels import connect_channel
from post_purchase.services.delivery import send_due
from post_purchase.words import ChannelKind, Mode
from shopapp.lib import clock
from tests.channels.graph_server import GraphServer
from tests.channels.test_sms import DRIVER, NOON
from tests.factories import make_contact, make_point, make_shop

SECRET = "a-secret-of-two-sides"


def signed(body: bytes, *, secret: str = SECRET, at: datetime = NOON) -> str:
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


@pytest.mark.django_db
def test_a_gateway_of_ones_own(graph: GraphServer, settings: Any) -> None:
    settings.DEMO, settings.DEMO_WORLD_URL = True, graph.origin  # else a private address is refused
    shop, url = make_shop(), f"{graph.origin}/sms"
    asked = {"gateway": "http", "url": url, "secret": SECRET}

    def connect_gateway(**more: str) -> Channel:
        return connect_channel(shop=shop, kind=ChannelKind.SMS, account_id="FernField", credentials=asked | more)

    graph.answers["POST /sms"] = (401, {})
    for more, words in (
        ({"url": "http://gateway.example.com"}, "must start with https://"),
        ({"secret": "short"}, "16 characters"),
        ({}, "refuses our secret"),
    ):
        with pytest.raises(ChannelError, match=words):
            connect_gateway(**more)
    graph.answers["POST /sms"] = (200, {"id": "g-1"})
    channel = connect_gateway()
    assert channel.link_address == ""  # a name can send, and nobody can write to it
    point = make_point(make_contact(shop), ChannelKind.SMS)

    def send() -> str:
        message = OutMessage(text="Which?", buttons=[Button(id="a", title="This")])
        return DRIVER.send(channel=channel, point=point, message=message, mode=Mode.FREE, ref="REF1").provider_id

    assert send() == "g-1"
    assert graph.asked[-1].headers["Authorization"] == f"Bearer {SECRET}"
    assert graph.asked[-1].json == {
        "type": "message",
        "from": "FernField",
        "to": "+4915112345678",
        "text": "Which?\n1 This",
        "ref": "REF1",
    }
    for status, code, outcome in (
        (400, "opted_out", Outcome.OPTED_OUT),
        (400, "unreachable", Outcome.OTHER_CHANNEL),
        (429, "rate", Outcome.RETRY_AFTER),
        (503, "", Outcome.RETRY_AFTER),
        (500, "", Outcome.UNKNOWN),
        (403, "", Outcome.HALT_ACCOUNT),
        (422, "content", Outcome.BUG),
    ):
        graph.answers["POST /sms"] = (status, {"error": {"code": code, "message": "no"}})
        with pytest.raises(ChannelError) as caught:
            send()
        assert caught.value.outcome == outcome, code

    with clock.frozen(NOON):
        events = [
            {"type": "message", "id": "m1", "from": "+4915112345678", "text": "Hello", "at": NOON.timestamp()},
            {"type": "status", "id": "g-1", "ref": "REF1", "status": "failed", "code": "invalid_number"},
            {"type": "other"},
        ]
        body = json.dumps({"events": events}).encode()

        def post(signature: str) -> int:
            headers = {"Doorstep-Signature": signature}
            return Client().post("/webhooks/sms/FernField", body, "application/json", headers=headers).status_code

        old = signed(body, at=NOON - timedelta(minutes=6))
        assert [post(""), post(signed(body, secret="x")), post(signed(body + b" ")), post(old)] == [403] * 4
        assert not gateway_is_right(account="Nobody", body=body, header=signed(body))
        assert post(signed(body)) == 200
        process_webhooks()
        message = Message.objects.get(direction="in")
        assert (message.text, message.point) == ("Hello", point)
        send_due()


PARTS = [
    "MessageSid",
    "MessageStatus",
    "From",
    "Body",
    "NumMedia",
    "MediaUrl0",
    "OptOutType",
    "ErrorCode",
    "type",
    "id",
    "events",
    "status",
    "at",
    "ref",
    "code",
    "from",
    "text",
]


VALUES = st.text(max_size=8) | st.sampled_from(["message", "status", "failed", "sent", "9" * 30, "+49151"])


@given(value=st.dictionaries(st.sampled_from(PARTS), VALUES), raw=st.binary(max_size=40))
@effort(max_examples=60)
def test_no_callback_can_break_the_parsers(value: dict[str, str], raw: bytes) -> None:
    bodies = [urlencode(value).encode(), json.dumps(value).encode(), json.dumps({"events": [value, 1]}).encode(), raw]
    for body in bodies:
        for gateway in ("twilio", "http", ""):
            assert DRIVER.parse(body=body, headers={"gateway": gateway, "account": NUMBER, "ref": "R"})
