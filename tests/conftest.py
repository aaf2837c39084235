"""What every test stands on: an empty Redis, an empty outbox, and no way out of this machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connections, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import HealthCheck
from hypothesis import settings as effort

from post_purchase.flows.versions import document_of
from post_purchase.models import FlowRun, RunEvent
from post_purchase.services import taps, visits
from shopapp.lib import queue
from tests import environment
from tests.flows.replaying import assert_replays

# Playwright's sync API runs an event loop in the test's thread; Django would refuse the database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


# The same examples in every run: what fails once fails again.
effort.register_profile(
    "house",
    derandomize=True,
    database=None,
    deadline=None,  # a machine that others use is slow
    suppress_health_check=[HealthCheck.too_slow],
)
effort.load_profile("house")
HOMES = {"browser": "browser", "kill": "kill", "story": "stories"}  # bin/test runs each of these folders by itself
REPLAYED = ("flows", "talk", "channels", "orders", "webchat", "control", "flow_doors", "inbox")
ASKS_FOR_DATABASE = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for mark, folder in HOMES.items():
            if item.get_closest_marker(mark) and f"/tests/{folder}/" not in item.path.as_posix():
                raise pytest.UsageError(f"{item.nodeid} is marked {mark}, so it belongs into tests/{folder}")
    if "TEST_DATABASE_URL" in os.environ:  # the second run, on PostgreSQL: only what can come out otherwise there
        pure = [item for item in items if not _asks_for_database(item)]
        config.hook.pytest_deselected(items=pure)
        items[:] = [item for item in items if _asks_for_database(item)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Whatever a test was about: each run that it left behind comes out the same when its log is played again."""
    if _asks_for_database(item) and item.path.parts[-2] in REPLAYED:
        try:
            runs = list(FlowRun.objects.select_related("flow").filter(pk__in=RunEvent.objects.values("run")))
        except RuntimeError:  # a test that opens the database itself, and has closed it
            return
        for run in runs:
            assert_replays(run)


def _asks_for_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db")) or not ASKS_FOR_DATABASE.isdisjoint(
        getattr(item, "fixturenames", ())
    )


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """SQLite tests use a file, as the app does: threads and child processes see the same database."""
    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(environment.FOLDER / "test.sqlite3")
        # no test cuts the power
        start = database["OPTIONS"]["init_command"]
        database["OPTIONS"]["init_command"] = start.replace("synchronous=FULL", "synchronous=OFF")
    else:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        database["TEST"]["NAME"] = f"test_doorstep{worker}"


def delete_rows(
    self: Any, style: Any, tables: Any, *, reset_sequences: bool = False, allow_cascade: bool = False
) -> Any:
    """Empty what a test has filled: TRUNCATE makes each of a hundred tables anew, and takes 0.3 s."""
    if not tables:
        return []
    filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in sorted(tables))
    with connections["default"].cursor() as cursor:
        cursor.execute(filled)
        found = [name for (name,) in cursor.fetchall()]
    return [f'DELETE FROM "{name}"' for name in found]  # in any order: references are checked at the end


@pytest.fixture(autouse=True, scope="session")
def quick_flush() -> None:
    DatabaseOperations.sql_flush = delete_rows  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    queue.redis().flushall()


@pytest.fixture(autouse=True)
def no_remembered_versions() -> None:
    document_of.cache_clear()  # tests use the same primary keys again; production never does


@pytest.fixture(autouse=True)
def no_remembered_taps() -> None:
    taps.forget()
    visits.forget()


@pytest.fixture(autouse=True)
def empty_mailbox() -> None:
    mail.outbox = []


@pytest.fixture(scope="module")
def writing_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """For rows that all tests of a file read: `with writing_once(): ...` in a fixture of the file. What a test itself
    changes is rolled back after it, these rows after the last one."""
    with django_db_blocker.unblock(), transaction.atomic():
        with django_db_blocker.block():
            yield django_db_blocker.unblock
        transaction.set_rollback(True)


@pytest.fixture
def fixtures_of_providers() -> Path:
    """Provider payloads that the project does not own. Tests that use them are left out where they are not there."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "fixtures"
    if not folder.is_dir():
        pytest.skip("the provider fixtures are not beside the checkout")
    return folder


@pytest.fixture
def media(tmp_path: Path, settings: object) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    settings.SPOOL_DIR = tmp_path / "spool"  # type: ignore[attr-defined]
    return tmp_path
