"""From the network's media server over real HTTP to a safe file, and to the page that shows it."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.signing import Signer
from PIL import Image

from demo.pages.pictures import sample_photo
from demo.world import DemoWorld
from post_purchase.jobs.media import fetch_media
from post_purchase.models import Attachment, Contact, ContactPoint, FlowEvent, Message
from post_purchase.services import media as service
from post_purchase.services import privacy
from post_purchase.services.phrases import load
from post_purchase.words import Direction
from shopapp.lib import clock, stored_files
from shopapp.models import Shop
from tests.factories import make_channel, make_contact, make_conversation, make_message, make_point, make_shop
from tests.pretend_world import ENVIRONMENT

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOKEN = "EAADemoWhatsAppToken"
SENTENCES = load("photo_answers")


class Desk:
    """One shopper on WhatsApp who sends files; the demo's Graph API hands them out."""

    def __init__(self, world: DemoWorld) -> None:
        self.world = world
        self.shop = make_shop()
        self.channel = make_channel(self.shop, credentials={"access_token": TOKEN})
        self.contact = make_contact(self.shop)
        self.point = make_point(self.contact)
        self.conversation = make_conversation(self.contact)

    def send(self, *files: bytes, claimed_type: str = "image/jpeg") -> Message:
        message = make_message(self.conversation, "", direction=Direction.IN, point=self.point, channel=self.channel)
        for position, content in enumerate(files):
            kept = self.world.whatsapp.graph.keep_media(content, claimed_type, owner="whatsapp")
            Attachment.objects.create(
                message=message,
                position=position,
                source={"id": kept["id"], "sha256": kept["sha256"]},
                claimed_type=claimed_type,
                next_attempt_at=clock.now(),
            )
        return message

    def photo(self, message: Message, position: int = 0) -> Attachment:
        return Attachment.objects.get(message=message, position=position)

    def answers(self) -> list[str]:
        return list(Message.objects.filter(direction=Direction.OUT).order_by("pk").values_list("text", flat=True))

    def told(self) -> list[FlowEvent]:
        return list(FlowEvent.objects.filter(kind="media_stored").order_by("pk"))


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def desk(at, settings, media) -> Iterator[Desk]:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        world.whatsapp.create_number("106540352242922", token=TOKEN)
        settings.META_GRAPH_ORIGIN = f"{world.url}/graph"
        settings.DEMO, settings.DEMO_WORLD_URL = True, world.url
        yield Desk(world)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "media").rglob("*") if path.is_file())


def test_a_photo_is_kept_safely_and_the_flows_hear_of_it(desk, media):
    message = desk.send(sample_photo())
    fetch_media()
    photo = desk.photo(message)
    assert (photo.status, photo.reason, photo.next_attempt_at, photo.attempts) == ("stored", "", None, 1)
    assert (photo.width, photo.height) == (900, 1200)  # the phone lay on its side
    whole = media / "media" / photo.file
    assert files(media) == sorted([whole, media / "media" / photo.thumbnail])
    assert (photo.bytes, whole.stat().st_mode & 0o777) == (whole.stat().st_size, 0o600)
    image = Image.open(whole)
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (900, 1200), {})
    [event] = desk.told()
    assert event.data == {"attachments": [photo.pk]}
    assert (event.message, event.contact, event.conversation) == (message, desk.contact, desk.conversation)
    assert desk.answers() == []


def test_the_job_twice_changes_nothing(desk, media):
    desk.send(sample_photo())
    fetch_media()
    before = files(media)
    fetch_media()
    assert (files(media), len(desk.told())) == (before, 1)


def test_the_flows_hear_once_when_the_last_file_is_settled(desk, at):
    message = desk.send(sample_photo(), sample_photo(), b"MZ not a photo")
    Attachment.objects.filter(message=message, position=0).update(next_attempt_at=NOON + timedelta(minutes=1))
    fetch_media()
    assert [photo.status for photo in message.attachments.order_by("position")] == ["waiting", "stored", "refused"]
    assert desk.told() == []
    at.move(minutes=1)
    fetch_media()
    assert [event.data["attachments"] for event in desk.told()] == [
        [desk.photo(message, 0).pk, desk.photo(message, 1).pk]
    ]
    assert desk.answers() == [SENTENCES["not_a_photo"]["en"]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><script>alert(1)</script>", "it is no picture, voice message, video or PDF that we know"),
        (b"RIFF\0\0\0\0WEBP" + sample_photo(), "the picture is damaged or incomplete"),
        (sample_photo()[:2000], "the picture is damaged or incomplete"),
    ],
    ids=["page", "polyglot", "half"],
)
def test_what_is_no_photo_is_refused_with_a_kind_word(desk, media, content, reason):
    message = desk.send(content, content)
    fetch_media()
    assert (desk.photo(message).status, desk.photo(message).reason) == ("refused", reason)
    assert (desk.photo(message).file, files(media)) == ("", [])
    [word] = Message.objects.filter(direction=Direction.OUT)  # one for both files
    assert (word.text, word.point, word.fixed_point, word.purpose, word.author) == (
        SENTENCES["not_a_photo"]["en"],
        desk.point,
        True,
        "service",
        "answer",
    )
    assert [event.data for event in desk.told()] == [{"attachments": []}]


