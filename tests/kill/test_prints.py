"""SIGKILL in the middle of a print run: afterwards each code is there once, and the file is whole."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from post_purchase.jobs.printing import make_prints
from post_purchase.models import Link, PrintFile
from post_purchase.services import print_batches, print_files
from post_purchase.services.links import link_url, touchpoint_of
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.kill.harness import in_child

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 10
CARDS = 30


def ordered() -> PrintFile:
    shop = factories.make_shop()
    card = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    batch = print_batches.create_batch(touchpoint=card, quantity=CARDS, name="Run", form="csv")
    return batch.files.get()


def test_a_run_killed_anywhere_is_made_whole(media, monkeypatch):
    monkeypatch.setattr(print_batches, "AT_ONCE", 7)
    monkeypatch.setattr(print_files, "NOTE_EVERY", 5)
    with clock.frozen(NOON) as at:
        ordered()
        killed, lines = in_child(make_prints)
        assert not killed
        killed_at_all = 0
        for point in range(POINTS):
            file = ordered()
            was_killed, _ = in_child(make_prints, kill_at=1 + point * (lines - 1) // POINTS)
            killed_at_all += was_killed
            at.move(minutes=5)
            make_prints()
            file.refresh_from_db()
            found = print_files.content_of(file)
            assert found is not None, (point, file.status, file.error)
            with found:
                rows = list(csv.DictReader(io.StringIO(found.read().decode())))
            codes = [print_batches.code_of(file.batch, number) for number in range(1, CARDS + 1)]
            assert [row["code_content"] for row in rows] == [link_url(code).upper() for code in codes]
            numbers = Link.objects.filter(batch=file.batch).order_by("number").values_list("number", flat=True)
            assert list(numbers) == list(range(1, CARDS + 1))
            assert not list((Path(settings.MEDIA_ROOT) / file.file).parent.glob("*.part"))
        assert killed_at_all == POINTS
