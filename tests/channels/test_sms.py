"""SMS: Twilio from the account to STOP, against the demo's strict Twilio; and the gateway that anybody can write."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.test import Client
from PIL import Image

from demo.twilio import NUMBER, SID, TOKEN
from post_purchase.channels.base import Button, ChannelError, Inbound, Outcome, OutMessage, StatusUpdate, UrlButton
from post_purchase.channels.drivers.sms.doors import twilio_is_right, twilio_signature
from post_purchase.channels.drivers.sms.driver import words_of
from post_purchase.channels.drivers.sms.twilio import ERRORS
from post_purchase.channels.registry import driver_for
from post_purchase.channels.sms_length import segments, sms_words
from post_purchase.jobs.media import fetch_media
from post_purchase.models import Attachment, Channel, ConsentEntry, ContactPoint, Message, OrderBinding
from post_purchase.services.channels import connect_channel, disconnect_channel
from post_purchase.words import ChannelKind, MessageStatus, Mode
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop
from tests.channels.graph_server import GraphServer
from tests.channels.talks import TOOLS, Talk, talking
from tests.factories import make_channel, make_contact, make_point, make_shop

DRIVER = driver_for(ChannelKind.SMS)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def talk(db: None, settings: Any, media: Any) -> Iterator[Talk]:
    with talking(settings, NOON) as talk:
        talk.world.sms.create_number()
        yield talk


def connect(shop: Shop, number: str = "+1 (555) 010-0200", **more: str) -> Channel:
    credentials = {"account_sid": SID, "auth_token": TOKEN} | more
    return connect_channel(shop=shop, kind=ChannelKind.SMS, account_id=number, credentials=credentials)


def test_a_number_from_its_account_to_stop(talk: Talk) -> None:
    twilio = talk.world.sms
    twilio.create_number("15550100300", sms=False)
    for number, more, words in (
        ("+15550100200", {"auth_token": "wrong"}, "refuses the account SID"),
        ("+15550100200", {"account_sid": "hello"}, "begins with AC"),
        ("555", {}, "with its country code"),
        ("+15550109999", {}, "not in this Twilio account"),
        ("+15550100300", {}, "cannot send texts"),
    ):
        with pytest.raises(ChannelError, match=words):
            connect(talk.shop, number, **more)
    assert not Channel.objects.exists()
    channel = connect(talk.shop)
    assert (channel.account_id, channel.name, channel.options["mms"]) == (NUMBER, "+15550100200", True)
    assert channel.credentials == {"auth_token": TOKEN}
    links = {
        each: DRIVER.entry_url(channel=channel, code="", text="Hi you", device=each) for each in ("ios", "android")
    }
    assert links == {"ios": "sms:+15550100200&body=Hi%20you", "android": "sms:+15550100200?body=Hi%20you"}

    ben = twilio.create_person("Ben Ode")
    twilio.open_link(ben, talk.code)
    talk.world.courier.waiting *= 2  # it comes twice
    assert talk.carry() == [200, 200]
    point = ContactPoint.objects.get(kind=ChannelKind.SMS)
    assert (point.address, point.phone) == (ben, f"+{ben}")
    assert OrderBinding.objects.get(point=point).order == talk.order
    assert "#1001" in twilio.received(ben)[0]["text"]
    assert talk.carry() == [200, 200]  # sent, delivered
    answer = Message.objects.get(direction="out")
    assert (answer.status, answer.delivered_at) == (MessageStatus.DELIVERED, clock.now())

    choices = [Button(id="f1:a:yes", title="Yes"), Button(id="f1:a:no", title="No")]
    question = OutMessage(
        text="All well – “really”?",
        buttons=choices,
        url_button=UrlButton(title="Track", url="https://t.example.com/1"),
        image_path="https://app.example.test/mug.jpg",
    )
    talk.tell(point, question)
    talk.carry()
    shown = twilio.received(ben)[-1]
    assert shown["text"] == 'All well - "really"?\n1 Yes\n2 No\nTrack: https://t.example.com/1'
    assert shown["image"] == "https://app.example.test/mug.jpg"

    photo = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(photo, "JPEG")
    twilio.send_photo(ben, photo.getvalue())
    talk.carry()
    fetch_media()
    assert Attachment.objects.get().status == "stored"
    assert talk.world.state.part("twilio_media") == {}  # and taken away there

    before = len(twilio.received(ben))
    twilio.write(ben, "Cancel")  # a stop word of Twilio's
    talk.carry()
    assert ConsentEntry.objects.filter(point=point, state="withdrawn", purpose="utility").exists()
    point.refresh_from_db()
    assert "texted STOP" in point.blocked_reason  # our own confirmation was refused: Twilio has confirmed already
    assert len(twilio.received(ben)) == before
    twilio.write(ben, "Hello? Is anybody there?")  # no START: Twilio would let no answer through
    talk.carry()
    point.refresh_from_db()
    assert "texted STOP" in point.blocked_reason
    assert ConsentEntry.objects.filter(point=point, purpose="service").order_by("pk").last().state != "granted"
    assert len(twilio.received(ben)) == before
    twilio.write(ben, "START")
    talk.carry()
    point.refresh_from_db()
    assert point.blocked_at is None
    assert len(twilio.received(ben)) == before + 1


def test_who_stopped_at_twilio_is_written_down_and_comes_back_with_yes(talk: Talk) -> None:
    """STOP while nobody of ours listened: the refusal of the next text tells it (21610)."""
    twilio = talk.world.sms
    channel, ben = connect(talk.shop), twilio.create_person("Ben Ode")
    twilio.open_link(ben, talk.code)
    talk.carry()
    point = ContactPoint.objects.get(kind=ChannelKind.SMS)
    twilio.write(ben, "STOP")
    talk.world.courier.take()  # lost
    news = talk.tell(point, OutMessage(text="On its way"))
    talk.carry()
    news.refresh_from_db()
    lines = ConsentEntry.objects.filter(point=point, state="withdrawn")
    assert sorted(lines.values_list("purpose", "method")) == [
        (each, "network") for each in sorted(["service", "utility", "review_request", "marketing"])
    ]
    assert lines[0].proof == {"message": news.pk, "code": "21610"}
    assert news.status == MessageStatus.SUPPRESSED
    twilio.write(ben, "Yes")
    talk.carry()
    point.refresh_from_db()
    assert point.blocked_at is None
    assert ConsentEntry.objects.filter(point=point, state="granted", purpose="utility", method="start_word").exists()
    assert "Welcome back" in twilio.received(ben)[-1]["text"]
    before = len(twilio.received(ben))
    twilio.write(ben, "Yes")  # now it is only a yes
    talk.carry()
    assert not any("Welcome back" in each["text"] for each in twilio.received(ben)[before:])

    disconnect_channel(channel)
    assert talk.world.state.part("twilio_numbers")[NUMBER]["url"] == ""


def test_a_messaging_service_sends_and_its_number_hears(talk: Talk) -> None:
    twilio, service = talk.world.sms, "MG" + "e" * 32
    twilio.create_service(service, "15550100999")
    for sid, words in (("MG1", "begins with MG"), (service, "not among the senders"), ("MG" + "f" * 32, "not know")):
        with pytest.raises(ChannelError, match=words):
            connect(talk.shop, messaging_service=sid)
    twilio.create_service(service, NUMBER)
    channel = connect(talk.shop, messaging_service=service)
    assert (channel.options["messaging_service"], channel.credentials) == (service, {"auth_token": TOKEN})
    ben = twilio.create_person("Ben Ode")
    twilio.open_link(ben, talk.code)
    talk.carry()
    assert "#1001" in twilio.received(ben)[0]["text"]
    talk.carry()
    assert Message.objects.get(direction="out").status == MessageStatus.DELIVERED
    talk.world.state.part("twilio_numbers")[NUMBER]["url"] = "https://elsewhere.example.com"
    disconnect_channel(channel)  # what the merchant has led elsewhere stays
    assert talk.world.state.part("twilio_numbers")[NUMBER]["url"] == "https://elsewhere.example.com"


def test_what_twilio_refuses(talk: Talk) -> None:
    channel = connect(talk.shop)

    def outcome(phone: str) -> Outcome:
        point = make_point(talk.contact, ChannelKind.SMS, address=phone)
        with pytest.raises(ChannelError) as caught:
            DRIVER.send(channel=channel, point=point, message=OutMessage(text="Hi"), mode=Mode.FREE, ref="R")
        assert phone not in str(caught.value)
        return caught.value.outcome

    assert outcome("4930123456") == Outcome.SUPPRESS_ADDRESS  # nobody's number
    talk.world.sms.create_person("Home", phone="4930123457", landline=True)
    assert outcome("4930123457") == Outcome.SUPPRESS_ADDRESS
    for place, (kind, wanted) in enumerate(
        {"throttled": Outcome.RETRY_AFTER, "drop": Outcome.UNKNOWN, "status": Outcome.RETRY_AFTER}.items()
    ):
        phone = talk.world.sms.create_person("Ben", phone=f"49151{place:08d}")
        talk.world.faults.add("twilio.send", kind)
        assert outcome(phone) == wanted


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (21610, Outcome.OPTED_OUT),
        (21408, Outcome.OTHER_CHANNEL),
        (30003, Outcome.OTHER_CHANNEL),
        (30006, Outcome.SUPPRESS_ADDRESS),
        (30007, Outcome.OTHER_CHANNEL),
        (30034, Outcome.HALT_ACCOUNT),
        (20003, Outcome.HALT_ACCOUNT),
        (20429, Outcome.RETRY_AFTER),
        (21617, Outcome.BUG),
        (99999, Outcome.BUG),
    ],
)
def test_each_code_has_one_outcome(code: int, outcome: Outcome) -> None:
    assert ERRORS.error(code=code).outcome == outcome


@pytest.mark.django_db
def test_the_door_is_signed_over_the_public_address(client: Client) -> None:
    make_channel(make_shop(), ChannelKind.SMS, credentials={"auth_token": TOKEN})
    fields = {"MessageSid": "SM1", "From": "+4915112345678", "To": f"+{NUMBER}", "Body": "Grüße +1&x="}

    def post(url: str, signature: str) -> int:
        path = url.removeprefix("https://app.example.test")
        kind, headers = "application/x-www-form-urlencoded", {"X-Twilio-Signature": signature}
        return client.post(path, urlencode(fields), content_type=kind, headers=headers).status_code

    door = f"https://app.example.test/webhooks/twilio/{NUMBER}"
    right = twilio_signature(TOKEN, door, list(fields.items()))
    assert [post(door, "x"), post(f"{door}?ref=A", right), post(f"{door}9", right)] == [403] * 3
    assert not IncomingWebhook.objects.exists()
    assert post(door, right) == 200
    fields["Body"] = "other"
    assert post(door, right) == 403
    with_port = twilio_signature(TOKEN, door.replace(".test/", ".test:443/"), list(fields.items()))
    assert post(door, with_port) == 200
    assert client.get(f"/webhooks/twilio/{NUMBER}").status_code == 405


@pytest.mark.django_db
def test_the_signature_vectors(fixtures_of_providers: Path) -> None:
    folder = fixtures_of_providers / "twilio"
    found = json.loads((folder / "signature_vectors.json").read_text())
    example = json.loads((folder / "signature_vector_docs_example.json").read_text())
    make_channel(make_shop(), ChannelKind.SMS, credentials={"auth_token": found["auth_token"]})
    for vector in [*found["vectors"], example]:
        if "body" in vector:  # JSON bodies: no callback of ours has one
            continue
        pairs = [tuple(each) for each in vector.get("params_multi", [])] or list(vector["params"].items())
        body = urlencode(pairs).encode()
        asked = {"account": NUMBER, "url": vector["url"], "header": vector["signature"]}
        assert twilio_is_right(body=body, **asked), vector
        assert not twilio_is_right(body=body + b"&x=1", **asked)


def test_opt_out_words_of_the_merchants_own_are_a_stop() -> None:
    def parse(**fields: str) -> Any:
        body = urlencode({"MessageSid": "SM1", "From": "+33612345678"} | fields).encode()
        return DRIVER.parse(body=body, headers={"gateway": "twilio", "account": NUMBER, "ref": "REF1"})[0]

    assert parse(Body="ARRET", OptOutType="STOP").text == "STOP"
    resumed = parse(Body="yes", OptOutType="START")
    assert (resumed.text, resumed.resumes, parse(Body="yes").resumes) == ("yes", True, False)
    failed = parse(MessageStatus="undelivered", ErrorCode="30006")
    assert isinstance(failed, StatusUpdate)
    assert (failed.ref, failed.error.outcome) == ("REF1", Outcome.SUPPRESS_ADDRESS)
    two = parse(Body="", NumMedia="2", MediaUrl0="https://api.twilio.com/0", MediaUrl1="https://api.twilio.com/1")
    assert isinstance(two, Inbound)
    assert len(two.media) == 2


def test_texts_stay_cheap_where_they_can() -> None:
    assert sms_words("“Hi” – it’s… here", ["Yes"]) == '"Hi" - it\'s... here\n1 Yes'
    assert segments(sms_words("“Hi” – ok")).unicode is False
    assert sms_words("“Hi” 🎉") == "“Hi” 🎉"  # UCS-2 anyway: the signs may stay
    with pytest.raises(ChannelError, match="shorten"):
        words_of(OutMessage(text="x" * 1601))


@pytest.mark.django_db
def test_what_we_ask_is_what_twilio_describes(graph: GraphServer, settings: Any) -> None:
    """Every call against Twilio's own OpenAPI: the path is known, and so are the fields."""
    described = TOOLS / "twilio_api_v2010.json"
    if not described.exists():
        pytest.skip("Twilio's description is not beside the checkout")
    settings.TWILIO_API_ORIGIN = graph.origin
    base, phone, message = f"/2010-04-01/Accounts/{SID}", "PN" + "0" * 32, "SM" + "0" * 32
    number = {"sid": phone, "phone_number": f"+{NUMBER}", "capabilities": {"sms": True}}
    graph.answers |= {
        f"GET {base}.json": (200, {"status": "active"}),
        f"GET {base}/IncomingPhoneNumbers.json": (200, {"incoming_phone_numbers": [number]}),
        f"POST {base}/IncomingPhoneNumbers/{phone}.json": (200, {"sid": phone}),
        f"POST {base}/Messages.json": (201, {"sid": message}),
    }
    channel = connect(make_shop())
    point = make_point(make_contact(channel.shop), ChannelKind.SMS)
    DRIVER.send(channel=channel, point=point, message=OutMessage(text="Hi"), mode=Mode.FREE, ref="REF1")
    paths = json.loads(described.read_text())["paths"]
    assert len(graph.asked) == 5
    for asked in graph.asked:
        path, _, query = asked.path.partition("?")
        found = next(each for each in paths if re.fullmatch(re.sub(r"\{\w+\}", r"[A-Z]{2}[0-9a-f]{32}", each), path))
        operation = paths[found][asked.method.lower()]
        known = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        assert set(parse_qs(query)) <= known, asked.path
        if asked.method == "POST":
            schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            fields = set(parse_qs(asked.body.decode()))
            assert set(schema.get("required", [])) <= fields <= set(schema["properties"]), asked.path
