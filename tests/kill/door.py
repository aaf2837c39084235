"""The app as the Procfile starts it, in processes that can be killed: web server, Redis, worker, clock, database."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import importlib.util
import itertools
import os
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from tests.environment import ROOT, free_port, start_redis

SHOP = "fern-and-field.myshopify.com"
BIN = Path(sys.executable).parent
_numbers = itertools.count(1)


class Answer(NamedTuple):
    status: int  # 0: the connection was refused or cut
    seconds: float
    error: str = ""


class App:
    """One installation: environment, database, and what runs of it."""

    def __init__(self, folder: Path, database_url: str, **more: str):
        self.folder, self.database_url = folder, database_url
        self.web_port, self.redis_port = free_port(), free_port()
        self.running: list[subprocess.Popen[bytes]] = []
        self.env = dict(os.environ) | {
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "MEDIA_ROOT": str(folder / "media"),
            "SPOOL_DIR": str(folder / "spool"),
            "CONN_MAX_AGE": "600",
            "DJANGO_SETTINGS_MODULE": "shopapp.settings",
            "PORT": str(self.web_port),
            **more,
        }

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def start_redis(self) -> "subprocess.Popen[bytes]":
        process = start_redis(self.redis_port, self.folder)
        self.running.append(process)
        wait_until(lambda: is_open(self.redis_port))
        return process

    def start_web(self) -> "subprocess.Popen[bytes]":
        """Two processes of four threads, as the Procfile says."""
        process = self.start(*procfile("web", self.env, host="127.0.0.1"))
        wait_until(lambda: get(self.web_port, "/health/live") == 200)
        return process

    def start_worker(self, *options: str) -> "subprocess.Popen[bytes]":
        return self.start(*procfile("worker", self.env), *options)

    def start_clock(self) -> "subprocess.Popen[bytes]":
        return self.start(*procfile("clock", self.env))

    def python(self, code: str) -> "subprocess.Popen[str]":
        """A process of the app's own that runs `code` after Django is set up."""
        process = subprocess.Popen(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)  # type: ignore[arg-type]
        return process

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.database_url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as database:
                return database.execute(sql).fetchall()
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, where: str = "1 = 1") -> int:
        return int(self.query(f"SELECT count(*) FROM shopapp_incomingwebhook WHERE {where}")[0][0])

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        for process in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            process.wait(10)
            if process.stdout:
                process.stdout.close()


def procfile(name: str, env: dict[str, str], *, host: str = "") -> list[str]:
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith(f"{name}: "))
    words = [
        word.replace("${PORT:-8000}", env["PORT"]).replace("${WEB_WORKERS:-2}", "2") for word in shlex.split(line)[1:]
    ]
    words = [host if word == "0.0.0.0" and host else word for word in words]
    return [str(BIN / words[0]), *words[1:]]


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(true: Callable[[], object], *, seconds: float = 150) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so in time"
        time.sleep(0.02)


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": "127.0.0.1"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def signed(body: bytes, *, topic: str = "comets/sighted", event: str = "") -> dict[str, str]:
    digest = hmac.digest(os.environ["SHOPIFY_API_SECRET"].encode(), body, hashlib.sha256)
    return {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Event-Id": event or f"event-{next(_numbers)}",
    }


def deliver(
    port: int, body: bytes = b'{"id": 1}', headers: dict[str, str] | None = None, *, patience: float = 20
) -> Answer:
    """One webhook on a connection of its own, as Shopify would send it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    started = time.monotonic()
    try:
        connection.request("POST", "/webhooks/shopify", body, signed(body) if headers is None else headers)
        status, error = connection.getresponse().status, ""
    except (OSError, http.client.HTTPException) as failure:
        status, error = 0, type(failure).__name__
    finally:
        connection.close()
    return Answer(status, time.monotonic() - started, error)


class Load:
    """Four senders without a pause, from `start` until `stop`."""

    def __init__(self, port: int, senders: int = 4, pause: float = 0.0):
        self.port, self.pause = port, pause
        self.answers: list[Answer] = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(senders)]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        while not self.stopped.is_set():
            answer = deliver(self.port)
            self.answers.append(answer)
            if self.pause or not answer.status:
                time.sleep(self.pause or 0.01)

    def wait_for(self, count: int, status: int) -> None:
        """Until `count` more answers of this status have come."""
        wanted = self.count(status) + count
        wait_until(lambda: self.count(status) >= wanted)

    def count(self, status: int) -> int:
        return sum(answer.status == status for answer in list(self.answers))

    def stop(self) -> list[Answer]:
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)
        return self.answers


@contextlib.contextmanager
def app(folder: Path, database_url: str, **more: str) -> Iterator[App]:
    made = App(folder, database_url, **more)
    try:
        yield made
    finally:
        made.stop()


class Databases:
    """Fresh, migrated databases: a copy of the first one each."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.stack = contextlib.ExitStack()
        self.cluster: Any = None

    def sqlite(self, folder: Path) -> str:
        first = self.folder / "first.sqlite3"
        if not first.exists():
            self._migrate(f"sqlite:///{first}")
        shutil.copy(first, folder / "db.sqlite3")
        return f"sqlite:///{folder}/db.sqlite3"

    def postgres(self) -> str | None:
        """None where PostgreSQL is not installed."""
        if self.cluster is None:
            self.cluster = self.stack.enter_context(_cluster_module().cluster())
            if self.cluster is None:
                return None
            self._sql("CREATE DATABASE first")
            self._migrate(self._url("first"))
        name = f"copy_{next(_numbers)}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE first")
        return self._url(name)

    def _url(self, name: str) -> str:
        return str(self.cluster.url.removesuffix("/postgres")) + f"/{name}"

    def _sql(self, sql: str) -> None:
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def _migrate(self, url: str) -> None:
        with app(self.folder, url) as once:
            assert once.start(sys.executable, "manage.py", "migrate", "-v0").wait(120) == 0, once.log()


def _cluster_module() -> Any:
    spec = importlib.util.spec_from_file_location("cluster", ROOT / "bin" / "cluster.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cluster"] = module
    spec.loader.exec_module(module)
    return module
