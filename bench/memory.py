"""Resident memory of a web worker and of a queue worker after load."""

import sys
from pathlib import Path

from bench.intake import SHOPIFY_POST
from bench.machinery import (
    base_environment,
    granian,
    heading,
    load,
    manage,
    process,
    redis_server,
    row,
    tree_memory_mb,
    wait_for_port,
)


def main(folder: Path, postgres_url: str | None) -> None:
    heading("Memory after load")
    url = postgres_url or f"sqlite:///{folder}/memory.sqlite3"
    with redis_server(folder) as redis_url:
        environment = base_environment(folder, url) | {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        command = [
            sys.executable,
            "manage.py",
            "rqworker",
            "hot",
            "default",
            "--worker-class",
            "rq.worker.SimpleWorker",
        ]
        with granian("shopapp.wsgi:application", environment) as (port, web), process(command, environment) as worker:
            wait_for_port(port)
            for turn in range(3):
                load(f"http://127.0.0.1:{port}/webhooks/shopify", script=SHOPIFY_POST.replace("RUN", f"m{turn}"))
                load(f"http://127.0.0.1:{port}/c", seconds=2)
            workers = tree_memory_mb(web)
            row("web worker", f"{max(workers):.0f} MB", target="≤ 120 MB", note=f"{len(workers)} processes")
            with open(f"/proc/{worker.pid}/status", encoding="ascii") as status:
                resident = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
            row("queue worker", f"{resident:.0f} MB", target="≤ 120 MB")
