"""Claiming 100 due timers while 1,000 or 1,000,000 others are pending: cost must follow what is due."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from bench.machinery import ROOT, base_environment, heading, manage, row

SCRIPT = """
import sys, time, statistics
from datetime import timedelta
import django; django.setup()
from django.db import connection
from post_purchase.flows.claiming import claim_due
from post_purchase.models import Flow, FlowRun, FlowVersion, Timer
from shopapp.lib import clock
from tests import factories
pending = int(sys.argv[1])
shop = factories.make_shop()
now = clock.now()
flow, _ = Flow.objects.get_or_create(shop=shop, key="bench", name="Bench")
version, _ = FlowVersion.objects.get_or_create(flow=flow, number=1, defaults={"document": {}, "published_at": now})
run, _ = FlowRun.objects.get_or_create(shop=shop, flow=flow, version=version, subject_key="order:1", defaults={"started_at": now})
have = Timer.objects.filter(key__startswith="p").count()
later = now + timedelta(days=7)
for start in range(have, pending, 20000):
    Timer.objects.bulk_create([Timer(run=run, key=f"p{n}", due_at=later, next_attempt_at=later) for n in range(start, min(start + 20000, pending))])
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
spent = []
for turn in range(25):
    Timer.objects.filter(key__startswith="due").delete()
    Timer.objects.bulk_create([Timer(run=run, key=f"due{n}", due_at=now, next_attempt_at=now) for n in range(100)])
    started = time.perf_counter()
    claimed = claim_due(Timer.objects.all(), batch=100, lease=timedelta(minutes=3))
    spent.append(time.perf_counter() - started)
    assert len(claimed) == 100, len(claimed)
print(statistics.median(spent[5:]) * 1000)
"""


def measure(environment: dict[str, str], pending: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(pending)],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def main(folder: Path, postgres_url: str | None) -> None:
    heading("Timers: claim 100 due")
    for name, url in (("PostgreSQL", postgres_url), ("SQLite", f"sqlite:///{folder}/timers.sqlite3")):
        if not url:
            continue
        environment = base_environment(folder, url) | {"REDIS_URL": "redis://127.0.0.1:1/0"}
        manage(environment, "migrate", "-v0")
        few = statistics.median(measure(environment, 1000) for _ in range(3))
        many = statistics.median(measure(environment, int(os.environ.get("BENCH_TIMERS", "1000000"))) for _ in range(3))
        row(f"1,000 others pending, {name}", f"{few:.2f} ms", "", 1.0)
        row(f"1,000,000 others pending, {name}", f"{many:.2f} ms", f"{few:.2f} ms", many / few, "≤ 1.5")
