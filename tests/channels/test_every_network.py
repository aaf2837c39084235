"""The same on each network, through its own strict stand-in: a chat for tests, a voice message in, a PDF out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

import pytest

from demo.pages.recordings import sample_voice
from demo.settle import INSTAGRAM, MESSENGER, SMS, TELEGRAM, WHATSAPP
from post_purchase.channels.base import Button, OutMessage
from post_purchase.jobs.flows import handle_events
from post_purchase.jobs.media import fetch_media
from post_purchase.models import Attachment, Channel, Contact, ContactPoint, Conversation, FlowEvent, Message
from post_purchase.models import Tester as OwnChat  # pytest would take it for tests
from post_purchase.services import conversations, testers, trial_sends
from post_purchase.services.channels import connect_channel
from post_purchase.services.file_safety import SafeFile
from post_purchase.services.phrases import load
from post_purchase.services.trial_sends import NotSent
from tests.channels.talks import Talk, talking
from tests.talk.test_file_safety import PDF

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOW_TO_CONNECT = {
    "whatsapp": (WHATSAPP["account_id"], {"access_token": WHATSAPP["token"], "waba_id": WHATSAPP["waba_id"]}),
    "messenger": (MESSENGER["account_id"], {"access_token": MESSENGER["token"]}),
    "instagram": ("", INSTAGRAM),
    "telegram": ("", TELEGRAM),
    "sms": (SMS["account_id"], {name: value for name, value in SMS.items() if name != "account_id"}),
}
IN_A_WINDOW = ("whatsapp", "messenger", "instagram")


@pytest.fixture
def talk(db: None, settings: Any, media: Any) -> Iterator[Talk]:
    with talking(settings, NOON) as talk:
        settings.DEMO, settings.DEMO_WORLD_URL = True, talk.world.url  # photos come from there
        talk.world.whatsapp.create_number()
        talk.world.messenger.create_page()
        talk.world.instagram.create_account()
        talk.world.telegram.create_bot()
        talk.world.sms.create_number()
        yield talk


def connect(talk: Talk, kind: str) -> Channel:
    account_id, credentials = HOW_TO_CONNECT[kind]
    return connect_channel(shop=talk.shop, kind=kind, account_id=account_id, credentials=credentials)


def buttons_of(shown: dict[str, Any]) -> list[str]:
    return [each["id"] for each in shown["buttons"]]


@pytest.mark.parametrize("kind", HOW_TO_CONNECT)
def test_a_chat_of_the_merchants_own_gets_tests_and_is_counted_nowhere(talk: Talk, kind: str) -> None:
    before = [model.objects.count() for model in (Contact, ContactPoint, Conversation, Message, FlowEvent)]
    network = getattr(talk.world, kind)
    channel = connect(talk, kind)
    person = network.create_person("Mia Merchant")
    tester = testers.ask_for_code(channel=channel, user="42")
    network.write(person, f"Hello, {testers.code_of(tester)}")
    assert talk.carry() == [200]
    tester.refresh_from_db()
    assert tester.address != ""
    question = OutMessage(
        text="How was it?", buttons=[Button(id="f1:rate:5", title="5"), Button(id="x:y", title="Later")]
    )
    trial_sends.to_my_chat(tester=tester, contents=[question, OutMessage(text="And this comes after it.")])
    first, second = network.received(person)[-2:]
    assert first["text"].startswith("Test: How was it?")
    assert second["text"] == "Test: And this comes after it."
    for button in buttons_of(first):
        assert button.startswith("test:") or kind == "telegram"  # Telegram shortens long ids, not what they say
        network.tap(person, first["id"], button)
        talk.carry()
    if not buttons_of(first):  # a text message has none
        assert kind == "sms"
    after = [model.objects.count() for model in (Contact, ContactPoint, Conversation, Message, FlowEvent)]
    assert after == before
    talk.at.move(days=8)
    if kind in IN_A_WINDOW:
        with pytest.raises(NotSent, match="Send “test” to your shop"):
            trial_sends.to_my_chat(tester=tester, contents=[question])
    network.write(person, "Test")
    talk.carry()
    trial_sends.to_my_chat(tester=OwnChat.objects.get(), contents=[OutMessage(text="Later")])
    assert network.received(person)[-1]["text"] == "Test: Later"
    assert [model.objects.count() for model in (Contact, ContactPoint, Conversation, Message, FlowEvent)] == before


@pytest.mark.parametrize("kind", HOW_TO_CONNECT)
def test_a_voice_message_reaches_the_team(talk: Talk, kind: str) -> None:
    network = getattr(talk.world, kind)
    connect(talk, kind)
    person = network.create_person("Ada Berg")
    network.write(person, f"Hello {talk.code[:4]}-{talk.code[4:8]}-{talk.code[8:12]}-{talk.code[12:]}")
    talk.carry()
    network.send_file(person, sample_voice(), mime_type="audio/mpeg")
    assert set(talk.carry()) == {200}
    handle_events()
    fetch_media()
    talk.carry()
    kept = Attachment.objects.get()
    assert (kept.status, kept.file[-4:], kept.reason) == ("stored", ".mp3", "")
    assert network.received(person)[-1]["text"] == load("phrases")["promised"]["en"]


@pytest.mark.parametrize("kind", ["whatsapp", "messenger", "telegram"])
def test_a_pdf_of_the_team_arrives_whole_and_by_its_name(talk: Talk, kind: str) -> None:
    network = getattr(talk.world, kind)
    connect(talk, kind)
    person = network.create_person("Ada Berg")
    network.write(person, f"Hello {talk.code[:4]}-{talk.code[4:8]}-{talk.code[8:12]}-{talk.code[12:]}")
    talk.carry()
    message = conversations.reply_as_person(
        conversation=Conversation.objects.get(),
        text="Your return label",
        user_id="42",
        dedupe_key="reply:1",
        file=SafeFile(PDF, ".pdf"),
        file_name="C:\\labels\\Return label #1001.PDF",
    )
    talk.at.move(seconds=10)
    talk.carry()
    message.refresh_from_db()
    assert (message.status in ("sent", "delivered", "read"), message.reason) == (True, "")
    shown = network.received(person)[-2:]
    document = next(each["document"] for each in shown if "document" in each)
    assert "Your return label" in [each["text"] for each in shown]
    if kind == "whatsapp":
        assert document["name"] == "Return label #1001.pdf"
    with urlopen(document["url"]) as reply:
        assert reply.read() == PDF
