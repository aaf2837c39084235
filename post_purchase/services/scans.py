"""Scans on their way to the database: the redirect appends a line to its process's file, a job inserts batches.

A file is only moved away under its lock, which a writer holds while it appends, so no line goes into a taken file.
`scan_id` is made at the door and unique in the table: a batch that is read twice (its reader was killed before the file
was deleted) is counted once. So is a person who taps a link ten times a day (services.visits). Files of processes that
have died are taken like all others.
"""

import contextlib
import fcntl
import json
import logging
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q

from post_purchase.models import Link, Scan, Touchpoint
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

log = logging.getLogger("post_purchase.scans")
BATCH = 1000
WAKE_EVERY = 2.0  # seconds; the sweep finds the rest
MAX_SECONDS = 100.0
KEEP_EVERY = 15.0  # seconds
LOOK_AGAIN = 600.0  # seconds
KNOWN_WITHIN = timedelta(hours=1)  # an order's webhook comes in seconds, what was missed is fetched within minutes
LINK_FIELDS = ("touchpoint_id", "order_id", "checkout_token_hash")


@dataclass(frozen=True)
class Tapped:
    """One line of a spool file. `chosen`: the visit of an earlier scan, now with the channel that the person picked.

    `missed`: hash of an order's code in an e-mail that was not known at the door; `link_id` is then the shop's own.
    """

    scan_id: str  # 32 hex digits
    link_id: int
    at: str  # ISO 8601 with offset
    device: str = ""
    language: str = ""
    channel_kind: str = ""
    robot: bool = False
    chosen: bool = False
    picked: bool = False  # the person named the channel, on the chooser or by a button
    person: str = ""  # services.visits.person_of
    source: str = ""  # EmailTemplate's letter
    test: bool = False
    missed: str = ""
    nowhere: bool = False  # the link had expired, or nobody could chat there


FIELDS = frozenset(field.name for field in fields(Tapped))


def new_scan_id() -> str:
    return uuid.uuid4().hex


class _Spool:
    """The file that this process appends to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.fd = -1
        self.pid = 0
        self.path = Path()
        self.inode = 0
        self.woken = 0.0

    def append(self, line: bytes) -> None:
        with self.lock:
            if self.pid != os.getpid() or self.path.parent != settings.SPOOL_DIR:
                self.fd = -1  # after a fork the parent's file is not ours; it stays open there
                self.pid = os.getpid()
            while True:
                if self.fd < 0:
                    self.open()
                fcntl.flock(self.fd, fcntl.LOCK_EX)
                try:
                    if self.still_there():
                        os.write(self.fd, line)
                        break
                finally:
                    fcntl.flock(self.fd, fcntl.LOCK_UN)
                os.close(self.fd)
                self.fd = -1
        now = time.monotonic()
        if now - self.woken > WAKE_EVERY:
            self.woken = now
            wake(Job.INGEST_SCANS)

    def open(self) -> None:
        settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True)
        self.path = settings.SPOOL_DIR / f"scans-{os.getpid()}-{uuid.uuid4().hex}.spool"
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.inode = os.fstat(self.fd).st_ino

    def still_there(self) -> bool:
        try:
            return os.stat(self.path).st_ino == self.inode  # not used again while we hold the file open
        except FileNotFoundError:
            return False


class _Keeper:
    """Where web and worker share no disk, the process that wrote the lines takes them in itself.

    A file that is still there at the second look has no other reader: where a worker is beside, that hardly happens.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.seen: set[str] = set()

    def start(self) -> None:
        if self.pid != os.getpid():
            self.pid = os.getpid()
            threading.Thread(target=self.run, name="scans", daemon=True).start()

    def run(self) -> None:
        while True:
            time.sleep(KEEP_EVERY)
            try:
                self.look()
            except (DatabaseError, InterfaceError, OSError):
                log.exception("scans.kept")  # the files stay; the next look tries again
            finally:
                connection.close()

    def look(self) -> int:
        kinds = ("spool", "batch")
        found = [path for kind in kinds for path in settings.SPOOL_DIR.glob(f"scans-*.{kind}")]
        here = {path.name for path in [*found, *_due_again(settings.SPOOL_DIR)]}
        left, self.seen = here & self.seen, here
        return ingest_due() if left else 0


_spool = _Spool()
keeper = _Keeper()


def spool(tapped: Tapped) -> None:
    """Append one scan. A full or missing disk costs the scan, never the shopper's way into the chat."""
    try:
        _spool.append(_line(tapped))
        if settings.SPOOL_KEEPER:
            keeper.start()
    except OSError:
        log.exception("scans.spool_failed", extra={"link": tapped.link_id})


def ingest_due() -> int:
    """Insert every spooled scan and delete the files. Returns how many scans were new."""
    started = time.monotonic()
    new = 0
    for batch in _take_files():
        new += _ingest(batch)
        batch.unlink(missing_ok=True)
        if time.monotonic() - started > MAX_SECONDS:
            wake(Job.INGEST_SCANS)
            break
    return new


def _take_files() -> Iterator[Path]:
    """Batches that a killed reader left behind, then what the writers have filled, moved away under their locks."""
    folder = settings.SPOOL_DIR
    if not folder.is_dir():
        return
    for path in _due_again(folder):
        with contextlib.suppress(FileNotFoundError):  # another reader was faster
            path.rename(path.with_suffix(".batch"))
    yield from sorted(folder.glob("scans-*.batch"))
    for path in sorted(folder.glob("scans-*.spool")):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # another reader was faster
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            batch = path.with_suffix(".batch")
            path.rename(batch)
        except FileNotFoundError:
            continue
        finally:
            os.close(fd)  # lets the lock go
        yield batch


