"""Instagram: from the token to the closed window, against the demo's strict Instagram; and what only it tells."""

import hashlib
import hmac
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from PIL import Image

from demo.meta.instagram import ACCOUNT
from post_purchase.channels import graph
from post_purchase.channels.base import (
    Button,
    ChannelError,
    HumanTookOver,
    Inbound,
    Odd,
    Outcome,
    OutMessage,
    SendContext,
    StatusUpdate,
    TakenBack,
    UrlButton,
)
from post_purchase.channels.registry import driver_for
from post_purchase.jobs.media import fetch_media
from post_purchase.jobs.shops import keep_tokens_alive
from post_purchase.models import Attachment, Channel, ContactPoint, Message, OrderBinding
from post_purchase.services.channels import connect_channel
from post_purchase.words import ChannelKind, MessageStatus, Mode, Purpose
from shopapp.lib import stored_files
from tests.channels.talks import Talk, talking

DRIVER = driver_for(ChannelKind.INSTAGRAM)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def talk(db: None, settings: Any, media: Any) -> Iterator[Talk]:
    with talking(settings, NOON) as talk:
        settings.DEMO, settings.DEMO_WORLD_URL = True, talk.world.url  # photos come from there
        talk.world.instagram.create_account()
        yield talk


def connect(talk: Talk, token: str = "IGAADemoInstagramToken") -> Channel:
    return connect_channel(
        shop=talk.shop, kind=ChannelKind.INSTAGRAM, account_id="", credentials={"access_token": token}
    )


def test_an_account_from_its_token_to_the_closed_window(talk: Talk, django_capture_on_commit_callbacks: Any) -> None:
    with pytest.raises(ChannelError, match="access token no longer works"):
        connect(talk, "wrong")
    assert not Channel.objects.exists()
    channel = connect(talk)
    assert (channel.account_id, channel.link_address, channel.name) == (ACCOUNT, "fernandfield", "Fern & Field")
    assert connect(talk).pk == channel.pk
    link = DRIVER.entry_url(channel=channel, code=talk.code, text="Hi")
    assert link.endswith(f"/ig.me/m/fernandfield?ref={talk.code}")

    instagram = talk.world.instagram
    luc = instagram.create_person("Luc Martin")
    instagram.open_link(luc, talk.code)
    talk.world.courier.waiting *= 2
    assert talk.carry() == [200, 200]
    point = ContactPoint.objects.get(kind=ChannelKind.INSTAGRAM)
    assert (point.address, point.account_id) == (luc, ACCOUNT)
    assert OrderBinding.objects.get(point=point).order == talk.order
    question = Message.objects.get(direction="in")
    assert (question.text, question.content["button_id"]) == ("Where is my order?", "")
    assert "#1001" in instagram.received(luc)[0]["text"]
    talk.carry()
    assert Message.objects.get(direction="out").status == MessageStatus.READ  # messaging_seen names the message

    choices = [Button(id=f"f1:rate:{n}", title=f"{n} ★") for n in range(1, 6)]
    track = UrlButton(title="Track", url="https://t.example.com/1")
    talk.tell(point, OutMessage(text="How was it?", buttons=choices, url_button=track))
    talk.carry()
    shown = instagram.received(luc)[-1]
    assert shown["text"] == "How was it?\n\nTrack: https://t.example.com/1"
    instagram.tap(luc, shown["id"], "f1:rate:5")
    talk.carry()
    assert Message.objects.filter(direction="in").latest("pk").content["button_id"] == "f1:rate:5"

    photo = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(photo, "JPEG")
    mid = instagram.send_photo(luc, photo.getvalue())
    talk.carry()
    fetch_media()
    stored = Attachment.objects.get()
    assert stored.status == "stored"
    said = instagram.write(luc, "my address is secret")
    talk.carry()
    instagram.unsend(luc, mid)
    instagram.unsend(luc, said)
    with django_capture_on_commit_callbacks(execute=True):
        talk.carry()
    assert not Attachment.objects.exists()
    assert stored_files.open_file(stored.file) is None
    assert not Message.objects.filter(text__contains="secret").exists()
    assert Message.objects.filter(content__taken_back=True).count() == 2

    talk.at.move(hours=25)
    point.refresh_from_db()
    now = talk.at.move(seconds=1)
    news = DRIVER.capability(point=point, channel=channel, purpose=Purpose.UTILITY, now=now)
    typed = DRIVER.capability(point=point, channel=channel, purpose=Purpose.SERVICE, now=now, typed=True)
    assert (news.mode, typed.mode) == (Mode.NONE, Mode.FREE)
    assert news.reason == "The shopper last wrote 25 hours ago; Instagram takes nothing after 24"

    def send(text: str, *, typed: bool = False) -> str:
        context = SendContext(typed=typed)
        message = OutMessage(text=text)
        return DRIVER.send(
            channel=channel, point=point, message=message, mode=Mode.FREE, ref="R", context=context
        ).provider_id

    assert send("By hand", typed=True)
    with pytest.raises(ChannelError) as caught:
        send("By a flow")
    assert caught.value.outcome == Outcome.OTHER_CHANNEL
    with pytest.raises(ChannelError, match="1000 bytes"):
        send("é" * 501)
    for kind, outcome in (("throttled", Outcome.RETRY_AFTER), ("drop", Outcome.UNKNOWN)):
        talk.world.faults.add("instagram.send", kind)
        with pytest.raises(ChannelError) as caught:
            send("Once more", typed=True)
        assert caught.value.outcome == outcome
    talk.at.move(days=7)
    with pytest.raises(ChannelError) as caught:
        send("Too late", typed=True)
    assert caught.value.outcome == Outcome.OTHER_CHANNEL


