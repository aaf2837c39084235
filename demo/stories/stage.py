"""Where a story plays: the demo world in this process, the app's own processes beside it,
everything in a folder of its own."""

import contextlib
import html
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import django
import httpx
from django.core.management import call_command

from demo.moments import move_ahead
from demo.pages.site import add_pages
from demo.processes import Processes, environment, free_port
from demo.shopify.shop import SCOPES
from demo.world import DemoWorld

T = TypeVar("T")
SHOP = "fern-and-field.myshopify.com"
PATIENCE = 60.0  # seconds of real time: longer than the slowest sweep that a step waits for, on a busy machine
POLL = 0.05  # seconds between two looks
QUIET = 0.3  # seconds in which nothing is due, queued, worked on or on its way; a wake-up takes 0.02


class Mismatch(Exception):
    """The story is not as it should be. The message says what was expected and what was there."""


class Stage:
    def __init__(self, world: DemoWorld, processes: Processes, app_url: str):
        self.world, self.processes, self.app_url = world, processes, app_url
        self.started = time.monotonic()
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        line = f"{time.monotonic() - self.started:6.1f} s  {self.world.now():%a %d %b %H:%M}  {text}"
        self.steps.append(line)
        print(line, flush=True)

    def until(self, what: str, look: Callable[[], T], *, patience: float = PATIENCE) -> T:
        """Wait until `look` gives something true, then give it back."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            self.processes.check()
            time.sleep(POLL)
        raise Mismatch(f"Expected {what}; it did not come within {patience:.0f} seconds.")

    def calm(self) -> None:
        """Everything that was sent is taken in and worked off; nothing is left to do now."""
        end, since = time.monotonic() + PATIENCE, None
        while time.monotonic() < end:
            if not self.world.courier.idle(1) or work_left():
                since = None
            elif since is None:
                since = time.monotonic()
            elif time.monotonic() - since > QUIET:
                return
            time.sleep(POLL)
        raise Mismatch(f"The app did not come to rest: {work_left() or 'something is still on its way'}.")

    def move(self, **delta: float) -> None:
        move_ahead(self.world.clock_file, timedelta(**delta))

    def follow(self, url: str) -> str:
        """Where a tap on our link leads: a redirect, or for e-mail a page with the address to tap."""
        answer = httpx.get(
            url, follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 (iPhone) Mobile", "Accept-Language": "en"}
        )
        letter = re.search(r'href="(mailto:[^"]+)"', answer.text)
        if answer.status_code == 200 and letter:
            return html.unescape(letter[1])
        same("the answer to the tap", answer.status_code, 302)
        return answer.headers["Location"]


def same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Mismatch(f"{what}: expected {wanted!r}, found {found!r}")


def require(what: str, truth: object, found: object = "") -> None:
    if not truth:
        raise Mismatch(f"Expected {what}{f'; found {found!r}' if found != '' else ''}")


@contextmanager
def stage() -> Iterator[Stage]:
    """Fresh processes, a fresh database, free ports. Sets this process's environment:
    one stage per process at a time."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-story-"))
    app_port, redis_port = free_port(), free_port()
    env = environment(folder, app_port=app_port, redis_port=redis_port)
    world = DemoWorld(app_url=env["APP_URL"], environment=env)
    env |= world.origins()
    os.environ.update(env | {"LOG_LEVEL": "WARNING"})  # this process tells the story, not the log
    django.setup()
    processes = Processes(folder, env)
    world.shopify.create_shop(SHOP, scopes=f"{SCOPES},write_customers,write_products")
    world.whatsapp.create_number()
    world.messenger.create_page()
    add_pages(world)
    world.start()
    try:
        processes.start_redis(redis_port)
        processes.start_web(app_port)  # asks nothing of the database until it is asked
        call_command("migrate", interactive=False, verbosity=0)
        processes.start_worker()
        processes.start_clock()
        processes.wait_for("web", f"{env['APP_URL']}/health/live")
        yield Stage(world, processes, env["APP_URL"])
    finally:
        processes.stop()
        world.stop()
        with contextlib.suppress(OSError):
            if os.environ.get("KEEP_STORY"):
                print(f"Kept: {folder}")
            else:
                shutil.rmtree(folder)


def work_left() -> str:
    """What the app has still to do; empty when it is at rest. Jobs twice: one may begin or end while rows are read."""
    from demo.stories.rows import due_rows, jobs  # noqa: PLC0415 - models can be imported only after django.setup()

    before, due, after = jobs(), due_rows(), jobs()
    return f"{due} rows are still due, {after} jobs wait or run" if before or due or after else ""


__all__ = ["SHOP", "Mismatch", "Stage", "require", "same", "stage"]
