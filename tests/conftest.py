"""What every test stands on: an empty Redis, an empty outbox, and no way out of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail

from shopapp.lib import queue

# Playwright's sync API runs an event loop in the test's thread; Django would refuse the database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    queue.redis().flushall()


@pytest.fixture(autouse=True)
def empty_mailbox() -> None:
    mail.outbox = []


@pytest.fixture
def fixtures_of_providers() -> Path:
    """Provider payloads that the project does not own. Tests that use them are left out where they are not there."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "fixtures"
    if not folder.is_dir():
        pytest.skip("the provider fixtures are not beside the checkout")
    return folder


@pytest.fixture
def media(tmp_path: Path, settings: object) -> Iterator[Path]:
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    settings.SPOOL_DIR = tmp_path / "spool"  # type: ignore[attr-defined]
    yield tmp_path
