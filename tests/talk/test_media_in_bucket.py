"""Photos and print files where a bucket holds them: the same promises, and an outage loses and keeps nothing."""

from datetime import UTC, datetime

import pytest

from demo.pages.pictures import sample_photo
from demo.world import DemoWorld
from post_purchase.jobs.files import remove_files
from post_purchase.jobs.media import fetch_media
from post_purchase.jobs.printing import make_prints
from post_purchase.models import Attachment, FileRemoval
from post_purchase.services import media as service
from post_purchase.services import print_batches, print_files, privacy
from post_purchase.services.links import touchpoint_of
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests.bucket import bucket, names, no_bucket
from tests.pretend_world import ENVIRONMENT
from tests.talk.test_media import TOKEN, Desk

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def desk(at, settings):
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        world.whatsapp.create_number("106540352242922", token=TOKEN)
        settings.META_GRAPH_ORIGIN = f"{world.url}/graph"
        settings.DEMO, settings.DEMO_WORLD_URL = True, world.url
        yield Desk(world)


@pytest.fixture
def store(monkeypatch):
    with bucket(monkeypatch) as client:
        yield client


def erase(desk: Desk) -> None:
    privacy.erase_person(privacy.Person(shop=desk.shop, contact_ids=[desk.contact.pk]))


def test_a_photo_is_stored_shown_and_erased(desk, store, client):
    photo = desk.photo(desk.send(sample_photo()))
    fetch_media()
    photo.refresh_from_db()
    assert names(store) == sorted(f"shop/{name}" for name in (photo.file, photo.thumbnail))
    seen = client.get(service.signed_media_url(photo))
    assert (seen.status_code, seen["Content-Type"], seen["Content-Length"]) == (200, "image/jpeg", str(photo.bytes))
    assert b"".join(seen.streaming_content).startswith(b"\xff\xd8")
    erase(desk)
    assert (names(store), FileRemoval.objects.count(), Attachment.objects.count()) == ([], 0, 0)
    assert client.get(service.signed_media_url(photo)).status_code == 404


def test_a_photo_waits_for_a_bucket_that_is_away(desk, store, at, monkeypatch):
    message = desk.send(sample_photo())
    with no_bucket(monkeypatch):
        fetch_media()
    waiting = desk.photo(message)
    assert waiting.status == "waiting"
    assert waiting.reason == "There is no place for photos: the bucket did not answer (EndpointConnectionError)"
    at.move(seconds=15)
    fetch_media()
    assert (desk.photo(message).status, len(names(store))) == ("stored", 2)


def test_what_is_erased_while_the_bucket_is_away_goes_when_it_is_back(desk, store, client, at, monkeypatch):
    photo = desk.photo(desk.send(sample_photo()))
    fetch_media()
    photo.refresh_from_db()
    with no_bucket(monkeypatch):
        away = client.get(service.signed_media_url(photo))
        assert (away.status_code, away["Cache-Control"], away["Retry-After"]) == (503, "no-store", "30")
        erase(desk)
    assert client.get(service.signed_media_url(photo)).status_code == 404
    assert (Attachment.objects.count(), FileRemoval.objects.count(), len(names(store))) == (0, 2, 2)
    at.move(minutes=6)
    ready = client.get("/health/ready").json()
    assert "fileremoval: the oldest due row has waited 360 s" in ready["problems"]
    remove_files()
    assert (FileRemoval.objects.count(), names(store)) == (0, [])


def test_a_print_run_is_made_downloaded_and_forgotten_with_its_shop(desk, store, at, monkeypatch):
    card = touchpoint_of(shop=desk.shop, kind=TouchpointKind.PACKAGE_INSERT)
    batch = print_batches.create_batch(touchpoint=card, quantity=5, name="Autumn", form="csv")
    with no_bucket(monkeypatch):
        make_prints()
    file = batch.files.get()
    assert file.error == "The file could not be written: the bucket did not answer (EndpointConnectionError)"
    at.move(minutes=4)
    make_prints()
    file.refresh_from_db()
    with print_files.content_of(file) as content:
        assert content.read().count(b"\n") == 6
    assert len(names(store)) == 1
    desk.shop.status = "uninstalled"
    desk.shop.save()
    privacy.erase_shop(shop=desk.shop, requested_at=clock.now())
    assert names(store) == []
