"""A voice message, a video, a PDF: kept, played to the team, promised a person; never taken for an answer."""

from datetime import UTC, datetime

import pytest

from demo.pages.recordings import PLACE, opus_page, sample_film, sample_voice
from post_purchase.channels.base import MediaPart
from post_purchase.jobs import flows as jobs
from post_purchase.jobs.media import fetch_media
from post_purchase.models import Attachment, Conversation, FlowRun, TeamAlert
from post_purchase.services import privacy
from post_purchase.services.media import signed_media_url
from post_purchase.services.phrases import load
from post_purchase.words import Direction, EventKind
from shopapp.lib import clock
from tests.factories import make_message
from tests.flows.test_runs import World
from tests.talk.test_answers import Talk
from tests.talk.test_file_safety import PDF
from tests.talk.test_media import Desk, desk, files

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VOICE = (MediaPart({"id": "1"}, "audio/ogg; codecs=opus"),)
PROMISE = load("phrases")["promised"]["en"]
__all__ = ["desk"]


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.mark.parametrize(
    ("content", "claimed", "kind"),
    [
        (sample_voice(), "audio/mpeg", "audio/mpeg"),
        (opus_page(), "audio/ogg; codecs=opus", "audio/ogg"),
        (sample_film(), "video/mp4", "video/mp4"),
        (PDF, "application/pdf", "application/pdf"),
        (sample_voice(), "image/jpeg", "audio/mpeg"),  # what it claims to be is not asked
    ],
)
def test_it_is_kept_and_shown_to_the_team_for_what_it_is(desk: Desk, media, client, content, claimed, kind):
    message = desk.send(content, claimed_type=claimed)
    fetch_media()
    kept = desk.photo(message)
    assert (kept.status, kept.reason, kept.thumbnail, desk.answers()) == ("stored", "", "", [])
    assert [event.data for event in desk.told()] == [{"attachments": []}]  # no photo of a review
    shown = client.get(signed_media_url(kept))
    assert (shown.status_code, shown["Content-Type"], shown["X-Content-Type-Options"]) == (200, kind, "nosniff")
    assert "sandbox" in shown["Content-Security-Policy"]
    assert b"".join(shown) == (media / "media" / kept.file).read_bytes()
    assert shown.get("Content-Disposition", "").startswith("attachment") == (kind == "application/pdf")


def test_where_a_video_was_taken_is_not_kept(desk: Desk, media):
    desk.send(sample_film(), claimed_type="video/mp4")
    fetch_media()
    [stored] = files(media)
    assert PLACE not in stored.read_bytes()


def test_it_goes_with_its_owner(desk: Desk, media):
    desk.send(sample_voice(), PDF, claimed_type="audio/mpeg")
    fetch_media()
    assert len(files(media)) == 2
    privacy.erase_person(privacy.Person(shop=desk.shop, contact_ids=(desk.contact.pk,)))
    assert (files(media), Attachment.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("asked", "status", "told", "first", "length"),
    [
        ("bytes=0-9", 206, "bytes 0-9/{size}", 0, 10),
        ("bytes=100-", 206, "bytes 100-{last}/{size}", 100, None),
        ("bytes=5-999999999", 206, "bytes 5-{last}/{size}", 5, None),
        ("bytes=999999999-", 416, "bytes */{size}", 0, 0),
        ("bytes=9-5", 200, None, 0, None),
        ("bytes=-500", 200, None, 0, None),
        ("bytes=0-1,5-6", 200, None, 0, None),
        ("pages=1-2", 200, None, 0, None),
    ],
)
def test_players_get_the_parts_that_they_ask_for(desk: Desk, client, asked, status, told, first, length):
    desk.send(sample_voice(), claimed_type="audio/mpeg")
    fetch_media()
    address = signed_media_url(Attachment.objects.get())
    whole = b"".join(client.get(address))
    shown = client.get(address, headers={"range": asked})
    body = b"".join(shown) if status != 416 else b""
    assert shown.status_code == status
    assert shown.get("Content-Range") == (told and told.format(size=len(whole), last=len(whole) - 1))
    assert body == whole[first : len(whole) if length is None else first + length]


def test_a_part_is_never_the_whole_of_a_large_file(desk: Desk, client):
    desk.send(sample_voice(seconds=90), claimed_type="audio/mpeg")
    fetch_media()
    shown = client.get(signed_media_url(Attachment.objects.get()), headers={"range": "bytes=0-"})
    assert (shown.status_code, len(shown.content)) == (206, 1_000_000)


def test_a_voice_message_is_promised_a_person_and_the_team_hears_of_it():
    talk = Talk()
    talk.says("", media=VOICE)
    assert Conversation.objects.get().last_text == "Voice message"
    jobs.handle_events()
    assert talk.answers() == [PROMISE]
    assert [alert.reason for alert in TeamAlert.objects.all()] == ["The shopper sent a voice message"]


def test_it_is_no_answer_to_a_flows_question():
    world = World()
    world.deliver()
    clock.Frozen().move(days=8)
    jobs.handle_timers()
    run = FlowRun.objects.get(flow__key="photo_review")
    message = make_message(world.conversation, "", direction=Direction.IN, point=world.point)
    data = {"text": "", "button_id": "", "has_media": False, "handled": False, "only_files": True}
    world.tell(EventKind.MESSAGE_RECEIVED, order=None, message=message, conversation=world.conversation, data=data)
    before, after = run, FlowRun.objects.get(pk=run.pk)
    assert (after.sequence, after.state) == (before.sequence, before.state)
    world.write("excellent I think")  # words would have been
    assert FlowRun.objects.get(pk=run.pk).sequence > before.sequence
