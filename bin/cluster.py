"""A PostgreSQL cluster of its own in a temporary folder, for bin/test and bin/bench. Only the standard library."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FAST_BUT_UNSAFE = "-c fsync=off -c full_page_writes=off"


def find_initdb() -> str | None:
    home = Path("/usr/lib/postgresql")
    places = sorted(home.glob("*/bin/initdb"), reverse=True) if home.is_dir() else []
    return shutil.which("initdb") or next((str(place) for place in places), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_in_order() -> None:
    """Asked to end (a time-out, a closed terminal), end the children first, then unwind, so that nothing is left."""

    def handler(signum: int, frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                if f"\nPPid:\t{os.getpid()}\n" in status.read_text():
                    os.kill(int(status.parent.name), signal.SIGTERM)
        raise SystemExit(128 + signum)

    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, handler)


@dataclass(frozen=True)
class Cluster:
    url: str  # a DATABASE_URL
    folder: Path
    control: tuple[str, ...]  # pg_ctl for this cluster
    settings: str

    def start(self) -> None:
        command = [*self.control, "-o", self.settings, "-l", str(self.folder / "log"), "start"]
        subprocess.run(command, check=True, cwd=self.folder)

    def stop(self, *, check: bool = True) -> None:
        """At once, as when the machine fails."""
        command = [*self.control, "-m", "immediate", "stop"]
        subprocess.run(command, check=check, cwd=self.folder, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def cluster(options: str = FAST_BUT_UNSAFE) -> Iterator[Cluster | None]:
    """A running cluster to be stopped and started, or None where there is no server. Deleted afterwards."""
    initdb = find_initdb()
    if not initdb:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="doorstep-pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    port = free_port()
    make = [
        *as_user,
        initdb,
        "-D",
        str(folder / "data"),
        "-U",
        "doorstep",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    made = Cluster(
        url=f"postgres://doorstep@127.0.0.1:{port}/postgres",
        folder=folder,
        control=(*as_user, str(Path(initdb).parent / "pg_ctl"), "-D", str(folder / "data"), "-s", "-w"),
        settings=f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=100 {options}",
    )
    try:
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        made.start()
        yield made
    finally:
        made.stop(check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres(options: str = FAST_BUT_UNSAFE) -> Iterator[str | None]:
    """Yields a DATABASE_URL, or None where the server is not installed. Stopped and deleted afterwards."""
    with cluster(options) as made:
        yield made.url if made else None
