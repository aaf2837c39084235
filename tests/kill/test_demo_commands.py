"""bin/demo starts everything, stops everything, and tidies up after a start that was killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from demo.processes import free_port, is_free
from demo.run import schema, schema_file
from tests.kill.door import Databases

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.kill


class Demo:
    def __init__(self, folder: Path, port: int):
        """As a second start is: `folder` has a migrated database and a filled shop."""
        self.folder, self.port = folder, port
        names = ("PATH", "HOME", "LANG")
        env = {name: os.environ[name] for name in names if name in os.environ} | {"DEMO_HOME": str(folder)}
        self.out = folder / "out.txt"
        command = [sys.executable, "-m", "demo.run", "--port", str(port)]
        with self.out.open("w") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)

    def running(self, seconds: float = 240) -> float:
        started = time.monotonic()
        while "is running" not in self.out.read_text():
            assert self.process.poll() is None, self.out.read_text()
            assert time.monotonic() - started < seconds, self.out.read_text()
            time.sleep(0.02)
        return time.monotonic() - started

    def children(self) -> list[int]:
        return [int(pid) for pid in json.loads((self.folder / "pids.json").read_text())["children"]]


@pytest.fixture
def folder(tmp_path: Path, databases: Databases) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    databases.sqlite(folder)
    schema_file(folder).write_text(schema())
    (folder / "seeded").touch()
    return folder


def gone(pids: list[int], seconds: float = 90) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_ctrl_c_stops_everything_and_a_busy_port_is_walked_around(folder: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        demo = Demo(folder, port)
        demo.running()
        said = demo.out.read_text()
    assert f"Port {port} is in use; the app takes " in said
    children = demo.children()
    demo.process.send_signal(signal.SIGINT)
    for _ in range(5):
        demo.process.send_signal(signal.SIGINT)  # an impatient person
    assert demo.process.wait(20) == 0
    assert gone(children)
    assert demo.out.read_text().rstrip().endswith("Stopped.")
    assert not (folder / "pids.json").exists()


def test_the_leftovers_of_a_killed_start_are_stopped_by_the_next(folder: Path) -> None:
    port = free_port()
    first = Demo(folder, port)
    first.running()
    left = first.children()
    first.process.kill()
    first.process.wait()
    assert not is_free(port)  # they are still there
    second = Demo(folder, port)
    try:
        second.running()
        assert gone(left)
        assert f"Stopped {len(left)} processes" in second.out.read_text()
        assert httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    finally:
        second.process.terminate()
        second.process.wait(20)


def test_two_at_once_is_refused_in_one_sentence(folder: Path) -> None:
    first = Demo(folder, free_port())
    try:
        first.running()
        second = Demo(folder / ".." / "demo", free_port())
        assert second.process.wait(30) == 1
        assert "The demo is running already" in second.out.read_text()
    finally:
        first.process.terminate()
        first.process.wait(20)
