"""Messenger over real HTTP, and everything that it tells us."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from post_purchase.channels.base import (
    Button,
    ChannelError,
    HumanTookOver,
    Inbound,
    MediaPart,
    Odd,
    Outcome,
    OutMessage,
    SendContext,
    StatusUpdate,
    TemplateUpdate,
    TemplateUse,
    Update,
    UrlButton,
)
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ContactPoint
from post_purchase.words import ChannelKind, MessageStatus, Mode, Purpose
from shopapp.lib import clock
from tests.channels.graph_server import GraphServer
from tests.factories import make_channel, make_contact, make_point, make_shop

DRIVER = driver_for(ChannelKind.MESSENGER)
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STAMP = int(AT.timestamp() * 1000)
SEND = "POST /700100/messages"
TAKEN = (200, {"recipient_id": "24680135790", "message_id": "m_1"})


@pytest.fixture(autouse=True)
def _now() -> Any:
    with clock.frozen(AT):
        yield


@pytest.fixture
def channel(db: None) -> Channel:
    return make_channel(make_shop(), ChannelKind.MESSENGER)


@pytest.fixture
def point(channel: Channel) -> ContactPoint:
    return make_point(make_contact(channel.shop), ChannelKind.MESSENGER, last_inbound_at=AT)


def send(channel: Channel, point: ContactPoint, message: OutMessage, mode: Mode = Mode.FREE, **context: Any) -> str:
    return DRIVER.send(
        channel=channel, point=point, message=message, mode=mode, ref="REF1", context=SendContext(**context)
    ).provider_id


def test_choices_are_quick_replies(graph: GraphServer, channel: Channel, point: ContactPoint) -> None:
    graph.answers[SEND] = TAKEN
    buttons = [Button(id=f"rate:{n}", title=str(n)) for n in range(1, 6)]
    assert send(channel, point, OutMessage(text="How was it?", buttons=buttons)) == "m_1"
    asked = graph.asked[0].json
    assert (asked["recipient"], asked["messaging_type"]) == ({"id": "24680135790"}, "RESPONSE")
    assert asked["message"]["quick_replies"][4] == {"content_type": "text", "title": "5", "payload": "rate:5"}


def test_a_link_with_two_choices_is_a_button_template(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    message = OutMessage(
        text="On its way",
        url_button=UrlButton(title="Track", url="https://t.example/1"),
        buttons=[Button(id="help", title="Help")],
    )
    send(channel, point, message)
    payload = graph.asked[0].json["message"]["attachment"]["payload"]
    assert payload["buttons"] == [
        {"type": "web_url", "url": "https://t.example/1", "title": "Track"},
        {"type": "postback", "title": "Help", "payload": "help"},
    ]


def test_a_product_is_one_element_of_a_generic_template(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    send(channel, point, product("Have you seen this one?"))
    assert graph.asked[0].json["message"]["attachment"]["payload"] == {
        "template_type": "generic",
        "elements": [
            {
                "title": "Mug · €24.00",
                "subtitle": "Have you seen this one?",
                "image_url": "https://cdn.shopify.com/mug.png",
                "buttons": [{"type": "web_url", "url": "https://fern.example/cart/20:1", "title": "Add to cart"}],
            }
        ],
    }
    assert len(graph.asked) == 1


def test_what_a_product_has_no_room_for_comes_after_it_and_a_second_try_shows_it_once(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    long = "With a code. " * 8
    send(channel, point, product(long))
    send(channel, point, product(long), file_sent=True)
    first, second, again = (asked.json["message"] for asked in graph.asked)
    assert first["attachment"]["payload"]["elements"][0]["title"] == "Mug · €24.00"
    assert "subtitle" not in first["attachment"]["payload"]["elements"][0]
    assert second == again == {"text": long.strip()}


def product(words: str) -> OutMessage:
    return OutMessage(
        text=f"{words}\n\nMug · €24.00",
        card_title="Mug · €24.00",
        image_path="https://cdn.shopify.com/mug.png",
        url_button=UrlButton(title="Add to cart", url="https://fern.example/cart/20:1"),
    )


def test_after_the_window_a_utility_template(graph: GraphServer, channel: Channel, point: ContactPoint) -> None:
    graph.answers[SEND] = TAKEN
    use = TemplateUse(name="order_shipped_1", language="en", parameters=["#1001"])
    send(channel, point, OutMessage(text="-", template=use), Mode.TEMPLATE)
    assert graph.asked[0].json == {
        "recipient": {"id": "24680135790"},
        "messaging_type": "UTILITY",
        "message": {
            "template": {
                "name": "order_shipped_1",
                "language": {"code": "en"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "#1001"}]}],
            }
        },
    }


def test_human_agent_is_only_for_what_a_person_typed_late(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    send(channel, point, OutMessage(text="Now"), typed=True)
    with clock.frozen(AT + timedelta(hours=25)):
        send(channel, point, OutMessage(text="Later"), typed=True)
        send(channel, point, OutMessage(text="By a flow"))
    kinds = [(each.json["messaging_type"], each.json.get("tag")) for each in graph.asked]
    assert kinds == [("RESPONSE", None), ("MESSAGE_TAG", "HUMAN_AGENT"), ("RESPONSE", None)]


def test_a_second_try_does_not_show_the_picture_again(
    graph: GraphServer, channel: Channel, point: ContactPoint, media: Any, settings: Any
) -> None:
    settings.MEDIA_ROOT.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(settings.MEDIA_ROOT / "mug.jpg")
    busy = (400, {"error": {"code": 613, "message": "slow down"}})
    graph.answers |= {
        SEND: [TAKEN, busy, TAKEN],
        "POST /700100/message_attachments": (200, {"attachment_id": "99"}),
    }
    message = OutMessage(text="Look", image_path="mug.jpg")
    with pytest.raises(ChannelError) as caught:
        send(channel, point, message)
    assert (caught.value.outcome, caught.value.file_sent) == (Outcome.RETRY_AFTER, True)
    assert send(channel, point, message, attempt=2, file_sent=True) == "m_1"
    sent = [each.json["message"] for each in graph.sent("/messages")]
    assert [list(each) for each in sent] == [["attachment"], ["text"], ["text"]]
    assert sent[0]["attachment"]["payload"] == {"attachment_id": "99"}


@pytest.mark.parametrize(
    ("code", "subcode", "outcome"),
    [
        (10, 2018278, Outcome.USE_TEMPLATE),
        (10, 2018065, Outcome.USE_TEMPLATE),
        (551, 1545041, Outcome.SUPPRESS_ADDRESS),
        (100, 2018001, Outcome.SUPPRESS_ADDRESS),
        (100, 1893061, Outcome.BUG),
        (613, 0, Outcome.RETRY_AFTER),
        (10, 2018300, Outcome.RETRY_AFTER),
        (10, 1893063, Outcome.HALT_ACCOUNT),
        (10, 0, Outcome.HALT_ACCOUNT),
        (200, 0, Outcome.HALT_ACCOUNT),
        (190, 463, Outcome.HALT_ACCOUNT),
    ],
)
def test_each_refusal_has_one_outcome(
    graph: GraphServer, channel: Channel, point: ContactPoint, code: int, subcode: int, outcome: Outcome
) -> None:
    graph.answers[SEND] = (400, {"error": {"code": code, "error_subcode": subcode, "message": "no"}})
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert caught.value.outcome == outcome


def test_too_long_a_text_is_refused_before_the_network(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    with pytest.raises(ChannelError):
        send(channel, point, OutMessage(text="x" * 2001))
    assert graph.asked == []


@pytest.mark.parametrize(
    ("hours", "purpose", "typed", "mode"),
    [
        (1, Purpose.MARKETING, False, Mode.FREE),
        (24, Purpose.UTILITY, False, Mode.TEMPLATE),
        (24, Purpose.MARKETING, False, Mode.NONE),
        (24, Purpose.SERVICE, True, Mode.FREE),
        (168, Purpose.SERVICE, True, Mode.NONE),
        (None, Purpose.UTILITY, False, Mode.NONE),
    ],
)
def test_the_window(channel: Channel, hours: int | None, purpose: Purpose, typed: bool, mode: Mode) -> None:
    last = AT - timedelta(hours=hours) if hours is not None else None
    point = make_point(make_contact(channel.shop), ChannelKind.MESSENGER, last_inbound_at=last)
    found = DRIVER.capability(point=point, channel=channel, purpose=purpose, now=AT, typed=typed)
    assert (found.mode, bool(found.reason)) == (mode, mode != Mode.FREE)


def test_the_link_carries_the_code(channel: Channel) -> None:
    assert DRIVER.entry_url(channel=channel, code="AB3K", text="Hi") == "https://m.me/fernandfield?ref=AB3K"


def test_photos_come_only_from_metas_hosts(channel: Channel, graph: GraphServer) -> None:
    with pytest.raises(ChannelError) as caught:
        DRIVER.fetch_media(channel=channel, source={"url": f"{graph.origin}/x"}, max_bytes=10)
    assert (caught.value.code, graph.asked) == ("host", [])


def parse(*events: dict[str, Any], page: str = "700100") -> list[Update]:
    head = {"sender": {"id": "PSID"}, "recipient": {"id": page}, "timestamp": STAMP}
    body = {"object": "page", "entry": [{"id": page, "messaging": [head | each for each in events]}]}
    return DRIVER.parse(body=json.dumps(body).encode(), headers={})


def test_a_new_thread_by_a_link_brings_the_code() -> None:
    referral = {"ref": "AB3KQ9ZT7MXW2LHC", "source": "SHORTLINK", "type": "OPEN_THREAD"}
    started, returned = parse(
        {"postback": {"mid": "m_A", "title": "Get Started", "payload": "GET_STARTED", "referral": referral}},
        {"referral": referral},
    )
    assert started == Inbound("700100", "m_A", "PSID", AT, entry_code="AB3KQ9ZT7MXW2LHC", kind="entry")
    assert isinstance(returned, Inbound)
    assert (returned.kind, returned.entry_code, returned.text) == ("entry", "AB3KQ9ZT7MXW2LHC", "")
    assert returned.provider_id.startswith("made.")
    assert parse({"referral": referral}) == [returned]  # the same event again is the same id


def test_taps_photos_and_quotes() -> None:
    tap, button, photo, like = parse(
        {"message": {"mid": "m_1", "text": "5", "quick_reply": {"payload": "rate:5"}, "reply_to": {"mid": "m_0"}}},
        {"postback": {"mid": "m_2", "title": "Help", "payload": "help"}},
        {"message": {"mid": "m_3", "attachments": [{"type": "image", "payload": {"url": "https://x.fbcdn.net/1"}}]}},
        {"message": {"mid": "m_4", "attachments": [{"type": "image", "payload": {"url": "u", "sticker_id": 369}}]}},
    )
    assert tap == Inbound("700100", "m_1", "PSID", AT, text="5", button_id="rate:5", reply_to="m_0")
    assert button == Inbound("700100", "m_2", "PSID", AT, text="Help", button_id="help")
    assert photo == Inbound(
        "700100", "m_3", "PSID", AT, media=(MediaPart({"url": "https://x.fbcdn.net/1"}, "image/*"),)
    )
    assert like == Inbound("700100", "m_4", "PSID", AT, text="👍")


def test_delivery_by_id_and_reading_by_watermark() -> None:
    assert parse(
        {"delivery": {"mids": ["m_1", "m_2"], "watermark": STAMP}},
        {"delivery": {"watermark": STAMP}},
        {"read": {"watermark": STAMP}},
    ) == [
        StatusUpdate("700100", "m_1", MessageStatus.DELIVERED, AT, address="PSID"),
        StatusUpdate("700100", "m_2", MessageStatus.DELIVERED, AT, address="PSID"),
        StatusUpdate("700100", "", MessageStatus.DELIVERED, AT, address="PSID", before=AT),
        StatusUpdate("700100", "", MessageStatus.READ, AT, address="PSID", before=AT),
    ]


def test_our_own_echo_is_nothing_and_another_apps_is_a_person() -> None:
    echo = {"sender": {"id": "700100"}, "recipient": {"id": "PSID"}}
    own, other = parse(
        echo | {"message": {"is_echo": True, "app_id": 1001, "mid": "m", "text": "by us"}},
        echo | {"message": {"is_echo": True, "app_id": 26390203743090, "mid": "m", "text": "by the team"}},
    )
    assert isinstance(own, Odd)
    assert other == HumanTookOver("700100", "PSID", AT)


def test_news_of_a_template() -> None:
    value = {
        "event": "APPROVED",
        "message_template_name": "shipped",
        "message_template_language": "en",
        "reason": "NONE",
    }
    body = {"entry": [{"id": "700100", "changes": [{"field": "message_template_status_update", "value": value}]}]}
    assert DRIVER.parse(body=json.dumps(body).encode(), headers={}) == [
        TemplateUpdate("700100", "shipped", "en", "APPROVED")
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
WORDS = ["message", "postback", "referral", "delivery", "read", "optin", "reaction", "mid", "mids", "watermark", "text"]
WORDS += ["attachments", "payload", "url", "type", "is_echo", "sender", "recipient", "id", "quick_reply", "timestamp"]
SHAPED = st.recursive(
    JSON, lambda inner: st.dictionaries(st.sampled_from(WORDS), inner | st.lists(inner)), max_leaves=20
)


@given(value=SHAPED)
def test_no_event_can_break_the_parser(value: Any) -> None:
    head = {"sender": {"id": "1"}, "recipient": {"id": "2"}}
    event = head | value if isinstance(value, dict) else value
    for body in ({"entry": [{"id": "2", "messaging": [event], "changes": [value]}]}, {"entry": value}, value):
        assert DRIVER.parse(body=json.dumps(body).encode(), headers={})


def test_the_constructed_examples_are_understood(fixtures_of_providers: Path) -> None:
    for file in sorted((fixtures_of_providers / "messenger" / "constructed_from_docs").glob("*.json")):
        found = DRIVER.parse(body=file.read_bytes(), headers={})
        is_callback = b'"entry"' in file.read_bytes()
        assert any(isinstance(each, Odd) for each in found) != is_callback, file.name
