"""The whole main job, in real processes. Each story plays in a process of its own, as `bin/demo --story` does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stories.play import NAMES
from tests.environment import ROOT

Stories = dict[str, tuple["subprocess.Popen[bytes]", Path]]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """All at once, since each mostly waits; on copies of one migrated database."""
    folder = tmp_path_factory.mktemp("stories")
    first = folder / "first.sqlite3"
    env = dict(os.environ) | {"DATABASE_URL": f"sqlite:///{first}"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True, timeout=120)
    playing: Stories = {}
    for name in NAMES:
        database = shutil.copy(first, folder / f"{name}.sqlite3")
        command = [sys.executable, "-m", "demo.stories.play", name]
        env = dict(os.environ) | {"DEMO_DATABASE_URL": f"sqlite:///{database}"}
        told = folder / f"{name}.txt"
        with told.open("wb") as out:
            playing[name] = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT), told
    yield playing
    for process, _ in playing.values():
        process.terminate()
        process.wait(30)


@pytest.mark.story
@pytest.mark.parametrize("name", NAMES)
def test_the_story_is_as_it_should_be(name: str, stories: Stories) -> None:
    process, told = stories[name]
    assert process.wait(400) == 0, told.read_text()
