"""Telegram: from the bot's token to a blocked bot, against the demo's strict Telegram and the Bot API's own schema."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from PIL import Image

from demo.telegram import BOT, TOKEN
from post_purchase.channels.base import Button, ChannelError, Inbound, MediaPart, Outcome, OutMessage, UrlButton
from post_purchase.channels.drivers.telegram.api import ERRORS, secret_for
from post_purchase.channels.drivers.telegram.parse import answer_at_once
from post_purchase.channels.drivers.telegram.requests import message_fields, tap_data
from post_purchase.channels.registry import driver_for
from post_purchase.jobs.media import fetch_media
from post_purchase.models import Attachment, Channel, ContactPoint, Message, OrderBinding
from post_purchase.services.channels import connect_channel
from post_purchase.words import ChannelKind, MessageStatus, Mode, Purpose
from shopapp.models import IncomingWebhook
from tests.channels.talks import Talk, stranger, talking
from tests.factories import make_channel, make_contact, make_point, make_shop

DRIVER = driver_for(ChannelKind.TELEGRAM)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def talk(db: None, settings: Any, media: Any) -> Iterator[Talk]:
    with talking(settings, NOON) as talk:
        talk.world.telegram.create_bot()
        yield talk


def connect(talk: Talk, token: str = TOKEN) -> Channel:
    return connect_channel(shop=talk.shop, kind=ChannelKind.TELEGRAM, account_id="", credentials={"token": token})


def test_a_bot_from_its_token_to_the_last_word(talk: Talk) -> None:
    for wrong, words in (("hello", "not a bot token"), (f"{BOT}:{'x' * 35}", "does not know this bot token")):
        with pytest.raises(ChannelError, match=words):
            connect(talk, wrong)
    assert not Channel.objects.exists()
    channel = connect(talk)
    assert (channel.account_id, channel.link_address, channel.name) == (BOT, "fernandfield_bot", "Fern & Field")
    link = DRIVER.entry_url(channel=channel, code=talk.code, text="Hi")
    assert link.endswith(f"/t.me/fernandfield_bot?start={talk.code}")

    telegram = talk.world.telegram
    ada = telegram.create_person("Ada Berg", language="de")
    telegram.open_link(ada, talk.code)
    talk.world.courier.waiting *= 2  # Telegram repeats what it is not sure of
    assert talk.carry() == [200, 200]
    point = ContactPoint.objects.get(kind=ChannelKind.TELEGRAM)
    assert (point.address, point.account_id, point.profile_name) == (ada, BOT, "Ada Berg")
    assert OrderBinding.objects.get(point=point).order == talk.order
    [welcome] = telegram.received(ada)
    assert "#1001" in welcome["text"]

    long_id = "f12:" + "a" * 40 + ":" + "b" * 40
    question = OutMessage(
        text="How was it? <b>&",
        buttons=[Button(id="f12:rate:5", title="5 ★"), Button(id=long_id, title="Tell me more")],
        url_button=UrlButton(title="Track", url="http://127.0.0.1/x"),
    )
    talk.tell(point, question)
    talk.carry()
    shown = telegram.received(ada)[-1]
    assert shown["text"] == "How was it? <b>&\n\nTrack: http://127.0.0.1/x"  # no public address: not as a button
    assert [each["title"] for each in shown["buttons"]] == ["5 ★", "Tell me more"]
    for button in shown["buttons"]:
        telegram.tap(ada, shown["id"], button["id"])
        assert talk.carry() == [200]
        assert telegram.received(ada)[-1].get("turning", "") == ""  # the tap was answered in the same breath
    taps = Message.objects.filter(direction="in", text__in=["5 ★", "Tell me more"]).order_by("pk")
    assert [each.content["button_id"] for each in taps] == ["f12:rate:5", long_id]

    photo = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(photo, "JPEG")
    telegram.send_photo(ada, photo.getvalue(), album="13")
    talk.carry()
    fetch_media()
    assert Attachment.objects.get().status == "stored"

    telegram.block(ada)
    talk.carry()
    point.refresh_from_db()
    assert "blocked this Telegram account" in point.blocked_reason
    late = talk.tell(point, OutMessage(text="News"))
    talk.carry()
    late.refresh_from_db()
    assert late.status != MessageStatus.SENT
    telegram.block(ada, blocked=False)
    talk.carry()
    point.refresh_from_db()
    assert point.blocked_at is None

    judge = stranger("tg_validate")
    if judge is not None:
        updates = [json.loads(each.body) for each in talk.carried]
        assert {name for each in updates for name in each} >= {"message", "callback_query", "my_chat_member"}
        for update in updates:
            assert judge.check_type("Update", update) == [], update


def test_a_refusal_at_sending_closes_the_way_and_a_full_line_waits(talk: Talk) -> None:
    channel = connect(talk)
    telegram = talk.world.telegram
    ada = telegram.create_person()
    telegram.write(ada, "Hello")
    talk.carry()
    point = ContactPoint.objects.get(kind=ChannelKind.TELEGRAM)

    def send() -> str:
        message = OutMessage(text="Hi")
        return DRIVER.send(channel=channel, point=point, message=message, mode=Mode.FREE, ref="R").provider_id

    assert send().startswith(f"{ada}:")
    talk.world.faults.add("telegram.send", "throttled")
    with pytest.raises(ChannelError) as caught:
        send()
    assert (caught.value.outcome, caught.value.retry_after) == (Outcome.RETRY_AFTER, timedelta(seconds=3))
    talk.world.faults.add("telegram.send", "drop")
    with pytest.raises(ChannelError) as caught:
        send()
    assert caught.value.outcome == Outcome.UNKNOWN
    talk.world.state.part("telegram_people")[ada]["blocked"] = True  # and no callback told us
    with pytest.raises(ChannelError) as caught:
        send()
    assert caught.value.outcome == Outcome.SUPPRESS_ADDRESS
    assert TOKEN not in str(caught.value)


@pytest.mark.django_db
def test_the_door_wants_the_secret_of_this_bot(client: Client) -> None:
    def post(bot: str, secret: str, body: bytes = b'{"update_id":1}') -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        path = f"/webhooks/telegram/{bot}"
        return client.post(path, body, content_type="application/json", headers=headers).status_code

    right = secret_for(BOT)
    assert [post(BOT, ""), post(BOT, "x"), post("6000000002", right), post("x", secret_for("x"))] == [403] * 4
    assert post(BOT, right, b"x" * (1024 * 1024 + 1)) == 413
    assert not IncomingWebhook.objects.exists()
    assert [post(BOT, right), post(BOT, right), post(BOT, right, b"\xff")] == [200, 200, 200]
    rows = IncomingWebhook.objects.order_by("pk")
    assert [(row.source, row.account, row.headers["bot"]) for row in rows] == [("telegram", BOT, BOT)] * 2
    assert client.get(f"/webhooks/telegram/{BOT}").status_code == 405


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (403, "Forbidden: bot was blocked by the user", Outcome.SUPPRESS_ADDRESS),
        (403, "Forbidden: user is deactivated", Outcome.SUPPRESS_ADDRESS),
        (403, "Forbidden: something new", Outcome.OTHER_CHANNEL),
        (400, "Bad Request: chat not found", Outcome.SUPPRESS_ADDRESS),
        (400, "Bad Request: message text is empty", Outcome.BUG),
        (401, "Unauthorized", Outcome.HALT_ACCOUNT),
        (404, "Not Found", Outcome.HALT_ACCOUNT),
        (429, "Too Many Requests: retry after 14", Outcome.RETRY_AFTER),
        (500, "Internal Server Error", Outcome.RETRY_AFTER),
    ],
)
def test_each_refusal_has_one_outcome(code: int, said: str, outcome: Outcome) -> None:
    assert ERRORS.error(code=code, text=said, status=code).outcome == outcome


def test_what_we_send_is_what_the_bot_api_describes() -> None:
    judge: ModuleType | None = stranger("tg_validate")
    if judge is None:
        pytest.skip("the Bot API's schema is not beside the checkout")
    five = [Button(id=f"f1:rate:{n}", title=f"{n} ★") for n in range(1, 6)]
    link = UrlButton(title="Track", url="https://tracking.example.com/1")
    plain = OutMessage(text="x" * 4096)
    rich = OutMessage(text="How?", buttons=five, url_button=link)
    for fields in (message_fields(plain), message_fields(rich)):
        assert judge.check_call("sendMessage", {"chat_id": 7} | fields) == []
    picture = OutMessage(text="x" * 1024, image_path="https://app.example.test/mug.jpg", buttons=five)
    fields = {"chat_id": 7, "photo": picture.image_path} | message_fields(picture)
    assert judge.check_call("sendPhoto", fields) == []
    keyboard = message_fields(rich)["reply_markup"]["inline_keyboard"]
    assert [len(row) for row in keyboard] == [1, 5]
    assert judge.check_call("sendMessage", {"chat_id": 7, "text": "x" * 4097}) != []
    for words, image in (("x" * 4097, ""), ("x" * 1025, "mug.jpg")):
        with pytest.raises(ChannelError, match="shorten the text"):
            message_fields(OutMessage(text=words, image_path=image))
    assert len(tap_data("é" * 40).encode()) <= 64


def parse(update: Any) -> list[Any]:
    return DRIVER.parse(body=json.dumps(update).encode(), headers={"bot": BOT})


def test_the_constructed_updates_are_understood(fixtures_of_providers: Path) -> None:
    folder = fixtures_of_providers / "telegram" / "constructed_from_spec"
    found = {file.stem: parse(json.loads(file.read_text()))[0] for file in folder.glob("*.json")}
    assert (found["start_payload"].kind, found["start_payload"].entry_code) == ("entry", "AB3KQ9ZT7MXW2LHC")
    assert (found["start_bare"].kind, found["start_bare"].entry_code) == ("entry", "")
    assert (found["callback_query"].button_id, found["callback_query"].reply_to) == ("rate:5", "7000000001:3")
    first, second = found["photo_album_part1"], found["photo_album_part2"]
    assert first.media == (MediaPart({"file_id": "AgACAgIAAx-y", "size": 200000}, "image/jpeg"),)
    assert (first.text, second.provider_id) == ("Love it", "7000000001:6")
    assert found["shared_contact"].phone == "+15551234567"
    assert found["blocked_my_chat_member"].blocked is True


def test_groups_bots_and_other_peoples_numbers_prove_nothing() -> None:
    person = {"id": 7, "is_bot": False, "first_name": "Ada"}
    chat = {"id": 7, "type": "private"}
    head = {"message_id": 1, "date": 1795300000, "chat": chat, "from": person}
    [forwarded] = parse({"message": head | {"contact": {"phone_number": "+49 151 1", "user_id": 8}}})
    assert isinstance(forwarded, Inbound)
    assert forwarded.phone == ""
    for change in ({"chat": {"id": -5, "type": "group"}}, {"from": person | {"is_bot": True}}):
        [odd] = parse({"message": head | {"text": "Hi"} | change})
        assert not isinstance(odd, Inbound)
    [sticker] = parse({"message": head | {"sticker": {"file_id": "s", "emoji": "👍"}}})
    [dice] = parse({"message": head | {"dice": {"value": 3}}})
    assert (sticker.text, dice.kind) == ("👍", "unsupported")


NAMES = "message callback_query my_chat_member chat from id type date text photo file_id file_size contact user_id "
NAMES += "document new_chat_member status data message_id reply_to_message reply_markup inline_keyboard width height"
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("private")
SHAPED = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=15,
)


@given(value=SHAPED)
@effort(max_examples=60)
def test_no_update_can_break_the_parser(value: Any) -> None:
    head = {"message_id": 1, "chat": {"id": 7, "type": "private"}, "id": "1", "data": "x"}
    shaped = head | value if isinstance(value, dict) else value
    for update in (
        {"message": shaped},
        {"callback_query": {"message": shaped} | head},
        {"my_chat_member": shaped},
        value,
    ):
        body = json.dumps(update).encode()
        assert len(DRIVER.parse(body=body, headers={"bot": BOT})) == 1
        answer_at_once(body)


@pytest.mark.django_db
def test_too_large_a_file_is_not_asked_for() -> None:
    channel = make_channel(make_shop(), ChannelKind.TELEGRAM)
    with pytest.raises(ChannelError) as caught:
        DRIVER.fetch_media(channel=channel, source={"file_id": "x", "size": 21 * 1024 * 1024}, max_bytes=10**9)
    assert caught.value.code == "too_large"
    point = make_point(make_contact(channel.shop), ChannelKind.TELEGRAM)
    silent = DRIVER.capability(point=point, channel=channel, purpose=Purpose.UTILITY, now=NOON)
    assert (silent.mode, silent.reason) == (Mode.NONE, "On Telegram the shopper must write first")
