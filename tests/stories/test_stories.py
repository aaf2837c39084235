"""The whole main job, in real processes. Each story plays in a process of its own, as `bin/demo --story` does."""

import subprocess
import sys
from pathlib import Path

import pytest

from demo.stories.play import NAMES

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.story
@pytest.mark.parametrize("name", NAMES)
def test_the_story_is_as_it_should_be(name: str) -> None:
    command = [sys.executable, "-m", "demo.stories.play", name]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert played.returncode == 0, f"{played.stdout}\n{played.stderr}"