def test_the_kind_word_is_in_the_shoppers_language(desk):
    Contact.objects.update(language="de-AT")
    desk.send(b"no photo")
    fetch_media()
    assert desk.answers() == [SENTENCES["not_a_photo"]["de"]]


def test_every_language_has_every_sentence():
    assert {frozenset(sentences) for sentences in SENTENCES.values()} == {
        frozenset({"en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "tr", "ar", "ja", "da"})
    }
    assert set(service.ANSWERS.values()) - {""} <= set(SENTENCES)


def test_while_a_person_answers_the_machine_is_quiet(desk):
    desk.conversation.handed_off_at = NOON
    desk.conversation.save()
    message = desk.send(b"no photo")
    fetch_media()
    assert (desk.photo(message).status, desk.answers(), len(desk.told())) == ("refused", [], 1)


def test_a_logo_in_a_mail_is_dropped_without_a_word(desk):
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, "PNG")
    message = desk.send(out.getvalue())
    fetch_media()
    assert (desk.photo(message).reason, desk.answers()) == ("it is too small to be a photo", [])


def test_a_small_file_with_too_many_pixels_is_told_so(desk):
    out = io.BytesIO()
    Image.new("1", (8000, 5001)).save(out, "PNG")
    message = desk.send(out.getvalue())
    fetch_media()
    assert desk.photo(message).reason == "it has more than 40 million pixels"
    assert desk.answers() == [SENTENCES["too_many_pixels"]["en"]]


def test_a_file_that_says_it_is_large_is_not_fetched(desk):
    message = desk.send(b"\xff\xd8\xff" + b"\0" * 16_000_001)
    fetch_media()
    assert (desk.photo(message).status, desk.photo(message).reason) == ("refused", "The file is larger than 16 MB")
    assert desk.answers() == [SENTENCES["too_large"]["en"]]


def test_a_film_that_is_too_long_is_refused_in_words_that_fit(desk):
    desk.send(bytes(16_000_001), claimed_type="video/mp4")
    fetch_media()
    assert desk.answers() == [SENTENCES["file_too_large"]["en"]]


def test_a_media_server_that_is_away_is_asked_again(desk, at, media):
    desk.world.faults.add("whatsapp.media", "status", status=503)
    message = desk.send(sample_photo())
    fetch_media()
    waiting = desk.photo(message)
    assert (waiting.status, waiting.next_attempt_at) == ("waiting", NOON + timedelta(minutes=1))
    assert waiting.reason != ""  # the driver's own words
    assert (desk.told(), files(media), desk.answers()) == ([], [], [])
    fetch_media()
    assert desk.photo(message).attempts == 1  # not before its time
    at.move(minutes=1)
    fetch_media()
    assert (desk.photo(message).status, desk.photo(message).reason) == ("stored", "")


def test_at_last_the_shopper_is_asked_to_send_it_again(desk, at):
    desk.world.faults.add("whatsapp.media", "status", status=503, times=1000)
    message = desk.send(sample_photo())
    while desk.photo(message).status == "waiting":
        at.to(desk.photo(message).next_attempt_at)
        fetch_media()
    assert (desk.photo(message).status, desk.photo(message).attempts) == ("refused", service.MAX_ATTEMPTS)
    assert timedelta(hours=12) < clock.now() - NOON < timedelta(days=7)
    assert desk.answers() == [SENTENCES["not_fetched"]["en"]]
    assert [event.data for event in desk.told()] == [{"attachments": []}]


def test_a_full_disk_is_waited_for_and_leaves_nothing_behind(desk, at, media, monkeypatch):
    message = desk.send(sample_photo())

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(stored_files.os, "replace", full)
        fetch_media()
    waiting = desk.photo(message)
    assert (waiting.status, waiting.reason) == (
        "waiting",
        "There is no place for photos: No space left on device",
    )
    assert (files(media), desk.told()) == ([], [])
    at.move(seconds=15)
    fetch_media()
    assert (desk.photo(message).status, len(files(media))) == ("stored", 2)


def test_a_worker_killed_after_writing_the_files_leaves_no_orphans(desk, at, media, monkeypatch):
    message = desk.send(sample_photo())

    class Killed(BaseException):
        pass

    def die(*args: object, **more: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(service, "_finish", die)
        with pytest.raises(Killed):
            fetch_media()
    written = files(media)
    assert (len(written), desk.photo(message).status, desk.told()) == (2, "waiting", [])
    fetch_media()
    assert desk.photo(message).status == "waiting"  # its lease is not over
    at.move(minutes=5)
    fetch_media()
    assert (desk.photo(message).status, files(media), len(desk.told())) == ("stored", written, 1)


def test_a_file_that_stops_every_worker_is_given_up(desk, at):
    message = desk.send(sample_photo())
    for _ in range(service.MAX_DEATHS):
        assert service._claim() is not None
        assert service._claim() is None
        at.move(minutes=5)
    fetch_media()
    assert (desk.photo(message).status, len(desk.told())) == ("refused", 1)


def test_a_photo_erased_while_it_is_fetched_leaves_no_file(desk, media, monkeypatch):
    message = desk.send(sample_photo())
    really = service.make_safe

    def meanwhile(content: bytes):
        privacy.erase_person(privacy.Person(shop=desk.shop, email="", customer_id=4711))
        return really(content)

    Contact.objects.filter(pk=desk.contact.pk).update(shopify_customer_id=4711)
    monkeypatch.setattr(service, "make_safe", meanwhile)
    fetch_media()
    assert not Attachment.objects.filter(message=message).exists()
    assert (files(media), desk.told(), desk.answers()) == ([], [], [])


def test_a_shop_that_has_left_is_settled_without_a_call(desk):
    message = desk.send(sample_photo())
    Shop.objects.update(status="uninstalled")
    desk.world.faults.add("whatsapp.media", "status", status=503)
    fetch_media()
    assert desk.photo(message).reason == "the app is no longer installed in this shop"
    assert (len(desk.world.faults.waiting), desk.answers()) == (1, [])


def test_a_channel_that_is_gone_is_said(desk):
    message = desk.send(sample_photo())
    Message.objects.filter(pk=message.pk).update(channel=None)
    fetch_media()
    assert desk.photo(message).reason == "the channel that it came by is no longer connected"


def test_whoever_lost_the_point_is_not_answered(desk):
    desk.send(b"no photo")
    ContactPoint.objects.all().delete()
    fetch_media()
    assert (desk.answers(), len(desk.told())) == ([], 1)


class TestPage:
    @pytest.fixture
    def photo(self, desk) -> Attachment:
        message = desk.send(sample_photo())
        fetch_media()
        return desk.photo(message)

    def test_a_signed_address_shows_the_photo_and_nothing_else(self, photo, client):
        whole = client.get(service.signed_media_url(photo))
        small = client.get(service.signed_media_url(photo, thumbnail=True))
        for answer, size in ((whole, (900, 1200)), (small, (360, 480))):
            assert answer.status_code == 200
            assert answer["Content-Type"] == "image/jpeg"
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert answer["Cache-Control"] == "private, max-age=3600"
            assert Image.open(io.BytesIO(answer.getvalue())).size == size

    def test_the_address_is_the_same_within_the_hour_and_dies_after_two(self, photo, client, at):
        url = service.signed_media_url(photo)
        at.move(minutes=59)
        assert service.signed_media_url(photo) == url
        at.move(minutes=60)
        assert service.signed_media_url(photo) != url
        assert client.get(url).status_code == 200
        at.move(minutes=1)
        assert client.get(url).status_code == 404

    @pytest.mark.parametrize("signed", ["1.w.999999", "1.w.999999:AAAA", "x", "..%2f..%2fetc%2fpasswd"])
    def test_a_forged_address_shows_nothing(self, photo, client, signed):
        assert client.get(f"/media/{signed}").status_code == 404

    def test_another_signature_of_ours_is_not_enough(self, photo, client):
        hour = int(NOON.timestamp()) // 3600 + 2
        assert client.get(f"/media/{Signer(salt='other').sign(f'{photo.pk}.w.{hour}')}").status_code == 404

    def test_only_looking_is_allowed(self, photo, client):
        assert client.post(service.signed_media_url(photo)).status_code == 405
        assert client.head(service.signed_media_url(photo)).status_code == 200

    def test_what_is_erased_or_of_a_shop_that_left_is_not_shown(self, photo, client, media):
        url = service.signed_media_url(photo)
        Shop.objects.update(status="uninstalled")
        assert client.get(url).status_code == 404
        Shop.objects.update(status="installed")
        assert client.get(url).status_code == 200
        stored_files.delete([photo.file])
        assert client.get(url).status_code == 404
        Attachment.objects.update(status="refused")
        assert client.get(service.signed_media_url(photo, thumbnail=True)).status_code == 404

    def test_no_path_leads_out_of_the_folder(self, photo, client, media):
        (media / "secret.jpg").write_bytes(b"secret")
        Attachment.objects.update(file="../secret.jpg")
        assert client.get(service.signed_media_url(photo)).status_code == 404
        stored_files.delete(["../secret.jpg"])
        assert (media / "secret.jpg").exists()
