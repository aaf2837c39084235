"""Real processes that want the same shop's token: one refresh, also when the refreshing one is killed at its work."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopapp.shopify.tokens import LEASE
from tests.kill.door import App, Databases, app, wait_until
from tests.shopapp.pretend import SHOP, Answer, PretendShopify, pair, pretend_shopify, result

pytestmark = [
    pytest.mark.kill,
    pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="runs beside the SQLite tests, on both databases"),
]
A_SHOP = f"""
from datetime import timedelta
from shopapp.lib import clock
from shopapp.models import Shop
now = clock.now()
Shop.objects.create(domain="{SHOP}", installed_at=now, access_token="shpat_0", access_token_expires_at=now,
                    refresh_token="shprt_0", refresh_token_expires_at=now + timedelta(days=90))
"""
ASK = """
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi
print("ASKING", flush=True)
print(AdminApi(Shop.objects.get()).run("GetShop")["shop"]["id"], flush=True)
"""


class StrictShopify:
    """Gives a new pair for a refresh token that is still good, data for the newest access token; may be slow."""

    def __init__(self, world: PretendShopify) -> None:
        self.world = world
        self.refreshes: list[str] = []
        self.newest = 0
        self.arrived, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        world.will(self.answer)

    def answer(self, asked: dict) -> Answer:
        if "oauth" not in asked["path"]:
            right = asked["token"] == f"shpat_{self.newest}"
            return result({"shop": {"id": "gid://shopify/Shop/1"}}) if right else (401, {}, {})
        self.refreshes.append(asked["body"]["refresh_token"])
        self.newest += 1
        number = self.newest
        self.arrived.set()
        assert self.may_answer.wait(30)
        return pair(number)


@pytest.fixture
def shopify() -> Iterator[StrictShopify]:
    with pretend_shopify() as world:
        strict = StrictShopify(world)
        yield strict
        strict.may_answer.set()


@pytest.fixture(params=["sqlite", "postgres"])
def stale(
    request: pytest.FixtureRequest, databases: Databases, shopify: StrictShopify, tmp_path: Path
) -> Iterator[App]:
    """The app with one shop, whose access token has run out."""
    url = databases.sqlite(tmp_path) if request.param == "sqlite" else databases.postgres()
    if url is None:
        pytest.skip("PostgreSQL is not installed")
    clock_file = tmp_path / "clock"
    with app(tmp_path, url, SHOPIFY_ADMIN_ORIGIN=shopify.world.origin, CLOCK_FILE=str(clock_file)) as made:
        made.start_redis()
        said, _ = made.python(A_SHOP).communicate(timeout=60)
        assert said == ""
        yield made


def test_two_processes_that_refresh_at_once_ask_once(stale: App, shopify: StrictShopify) -> None:
    shopify.may_answer.clear()
    both = [stale.python(ASK), stale.python(ASK)]
    assert shopify.arrived.wait(60)
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ASKING\n"
    shopify.may_answer.set()
    for process in both:
        said, _ = process.communicate(timeout=60)
        assert said.endswith("gid://shopify/Shop/1\n"), said
    assert shopify.refreshes == ["shprt_0"]


def test_a_process_killed_while_it_refreshes_is_replaced_after_its_lease(stale: App, shopify: StrictShopify) -> None:
    shopify.may_answer.clear()
    first = stale.python(ASK)
    assert shopify.arrived.wait(60)
    first.kill()
    first.wait(10)
    shopify.may_answer.set()  # Shopify has made a pair that nobody will ever store
    others = [stale.python(ASK), stale.python(ASK)]
    for process in others:
        assert process.stdout is not None
        assert process.stdout.readline() == "ASKING\n"
    time.sleep(0.5)  # five looks at the lease
    assert all(process.poll() is None for process in others)
    assert shopify.refreshes == ["shprt_0"]
    assert stale.query("SELECT count(*) FROM shopapp_shop WHERE refresh_lease_until IS NOT NULL") == [(1,)]
    Path(stale.env["CLOCK_FILE"]).write_text(str(LEASE.total_seconds() + 1))
    for process in others:
        said, _ = process.communicate(timeout=60)
        assert said.endswith("gid://shopify/Shop/1\n"), said
    assert shopify.refreshes == ["shprt_0", "shprt_0"]
    third, _ = stale.python(ASK).communicate(timeout=60)
    assert third.endswith("gid://shopify/Shop/1\n"), third
    assert len(shopify.refreshes) == 2
    assert stale.query("SELECT count(*) FROM shopapp_shop WHERE refresh_lease_until IS NULL") == [(1,)]


def test_a_process_killed_after_the_pair_was_stored_leaves_it_to_the_next(stale: App, shopify: StrictShopify) -> None:
    first = stale.python(ASK + "import time; time.sleep(60)")
    wait_until(lambda: any(asked["token"] == "shpat_1" for asked in list(shopify.world.asked)))
    first.kill()
    said, _ = stale.python(ASK).communicate(timeout=60)
    assert said.endswith("gid://shopify/Shop/1\n"), said
    assert shopify.refreshes == ["shprt_0"]
