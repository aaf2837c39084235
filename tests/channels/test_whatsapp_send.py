"""What WhatsApp is asked to send, over real HTTP, and what its refusals become."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from post_purchase.channels.base import (
    Button,
    ChannelError,
    Outcome,
    OutMessage,
    SendContext,
    TemplateUse,
    UrlButton,
)
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ContactPoint
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.lib import clock
from tests.channels.graph_server import GraphServer
from tests.factories import make_channel, make_contact, make_point, make_shop

pytestmark = pytest.mark.django_db
SEND = "POST /106540352242922/messages"
TAKEN = (200, {"messages": [{"id": "wamid.1"}]})
WHATSAPP = driver_for(ChannelKind.WHATSAPP)


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_shop())


@pytest.fixture
def point(channel: Channel) -> ContactPoint:
    return make_point(make_contact(channel.shop))


def send(channel: Channel, point: ContactPoint, message: OutMessage, mode: Mode = Mode.FREE, **context: Any) -> str:
    return WHATSAPP.send(
        channel=channel, point=point, message=message, mode=mode, ref="REF1", context=SendContext(**context)
    ).provider_id


def test_text_goes_to_the_business_scoped_id_with_our_ref(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    assert send(channel, point, OutMessage(text="Hello"), quote="wamid.q") == "wamid.1"
    [asked] = graph.asked
    assert asked.headers["Authorization"] == "Bearer EAA-test-token"
    assert asked.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient": "DE.1349120865530274",
        "context": {"message_id": "wamid.q"},
        "biz_opaque_callback_data": "REF1",
        "type": "text",
        "text": {"body": "Hello", "preview_url": False},
    }
    assert "EAA" not in asked.path


def test_a_phone_is_addressed_with_to(graph: GraphServer, channel: Channel) -> None:
    graph.answers[SEND] = TAKEN
    point = make_point(make_contact(channel.shop), address="4915112345678")
    send(channel, point, OutMessage(text="Hello"))
    assert (graph.asked[0].json["to"], "recipient" in graph.asked[0].json) == ("4915112345678", False)


def test_three_choices_are_buttons_and_titles_are_shortened(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    buttons = [Button(id=f"b{n}", title=f"A title that is too long {n}") for n in range(3)]
    send(channel, point, OutMessage(text="Which?", buttons=buttons))
    interactive = graph.asked[0].json["interactive"]
    assert interactive["type"] == "button"
    assert interactive["action"]["buttons"][0] == {
        "type": "reply",
        "reply": {"id": "b0", "title": "A title that is too…"},
    }


def test_five_choices_are_a_list(graph: GraphServer, channel: Channel, point: ContactPoint) -> None:
    graph.answers[SEND] = TAKEN
    buttons = [Button(id=str(n), title="★" * n) for n in range(1, 6)]
    send(channel, point, OutMessage(text="How was it?", buttons=buttons, list_title="Rate"))
    action = graph.asked[0].json["interactive"]["action"]
    assert (action["button"], [row["id"] for row in action["sections"][0]["rows"]]) == (
        "Rate",
        ["1", "2", "3", "4", "5"],
    )


def test_a_long_text_with_few_choices_is_a_list_because_buttons_take_only_1024(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    send(channel, point, OutMessage(text="x" * 1025, buttons=[Button(id="a", title="Yes")], list_title="Answer"))
    assert graph.asked[0].json["interactive"]["type"] == "list"


@pytest.mark.parametrize(
    "message",
    [OutMessage(text="x" * 4097), OutMessage(text="?", buttons=[Button(id=str(n), title=str(n)) for n in range(11)])],
)
def test_what_cannot_be_said_is_refused_before_the_network_is_asked(
    graph: GraphServer, channel: Channel, point: ContactPoint, message: OutMessage
) -> None:
    with pytest.raises(ChannelError) as caught:
        send(channel, point, message)
    assert (caught.value.outcome, graph.asked) == (Outcome.BUG, [])


def test_a_link_is_a_button(graph: GraphServer, channel: Channel, point: ContactPoint) -> None:
    graph.answers[SEND] = TAKEN
    send(channel, point, OutMessage(text="On its way", url_button=UrlButton(title="Track", url="https://t.example/1")))
    interactive = graph.asked[0].json["interactive"]
    assert interactive["action"]["parameters"] == {"display_text": "Track", "url": "https://t.example/1"}


def test_a_picture_of_ours_is_uploaded_and_then_named(
    graph: GraphServer, channel: Channel, point: ContactPoint, media: Any, settings: Any
) -> None:
    settings.MEDIA_ROOT.mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save(settings.MEDIA_ROOT / "mug.jpg")
    graph.answers |= {SEND: TAKEN, "POST /106540352242922/media": (200, {"id": "77"})}
    send(channel, point, OutMessage(text="Look", image_path="mug.jpg"))
    upload, sent = graph.asked
    assert b"\xff\xd8\xff" in upload.body
    assert b'name="messaging_product"' in upload.body
    assert sent.json["image"] == {"id": "77", "caption": "Look"}


def test_a_template_carries_its_values_on_one_line_each(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = TAKEN
    use = TemplateUse(name="order_shipped", language="pt_BR", parameters=["#1001", "two\nlines", ""])
    send(channel, point, OutMessage(text="-", template=use), Mode.TEMPLATE)
    template = graph.asked[0].json["template"]
    assert (template["name"], template["language"]["code"]) == ("order_shipped", "pt_BR")
    assert [each["text"] for each in template["components"][0]["parameters"]] == ["#1001", "two lines", "–"]


def test_outside_the_window_a_message_without_template_goes_another_way(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"), Mode.TEMPLATE)
    assert (caught.value.outcome, graph.asked) == (Outcome.OTHER_CHANNEL, [])


def refusal(code: int, status: int = 400, subcode: int = 0) -> tuple[int, Any]:
    error = {"code": code, "error_subcode": subcode, "message": "no", "error_data": {"details": "to +49 151 12345678"}}
    return status, {"error": error}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal(131047), Outcome.USE_TEMPLATE),
        (refusal(131026), Outcome.OTHER_CHANNEL),
        (refusal(131050), Outcome.SUPPRESS_PURPOSE),
        (refusal(190, 401), Outcome.HALT_ACCOUNT),
        (refusal(250), Outcome.HALT_ACCOUNT),
        (refusal(368), Outcome.HALT_ACCOUNT),
        (refusal(132000), Outcome.BUG),
        (refusal(424242), Outcome.BUG),
        (refusal(424242, 500), Outcome.RETRY_AFTER),
        (refusal(131000, 500), Outcome.RETRY_AFTER),
        ((503, b"busy"), Outcome.RETRY_AFTER),
        ((429, b"slow down"), Outcome.RETRY_AFTER),
        ((502, b"<html>bad gateway"), Outcome.UNKNOWN),
        ((200, b"not json"), Outcome.UNKNOWN),
        ((200, {"messages": []}), Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
    ],
)
def test_each_refusal_has_one_outcome(
    graph: GraphServer, channel: Channel, point: ContactPoint, answer: Any, outcome: Outcome
) -> None:
    graph.answers[SEND] = answer
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert caught.value.outcome == outcome
    assert "12345678" not in str(caught.value)
    assert len(graph.asked) == 1  # a driver never tries again by itself


def test_the_pair_limit_waits_four_to_the_power_of_the_attempt(
    graph: GraphServer, channel: Channel, point: ContactPoint
) -> None:
    graph.answers[SEND] = refusal(131056)
    waits = []
    for attempt in (1, 2, 3):
        with pytest.raises(ChannelError) as caught:
            send(channel, point, OutMessage(text="Hello"), attempt=attempt)
        waits.append(caught.value.retry_after)
    assert waits == [timedelta(seconds=4), timedelta(seconds=16), timedelta(seconds=64)]


def test_a_server_that_is_not_there_has_taken_nothing(settings: Any, channel: Channel, point: ContactPoint) -> None:
    settings.META_GRAPH_ORIGIN = "http://127.0.0.1:9"
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert caught.value.outcome == Outcome.RETRY_AFTER


def test_read_receipt_and_typing(graph: GraphServer, channel: Channel, point: ContactPoint) -> None:
    graph.answers[SEND] = (200, {"success": True})
    WHATSAPP.mark_read(channel=channel, point=point, provider_id="wamid.in", typing=True)
    assert graph.asked[0].json == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.in",
        "typing_indicator": {"type": "text"},
    }


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "purpose", "address", "mode"),
    [
        (23, Purpose.MARKETING, "US.134912", Mode.FREE),
        (24, Purpose.UTILITY, "DE.134912", Mode.TEMPLATE),
        (24, Purpose.MARKETING, "DE.134912", Mode.TEMPLATE),
        (24, Purpose.MARKETING, "US.134912", Mode.NONE),
        (24, Purpose.MARKETING, "12125550100", Mode.NONE),
        (24, Purpose.MARKETING, "14165550100", Mode.TEMPLATE),  # Toronto
        (24, Purpose.UTILITY, "12125550100", Mode.TEMPLATE),
        (None, Purpose.UTILITY, "DE.134912", Mode.TEMPLATE),
    ],
)
def test_the_window_is_computed_from_the_last_message(
    channel: Channel, hours: int | None, purpose: Purpose, address: str, mode: Mode
) -> None:
    last = NOW - timedelta(hours=hours) if hours is not None else None
    point = make_point(make_contact(channel.shop), address=address, last_inbound_at=last)
    found = WHATSAPP.capability(point=point, channel=channel, purpose=purpose, now=NOW)
    assert (found.mode, bool(found.reason)) == (mode, mode != Mode.FREE)


def test_the_link_opens_the_chat_with_the_text_in_it(channel: Channel) -> None:
    url = WHATSAPP.entry_url(channel=channel, code="AB", text="Hi! Código AB3K & more")
    assert url == "https://wa.me/15550783881?text=Hi%21%20C%C3%B3digo%20AB3K%20%26%20more"


def test_media_comes_in_two_steps_with_the_token_and_is_checked(
    graph: GraphServer, channel: Channel, settings: Any
) -> None:
    settings.DEMO, settings.DEMO_WORLD_URL = True, graph.origin
    graph.answers |= {
        "GET /55": (200, {"url": f"{graph.origin}/file", "file_size": 5}),
        "GET /file": (200, b"photo"),
    }
    right = "NPaH2gR+YqSMzOFk1ehLl45aYMzDcEnKKzlQ1eUyiiQ="
    source = {"id": "55"}
    assert WHATSAPP.fetch_media(channel=channel, source=source, max_bytes=10) == b"photo"
    assert all(each.headers["Authorization"] == "Bearer EAA-test-token" for each in graph.asked)
    with pytest.raises(ChannelError) as caught:
        WHATSAPP.fetch_media(channel=channel, source=source | {"sha256": right[::-1]}, max_bytes=10)
    assert caught.value.outcome == Outcome.RETRY_AFTER
    with pytest.raises(ChannelError) as caught:
        WHATSAPP.fetch_media(channel=channel, source=source, max_bytes=4)
    assert caught.value.code == "too_large"


def test_media_is_fetched_only_from_the_networks_own_hosts(graph: GraphServer, channel: Channel) -> None:
    for address in (f"{graph.origin}/file", "https://evilfbsbx.com/x", "http://lookaside.fbsbx.com/x", "https://[", ""):
        graph.answers["GET /55"] = (200, {"url": address})
        with pytest.raises(ChannelError) as caught:
            WHATSAPP.fetch_media(channel=channel, source={"id": "55"}, max_bytes=10)
        assert caught.value.code == "host"
    assert graph.sent("/file") == []


def test_the_clock_is_not_asked_for_the_window(channel: Channel) -> None:
    point = make_point(make_contact(channel.shop), last_inbound_at=NOW)
    with clock.frozen(NOW + timedelta(days=9)):
        found = WHATSAPP.capability(point=point, channel=channel, purpose=Purpose.SERVICE, now=NOW)
    assert (found.mode, found.until) == (Mode.FREE, NOW + timedelta(hours=24))
