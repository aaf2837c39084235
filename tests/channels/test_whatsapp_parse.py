"""Everything that WhatsApp tells us, as updates."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from post_purchase.channels.base import (
    Inbound,
    MediaPart,
    Odd,
    Outcome,
    PointUpdate,
    StatusUpdate,
    TemplateUpdate,
    Update,
)
from post_purchase.channels.registry import driver_for
from post_purchase.words import ChannelKind, MessageStatus, Purpose

NUMBER, WABA, USER = "106540352242922", "102290129340398", "DE.1349120865530274"
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STAMP = str(int(AT.timestamp()))
DRIVER = driver_for(ChannelKind.WHATSAPP)


@pytest.fixture(autouse=True)
def _now() -> Any:
    from shopapp.lib import clock

    with clock.frozen(AT):
        yield


def parse(*values: dict[str, Any], field: str = "messages") -> list[Update]:
    changes = [{"field": field, "value": {"metadata": {"phone_number_id": NUMBER}} | value} for value in values]
    body = {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": changes}]}
    return DRIVER.parse(body=json.dumps(body).encode(), headers={})


def message(kind: str, part: Any, **more: Any) -> dict[str, Any]:
    head = {"id": "wamid.in", "from_user_id": USER, "from": "4915112345678", "timestamp": STAMP, "type": kind}
    card = {"profile": {"name": "Maria"}, "user_id": USER, "wa_id": "4915112345678"}
    return {"contacts": [card], "messages": [head | {kind: part} | more]}


def test_a_text_is_known_by_the_business_scoped_id_with_the_phone_as_alias() -> None:
    [found] = parse(message("text", {"body": "Hi! AB3K"}, context={"id": "wamid.out"}))
    assert found == Inbound(
        account_id=NUMBER,
        provider_id="wamid.in",
        address=USER,
        happened_at=AT,
        text="Hi! AB3K",
        aliases=("4915112345678",),
        phone="+4915112345678",
        profile_name="Maria",
        reply_to="wamid.out",
    )


def test_a_shopper_with_a_username_has_no_phone() -> None:
    value = message("text", {"body": "Hi"})
    del value["messages"][0]["from"], value["contacts"][0]["wa_id"]
    [found] = parse(value)
    assert isinstance(found, Inbound)
    assert (found.address, found.phone, found.aliases) == (USER, "", ())


def test_an_old_payload_without_business_scoped_ids_is_known_by_phone() -> None:
    [found] = parse(
        {"messages": [{"id": "w", "from": "4915112345678", "timestamp": STAMP, "type": "text", "text": {}}]}
    )
    assert isinstance(found, Inbound)
    assert (found.address, found.phone, found.aliases) == ("4915112345678", "+4915112345678", ())


@pytest.mark.parametrize(
    ("kind", "part", "text", "button"),
    [
        ("interactive", {"type": "button_reply", "button_reply": {"id": "rate:5", "title": "5"}}, "5", "rate:5"),
        ("interactive", {"type": "list_reply", "list_reply": {"id": "rate:1", "title": "1"}}, "1", "rate:1"),
        ("button", {"payload": "yes", "text": "Yes"}, "Yes", "yes"),
        ("location", {"name": "Home", "address": "Street 1"}, "[Location] Home, Street 1", ""),
        ("order", {"text": "", "product_items": []}, "[Order from the catalogue]", ""),
    ],
)
def test_taps_and_other_kinds(kind: str, part: Any, text: str, button: str) -> None:
    [found] = parse(message(kind, part))
    assert isinstance(found, Inbound)
    assert (found.text, found.button_id, found.kind) == (text, button, "message")


def test_a_photo_names_its_media_and_its_checksum() -> None:
    [found] = parse(message("image", {"id": "55", "mime_type": "image/jpeg", "sha256": "abc=", "caption": "My mug"}))
    assert isinstance(found, Inbound)
    assert (found.text, found.media) == ("My mug", (MediaPart({"id": "55", "sha256": "abc="}, "image/jpeg"),))


def test_a_reaction_names_the_message_it_is_for() -> None:
    [found] = parse(message("reaction", {"message_id": "wamid.out", "emoji": "❤️"}))
    assert isinstance(found, Inbound)
    assert (found.kind, found.text, found.reply_to) == ("reaction", "❤️", "wamid.out")


def test_only_a_number_that_we_asked_for_proves_whose_it_is() -> None:
    card = [{"name": {"formatted_name": "Maria"}, "phones": [{"wa_id": "4917012345678"}]}]
    value = message("contacts", card)
    value["messages"][0]["from"] = value["contacts"][0]["wa_id"] = ""
    [forwarded] = parse(value)
    card[0]["origin"] = "contact_request"
    [shared] = parse(value)
    assert isinstance(forwarded, Inbound)
    assert isinstance(shared, Inbound)
    assert (forwarded.phone, shared.phone) == ("", "+4917012345678")
    assert (forwarded.shares_phone, shared.shares_phone, shared.aliases) == (False, True, ("4917012345678",))


def test_statuses_bring_our_ref_and_the_reason_of_a_failure() -> None:
    head = {"id": "wamid.out", "timestamp": STAMP, "recipient_user_id": USER, "biz_opaque_callback_data": "REF1"}
    failed = head | {"status": "failed", "errors": [{"code": 131047, "title": "Re-engagement message"}]}
    delivered, broken, odd = parse({"statuses": [head | {"status": "delivered"}, failed, head | {"status": "new"}]})
    assert delivered == StatusUpdate(NUMBER, "wamid.out", MessageStatus.DELIVERED, AT, ref="REF1", address=USER)
    assert isinstance(broken, StatusUpdate)
    assert broken.error is not None
    assert (broken.status, broken.error.outcome, broken.error.code) == (
        MessageStatus.FAILED,
        Outcome.USE_TEMPLATE,
        "131047",
    )
    assert isinstance(odd, Odd)


def test_stop_and_resume_of_offers() -> None:
    wishes = [{"user_id": USER, "value": wish, "timestamp": STAMP} for wish in ("stop", "resume", "maybe")]
    stop, resume, odd = parse({"user_preferences": wishes}, field="user_preferences")
    assert stop == PointUpdate(NUMBER, USER, AT, stopped_purpose=Purpose.MARKETING)
    assert resume == PointUpdate(NUMBER, USER, AT, resumed_purpose=Purpose.MARKETING)
    assert isinstance(odd, Odd)


def test_a_new_number_of_a_shopper() -> None:
    value = message("system", {"type": "user_changed_number", "wa_id": "4917012345678", "user_id": "DE.2"})
    assert parse(value) == [PointUpdate(NUMBER, USER, AT, new_address="DE.2")]
    update = {"user_id_update": [{"user_id": {"previous": USER, "current": "DE.3"}, "timestamp": STAMP}]}
    assert parse(update, field="user_id_update") == [PointUpdate(NUMBER, USER, AT, new_address="DE.3")]


def test_news_of_a_template() -> None:
    value = {
        "event": "REJECTED",
        "message_template_id": 42,
        "message_template_name": "order_shipped",
        "message_template_language": "de",
        "reason": "INVALID_FORMAT",
    }
    assert parse(value, field="message_template_status_update") == [
        TemplateUpdate(WABA, "order_shipped", "de", "REJECTED", reason="INVALID_FORMAT", provider_id="42")
    ]


def test_every_entry_and_every_change_is_read() -> None:
    text = message("text", {"body": "x"})
    entry = {
        "id": WABA,
        "changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": NUMBER}} | text}] * 10,
    }
    found = DRIVER.parse(body=json.dumps({"entry": [entry] * 100}).encode(), headers={})
    assert (len(found), {type(each) for each in found}) == (1000, {Inbound})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
WORDS = ["id", "from", "from_user_id", "timestamp", "type", "text", "image", "body", "status", "errors", "contacts"]
WORDS += ["messages", "statuses", "metadata", "system", "interactive", "button_reply", "context", "user_preferences"]
SHAPED = st.recursive(
    JSON, lambda inner: st.dictionaries(st.sampled_from(WORDS), inner | st.lists(inner, max_size=2)), max_leaves=20
)


@given(value=SHAPED, field=st.sampled_from(["messages", "user_preferences", "user_id_update", "x"]))
@effort(suppress_health_check=[HealthCheck.too_slow])  # on a machine that does something else
def test_no_value_can_break_the_parser(value: Any, field: str) -> None:
    for body in ({"entry": [{"id": WABA, "changes": [{"field": field, "value": value}]}]}, {"entry": value}, value):
        assert DRIVER.parse(body=json.dumps(body).encode(), headers={})


@given(st.binary(max_size=200))
def test_no_bytes_can_break_the_parser(body: bytes) -> None:
    assert DRIVER.parse(body=body, headers={})


def test_metas_own_examples_are_understood(fixtures_of_providers: Path) -> None:
    folder = fixtures_of_providers / "whatsapp" / "meta_openapi_v23"
    for file in sorted(folder.glob("inbound_*_message*.json")):
        if "group" in file.name:
            continue  # groups are not ours: stored as odd
        if "group" in file.name:
            continue
        found = DRIVER.parse(body=file.read_bytes(), headers={})
        assert found, file.name
        assert not any(isinstance(each, Odd) for each in found), file.name
    for file in sorted(folder.glob("inbound_group*.json")):
        assert {type(each) for each in DRIVER.parse(body=file.read_bytes(), headers={})} == {Odd}, file.name