def _due_again(folder: Path) -> list[Path]:
    """What `_put_aside` left, and is to be looked at now."""
    found: list[Path] = []
    for path in sorted(folder.glob("scans-*.later")):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LOOK_AGAIN:
                found.append(path)
    return found


def _ingest(path: Path) -> int:
    new = 0
    lines: list[Tapped] = []
    later: list[Tapped] = []
    try:
        with path.open("rb") as file:
            for raw in file:
                tapped = _read(raw)
                if tapped:
                    lines.append(tapped)
                if len(lines) >= BATCH:
                    new += _insert(lines, later)
                    lines = []
    except FileNotFoundError:
        return new
    new += _insert(lines, later) if lines else 0
    if later:  # before the batch is deleted: after a kill between the two, each is counted once all the same
        _put_aside(path, later)
    return new


def _put_aside(path: Path, lines: list[Tapped]) -> None:
    """Whole or not at all; a second reader of the same batch puts the same lines into the same place."""
    handle, half = tempfile.mkstemp(dir=path.parent, prefix="half-")
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(_line(tapped) for tapped in lines))
    os.replace(half, path.with_suffix(".later"))


def _line(tapped: Tapped) -> bytes:
    return json.dumps(vars(tapped), separators=(",", ":")).encode() + b"\n"


def _read(raw: bytes) -> Tapped | None:
    try:
        values: dict[str, Any] = json.loads(raw)
        datetime.fromisoformat(values["at"])
        known = {name: value for name, value in values.items() if name in FIELDS}  # a newer process may say more
        return Tapped(**known)
    except (ValueError, TypeError, KeyError):
        log.warning("scans.torn_line")  # its writer was killed in the middle
        return None


def _insert(lines: list[Tapped], later: list[Tapped]) -> int:
    with transaction.atomic():
        lines = _resolve_missed(lines, later)
        wanted = {tapped.link_id for tapped in lines}
        links = {link.pk: link for link in Link.objects.filter(pk__in=wanted).only(*LINK_FIELDS)}
        alive = [tapped for tapped in lines if tapped.link_id in links]  # redacted meanwhile: nothing to count
        ids = {tapped.scan_id for tapped in alive}
        known = Scan.objects.filter(scan_id__in=ids).count()
        # Unique in the table are the scan and the person of a link and day: what is there already is passed over.
        Scan.objects.bulk_create(
            [_row(tapped, links[tapped.link_id].touchpoint_id) for tapped in alive], ignore_conflicts=True
        )
        for tapped in alive:
            if tapped.channel_kind and (tapped.chosen or tapped.picked):
                _note_choice(tapped, links[tapped.link_id])
        _mark_placed([tapped for tapped in alive if not tapped.robot and not tapped.test], links)
        return Scan.objects.filter(scan_id__in=ids).count() - known


def _resolve_missed(lines: list[Tapped], later: list[Tapped]) -> list[Tapped]:
    """An e-mail may be opened before its order is here: those are looked at again `later`.

    What is not known after an hour is a test e-mail or a preview.
    """
    missed = {tapped.missed for tapped in lines if tapped.missed}
    if not missed:
        return lines
    found = {link.code_hash: link for link in Link.objects.filter(code_hash__in=missed)}
    shops = dict(
        Link.objects.filter(pk__in={tapped.link_id for tapped in lines if tapped.missed}).values_list("pk", "shop_id")
    )
    resolved: list[Tapped] = []
    for tapped in lines:
        link = found.get(tapped.missed) if tapped.missed else None
        if link is not None and link.shop_id == shops.get(tapped.link_id):
            tapped = replace(tapped, link_id=link.pk)
        elif tapped.missed and clock.now() - datetime.fromisoformat(tapped.at) < KNOWN_WITHIN:
            later.append(tapped)
            continue
        elif tapped.missed:
            tapped = replace(tapped, test=True)
        resolved.append(tapped)
    return resolved


def _note_choice(tapped: Tapped, link: Link) -> None:
    """The visit now has its channel, and an order's link remembers it for the next time."""
    visit = Q(scan_id=tapped.scan_id)
    if tapped.person:
        visit |= Q(person=tapped.person)
    Scan.objects.filter(visit, link=link, channel_kind="").update(channel_kind=tapped.channel_kind)
    if tapped.picked and not tapped.robot and (link.order_id or link.checkout_token_hash):
        Link.objects.filter(pk=link.pk).update(chosen_kind=tapped.channel_kind)


def _row(tapped: Tapped, touchpoint_id: int) -> Scan:
    return Scan(
        link_id=tapped.link_id,
        touchpoint_id=touchpoint_id,
        person=tapped.person[:24],
        scan_id=tapped.scan_id,
        scanned_at=datetime.fromisoformat(tapped.at),
        device=tapped.device[:16],
        language=tapped.language[:16],
        channel_kind=tapped.channel_kind[:16],
        source=tapped.source[:1],
        robot=tapped.robot,
        test=tapped.test,
        nowhere=tapped.nowhere,
    )


def _mark_placed(lines: list[Tapped], links: dict[int, Link]) -> None:
    """The first scan shows the merchant that the touchpoint is really placed."""
    first: dict[int, datetime] = {}
    for tapped in lines:
        at = datetime.fromisoformat(tapped.at)
        touchpoint = links[tapped.link_id].touchpoint_id
        first[touchpoint] = min(first.get(touchpoint, at), at)
    for touchpoint, at in first.items():
        Touchpoint.objects.filter(pk=touchpoint, first_scan_at=None).update(first_scan_at=at)
