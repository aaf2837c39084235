"""`bin/demo --story [name ...]`: each story on a fresh stage; ends with a code other than 0 at the first mismatch."""

import subprocess
import sys
import time

from demo.processes import NotStarted
from demo.stories.stage import Mismatch, stage

NAMES = ("whatsapp", "messenger", "email", "one-star")


def play(name: str) -> list[str]:
    """Play one story; return its printed steps. Raises Mismatch."""
    with stage() as here:
        from demo.stories.script import STORIES  # noqa: PLC0415 - models can be imported only after django.setup()

        STORIES[name](here)
        return here.steps


def main() -> None:
    names = sys.argv[1:] or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"There is no story {unknown[0]}. There are: {', '.join(NAMES)}")
    started = time.monotonic()
    for name in names:
        if len(names) > 1:
            _in_its_own_process(name)
            continue
        print(f"\nStory: {name}", flush=True)
        try:
            play(name)
        except Mismatch as problem:
            sys.exit(f"\nNOT AS IT SHOULD BE (story {name}): {problem}")
        except NotStarted as problem:
            sys.exit(f"\nThe story could not play. {problem}")
    print(f"\n{'Story' if len(names) == 1 else 'All stories'} as it should be ({time.monotonic() - started:.1f} s).")


def _in_its_own_process(name: str) -> None:
    """Django keeps the first database that it was set up with; the next story wants another."""

    code = subprocess.run([sys.executable, "-m", "demo.stories.play", name], check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
