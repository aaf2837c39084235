"""`bin/demo`: everything on this machine, until Ctrl-C. `bin/demo --story [name ...]`: the stories,
without a person."""

import argparse
import hashlib
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.moments import move_ahead
from demo.processes import ROOT, NotStarted, Processes, choose_port, environment

FOLDER = Path(os.environ.get("DEMO_HOME", ROOT / "var" / "demo"))
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOP = "fern-and-field.myshopify.com"


class Stopped(BaseException):
    """Somebody asked us to end."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument(
        "--story", nargs="*", metavar="NAME", help="play the stories (whatsapp, messenger, email, one-star)"
    )
    parser.add_argument("--fresh", action="store_true", help="forget everything of earlier starts")
    parser.add_argument("--port", type=int, default=8000, help="the app's port; the others are chosen above it")
    asked = parser.parse_args()
    if asked.story is not None:
        os.execv(sys.executable, [sys.executable, "-m", "demo.stories.play", *asked.story])

    def stop(*_: object) -> None:
        end_once()
        raise Stopped

    for number in ENDINGS:
        signal.signal(number, stop)  # SIGINT too: a shell that starts us with & has it ignored
    try:
        run(asked)
    except Stopped:
        pass
    except NotStarted as problem:
        sys.exit(f"The demo did not start. {problem}")


def run(asked: argparse.Namespace) -> None:
    started = time.monotonic()
    if is_outgrown(FOLDER):
        print("The demo's made-up shop is from another version of the app: beginning anew.", flush=True)
    if asked.fresh or is_outgrown(FOLDER):
        forget(FOLDER)
    FOLDER.mkdir(parents=True, exist_ok=True)
    processes = Processes(FOLDER, {})
    left = processes.stop_leftovers()
    if left:
        print(f"Stopped {left} processes that an earlier start had left behind.")
    app = choose_port(asked.port, "the app")
    world = choose_port(app + 1, "the demo world")
    smtp = choose_port(world + 1, "the mail server")
    redis = choose_port(smtp + 1, "Redis")
    stream = choose_port(redis + 1, "the web chat's stream")
    env = environment(FOLDER, app_port=app, redis_port=redis)
    env |= origins(world=world, smtp=smtp) | {
        "CHAT_STREAM_URL": f"http://127.0.0.1:{stream}/chat-stream",
        "DEMO_PORT": str(world),
        "DEMO_SMTP_PORT": str(smtp),
        "DEMO_FOLDER": str(FOLDER),
    }
    processes.env = env
    if not Path(env["CLOCK_FILE"]).exists():
        begin_in_the_morning(env["CLOCK_FILE"])
    try:
        processes.start_redis(redis)
        processes.start("world", sys.executable, "-m", "demo")
        if is_new_schema(FOLDER):
            processes.migrate()
            schema_file(FOLDER).write_text(schema())
        processes.start_web(app)
        processes.wait_for("world", f"http://127.0.0.1:{world}/health")
        processes.wait_for("web", f"http://127.0.0.1:{app}/health/live")  # the first page before all else
        processes.start_worker()
        processes.start_worker("worker-hot", "hot")  # nobody waits for a message while the orders are read in
        processes.start_clock()
        processes.start_stream(stream)
        seeded = FOLDER / "seeded"
        if not seeded.exists():
            print("Filling the shop with some weeks of orders (once) ...", flush=True)
            seed(processes)
            seeded.touch()
        print(
            f"""
Doorstep is running ({time.monotonic() - started:.1f} s).

  Shopify admin, with the app   http://127.0.0.1:{world}/admin/{SHOP}
  The shopper's side            http://127.0.0.1:{world}/
  E-mail inbox                  http://127.0.0.1:{world}/mail

Logs: {FOLDER / "log"}    Stop: Ctrl-C
""",
            flush=True,
        )
        while True:
            processes.check()
            time.sleep(0.5)
    finally:
        end_once()
        processes.stop()
        print("Stopped.")


def schema() -> str:
    """Changes with every migration, and with the database that it is for."""
    found = sorted(ROOT.glob("*/migrations/0*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in found)).hexdigest()


def schema_file(folder: Path) -> Path:
    return folder / "schema"


def is_new_schema(folder: Path) -> bool:
    """Asking Django itself costs a second of every start. A database of one's own is always asked."""
    file = schema_file(folder)
    same = file.exists() and file.read_text() == schema() and (folder / "db.sqlite3").exists()
    return not same or "DEMO_DATABASE_URL" in os.environ


def is_outgrown(folder: Path) -> bool:
    """While nothing is released the first migration is remade, so an older database of the demo cannot be migrated."""
    return (folder / "db.sqlite3").exists() and "DEMO_DATABASE_URL" not in os.environ and is_new_schema(folder)


def end_once() -> None:
    """A second Ctrl-C does not leave half of it behind."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def begin_in_the_morning(clock_file: str) -> None:
    """At night the app rightly holds its messages. A first look wants to see them: go ahead to 9:00 UTC."""
    now = datetime.now(UTC)
    if not 8 <= now.hour < 16:
        morning = now.replace(hour=9, minute=0, second=0)
        move_ahead(clock_file, morning - now if morning > now else morning - now + timedelta(days=1))
        print("It is night in Berlin: the demo's clock begins in the morning. Buttons on the page move it on.")


def origins(*, world: int, smtp: int) -> dict[str, str]:
    """The same as DemoWorld.origins(), known before the world has started."""
    url = f"http://127.0.0.1:{world}"
    return {
        "SHOPIFY_ADMIN_ORIGIN": f"{url}/shops/{{shop}}",
        "SHOPIFY_CDN_ORIGIN": f"{url}/cdn",
        "META_GRAPH_ORIGIN": f"{url}/graph",
        "FACEBOOK_SDK_URL": f"{url}/facebook/sdk.js",
        "WHATSAPP_LINK_ORIGIN": f"{url}/wa.me",
        "MESSENGER_LINK_ORIGIN": f"{url}/m.me",
        "INSTAGRAM_GRAPH_ORIGIN": f"{url}/instagram",
        "INSTAGRAM_LINK_ORIGIN": f"{url}/ig.me",
        "TWILIO_API_ORIGIN": f"{url}/twilio",
        "TWILIO_MESSAGING_ORIGIN": f"{url}/twilio-messaging",
        "TELEGRAM_API_ORIGIN": f"{url}/telegram",
        "TELEGRAM_LINK_ORIGIN": f"{url}/t.me",
        "DEMO_WORLD_URL": url,
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp}",
    }


def seed(processes: Processes) -> None:
    process = processes.start("seed", sys.executable, "-m", "demo.seed")
    code = process.wait()
    del processes.running["seed"]
    if code:
        log = processes.folder / "log" / "seed.log"
        last = (log.read_text("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
        raise NotStarted(f"The shop could not be filled: {last[:300]}  More in {log}")


def forget(folder: Path) -> None:
    """Only what the demo itself wrote."""
    Processes(folder, {}).stop_leftovers()
    for name in (
        "db.sqlite3",
        "db.sqlite3-wal",
        "db.sqlite3-shm",
        "world.json",
        "clock",
        "seeded",
        "schema",
        "env",
        "appendonly.aof",
    ):
        (folder / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
