"""Taps under fire: real granian killed while people tap. Whoever was led into the chat is counted, and counted once."""

import http.client
import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill.door import App, Databases, app, wait_until

pytestmark = [
    pytest.mark.kill,
    pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="runs beside the SQLite tests, on both databases"),
]
SEED = """
from post_purchase.services.links import shop_link, touchpoint_of
from post_purchase.words import TouchpointKind
from tests import factories
shop = factories.make_shop()
factories.make_channel(shop)
print(shop_link(touchpoint=touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1])
"""
KILLED_READER = """
import os, signal
from pathlib import Path
Path.unlink = lambda *args, **more: os.kill(os.getpid(), signal.SIGKILL)
from post_purchase.jobs.scans import ingest_scans
ingest_scans()
"""
INGEST = "from post_purchase.jobs.scans import ingest_scans\ningest_scans()"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


@pytest.fixture(params=["sqlite", "postgres"])
def served(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[App]:
    url = databases.sqlite(tmp_path) if request.param == "sqlite" else databases.postgres()
    if url is None:
        pytest.skip("PostgreSQL is not installed")
    with app(tmp_path, url) as running:
        running.start_redis()
        running.start_web()
        yield running


class Shoppers:
    """Four phones that tap without a pause; each tap is somebody else."""

    def __init__(self, port: int, code: str):
        self.port, self.code = port, code
        self.numbers = itertools.count(1)
        self.led = 0
        self.cut = 0
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        while not self.stopped.is_set():
            status = self.tap()
            with self.lock:
                self.led += status == 302
                self.cut += status != 302

    def tap(self) -> int:
        with self.lock:
            number = next(self.numbers)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            headers = {"Host": "127.0.0.1", "User-Agent": PHONE, "X-Forwarded-For": address}
            connection.request("GET", f"/c/{self.code}", headers=headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def wait_for(self, more: int) -> None:
        wanted = self.led + more
        wait_until(lambda: self.led >= wanted)

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)


def test_everybody_who_was_led_on_is_counted_once_whatever_is_killed(served: App) -> None:
    code = served.python(SEED).communicate(timeout=60)[0].split()[-1]
    redis, web = served.running[:2]
    shoppers = Shoppers(served.web_port, code)
    try:
        shoppers.wait_for(100)
        redis.kill()  # nobody is told that scans lie there; the sweep would find them
        shoppers.wait_for(50)
        os.killpg(web.pid, signal.SIGKILL)
        web.wait(10)
        wait_until(lambda: shoppers.cut)
        served.start_web()
        shoppers.wait_for(100)
        reader = served.python(INGEST)  # beside the writers
        shoppers.wait_for(50)
        reader.wait(60)
    finally:
        shoppers.stop()
    served.python(KILLED_READER).wait(60)
    assert served.python(INGEST).wait(60) == 0
    counted, people = served.query("SELECT count(*), count(DISTINCT person) FROM post_purchase_scan")[0]
    assert counted == people
    assert shoppers.led <= counted <= shoppers.led + shoppers.cut  # spooled, and cut before the answer
    assert list((served.folder / "spool").iterdir()) == []
