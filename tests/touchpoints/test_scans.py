"""Scans leave the door as lines in a file and are counted once, whoever is killed on the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError

from post_purchase.jobs.scans import ingest_scans
from post_purchase.models import Scan
from post_purchase.services import links, scans
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests.factories import make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(media):
    return links.shop_link(touchpoint=links.touchpoint_of(shop=make_shop(), kind=TouchpointKind.PACKAGE_INSERT))[0]


def tapped(link, **fields):
    defaults = {"scan_id": scans.new_scan_id(), "link_id": link.pk, "at": clock.now().isoformat(), "device": "ios"}
    return scans.Tapped(**(defaults | fields))


def files(media: Path) -> list[str]:
    return sorted(path.suffix for path in (media / "spool").iterdir())


def test_spooled_scans_become_rows_and_the_files_go(link, media):
    for _ in range(3):
        scans.spool(tapped(link))
    assert Scan.objects.count() == 0
    assert files(media) == [".spool"]
    ingest_scans()
    ingest_scans()
    assert Scan.objects.filter(link=link, device="ios", robot=False).count() == 3
    assert files(media) == []


def test_a_process_goes_on_writing_after_its_file_was_taken(link, media):
    scans.spool(tapped(link))
    ingest_scans()
    scans.spool(tapped(link))
    ingest_scans()
    assert Scan.objects.count() == 2


def test_a_reader_that_dies_before_it_deletes_the_file_counts_nothing_twice(link, media, monkeypatch):
    scans.spool(tapped(link))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _killed)
        with pytest.raises(SystemExit):
            ingest_scans()
    assert files(media) == [".batch"]
    ingest_scans()
    assert Scan.objects.count() == 1
    assert files(media) == []


def _killed(*args, **kwargs):
    raise SystemExit


def test_a_database_that_is_away_loses_nothing(link, media, monkeypatch):
    scans.spool(tapped(link))
    with monkeypatch.context() as patch:
        patch.setattr(Scan.objects, "bulk_create", _away)
        with pytest.raises(DatabaseError):
            ingest_scans()
    ingest_scans()
    assert Scan.objects.count() == 1


def _away(*args, **kwargs):
    raise DatabaseError("away")


def test_what_a_killed_process_wrote_is_counted_and_its_torn_line_is_not(link, media):
    whole = tapped(link)
    program = (
        "import os, signal, django; django.setup()\n"
        "from post_purchase.services import scans\n"
        f"scans.spool(scans.Tapped(scan_id={whole.scan_id!r}, link_id={link.pk}, at={whole.at!r}))\n"
        'os.write(scans._spool.fd, b\'{"scan_id": "torn\')\n'
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"SPOOL_DIR": str(media / "spool"), "DJANGO_SETTINGS_MODULE": "shopapp.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=False)
    assert done.returncode == -9
    ingest_scans()
    assert list(Scan.objects.values_list("scan_id", flat=True)) == [whole.scan_id]


def test_the_first_scan_of_a_person_shows_that_the_touchpoint_is_placed(link, media):
    scans.spool(tapped(link, robot=True))
    ingest_scans()
    link.touchpoint.refresh_from_db()
    assert link.touchpoint.first_scan_at is None
    scan = tapped(link)
    scans.spool(scan)
    scans.spool(tapped(link))
    ingest_scans()
    link.touchpoint.refresh_from_db()
    assert link.touchpoint.first_scan_at.isoformat() == scan.at


def test_a_choice_on_the_chooser_is_the_same_visit(link, media):
    seen = tapped(link, device="desktop")
    scans.spool(seen)
    scans.spool(tapped(link, scan_id=seen.scan_id, channel_kind="email", chosen=True))
    ingest_scans()
    assert list(Scan.objects.values_list("scan_id", "channel_kind")) == [(seen.scan_id, "email")]


def test_a_link_that_is_gone_is_passed_over(link, media):
    scans.spool(tapped(link, link_id=link.pk + 1000))
    scans.spool(tapped(link))
    ingest_scans()
    assert Scan.objects.count() == 1


def test_a_disk_that_refuses_costs_the_scan_and_nothing_else(link, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.SPOOL_DIR = blocked / "spool"
    scans.spool(tapped(link))
    assert Scan.objects.count() == 0


def test_where_no_worker_shares_the_disk_the_web_process_takes_them_in(client, shop, card, settings, monkeypatch):
    monkeypatch.setattr(scans, "wake", lambda job: None)  # the worker is on another machine
    keeper = scans._Keeper()
    client.get(f"/c/{card}")
    assert keeper.look() == 0  # one beside us would have been faster
    assert keeper.look() == 1
    assert Scan.objects.count() == 1
    assert keeper.look() == keeper.look() == 0
    started = []
    monkeypatch.setattr(scans.keeper, "start", lambda: started.append(1))
    settings.SPOOL_KEEPER = True
    client.get(f"/c/{card}", headers={"X-Forwarded-For": "10.1.2.3"})
    assert started == [1]