def test_a_token_is_renewed_long_before_it_runs_out(talk: Talk) -> None:
    channel = connect(talk)
    keep_tokens_alive()
    channel.refresh_from_db()
    first = channel.credentials["access_token"]
    assert first == "IGAADemoInstagramToken"
    talk.at.move(days=21)
    keep_tokens_alive()
    keep_tokens_alive()
    channel.refresh_from_db()
    second = channel.credentials["access_token"]
    assert second == talk.world.state.part("instagram_accounts")[ACCOUNT]["token"] != first
    talk.at.move(days=21)
    talk.world.state.part("instagram_accounts")[ACCOUNT]["token"] = "revoked"
    keep_tokens_alive()
    channel.refresh_from_db()
    assert (channel.status, channel.credentials["access_token"]) == ("halted", second)
    assert "connect the account again" in channel.status_reason


def test_the_login_of_instagram_signs_with_a_secret_of_its_own(settings: Any) -> None:
    settings.INSTAGRAM_APP_SECRET = "of-its-own"
    header = "sha256=" + hmac.new(b"of-its-own", b"{}", hashlib.sha256).hexdigest()
    assert graph.signature_is_right(body=b"{}", header=header, instagram=True)
    assert not graph.signature_is_right(body=b"{}", header=header)
    assert not graph.signature_is_right(body=b"{} ", header=header, instagram=True)


def parse(event: Any) -> list[Any]:
    head = {"sender": {"id": "IGSID"}, "recipient": {"id": ACCOUNT}, "timestamp": 1795300000000}
    event = head | event if isinstance(event, dict) else event
    body = {"object": "instagram", "entry": [{"id": ACCOUNT, "messaging": [event]}]}
    return DRIVER.parse(body=json.dumps(body).encode(), headers={})


def test_what_only_instagram_tells() -> None:
    [seen] = parse({"read": {"mid": "m_1"}})
    assert isinstance(seen, StatusUpdate)
    assert (seen.provider_id, seen.status, seen.before) == ("m_1", MessageStatus.READ, None)
    assert parse({"message": {"mid": "m_2", "is_deleted": True}}) == [TakenBack(ACCOUNT, "m_2")]
    [story] = parse(
        {"message": {"mid": "m_3", "attachments": [{"type": "story_mention", "payload": {"url": "https://x"}}]}}
    )
    assert (story.text, story.media) == ("[Story mention]", ())
    [gone] = parse({"message": {"mid": "m_4", "attachments": [{"type": "ephemeral"}]}})
    assert gone.text == "[Ephemeral]"
    [echo] = parse({"message": {"mid": "m_5", "is_echo": True, "text": "Whose?"}})
    assert isinstance(echo, Odd)  # without an app's id nobody can say
    echo = {"sender": {"id": ACCOUNT}, "recipient": {"id": "IGSID"}, "message": {"is_echo": True, "app_id": 77}}
    assert isinstance(parse(echo)[0], HumanTookOver)


def test_the_constructed_examples_are_understood(fixtures_of_providers: Path) -> None:
    folder = fixtures_of_providers / "instagram" / "constructed_from_docs"
    found = {file.stem: DRIVER.parse(body=file.read_bytes(), headers={})[0] for file in sorted(folder.glob("*.json"))}
    new, old = found["message_new_thread_with_ref"], found["referral_igme_existing_thread"]
    assert isinstance(new, Inbound)
    assert isinstance(old, Inbound)
    assert (new.text, new.entry_code, new.kind) == ("Hi", "AB3KQ9ZT7MXW2LHC", "message")
    assert (old.text, old.entry_code, old.kind) == ("", "AB3KQ9ZT7MXW2LHC", "entry")


NAMES = (
    "message postback referral read mid attachments type payload url is_deleted is_echo app_id quick_reply ref title"
)
ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["share", "ICE_BREAKER"])
SHAPED = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=12,
)


@given(value=SHAPED)
@effort(max_examples=50)
def test_no_event_can_break_the_parser(value: Any) -> None:
    assert parse(value) is not None
    assert DRIVER.parse(body=json.dumps({"entry": value}).encode(), headers={})
