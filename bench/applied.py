"""Applied steps: news handed to a flow of six steps, with all rows that belong to it, by one, two and four workers."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.machinery import ROOT, base_environment, heading, manage, row

STEPS = 6  # five tags and a wait
SEED = """
import sys
import django; django.setup()
from post_purchase.flows import editing
from post_purchase.models import Contact, Flow, FlowEvent, Order
from shopapp.lib import clock
from tests.factories import make_shop
runs, name = int(sys.argv[1]), sys.argv[2]
now = clock.now()
shop = make_shop(f"{name}.myshopify.com")
steps = {f"t{n}": {"kind": "tag", "tag": f"tag {n}", "next": f"t{n + 1}" if n < 5 else "rest"} for n in range(1, 6)}
steps["rest"] = {"kind": "wait", "for": "P7D"}
document = {"schema": 1, "key": "bench", "name": "Bench", "trigger": {"news": ["order_paid"]}, "start": "t1", "steps": steps, "texts": {"en": {}}}
editing.switch_on(Flow.objects.create(shop=shop, key="bench", name="Bench", draft=document))
Contact.objects.bulk_create([Contact(shop=shop, first_name="Maria", language="en") for _ in range(runs)], batch_size=1000)
people = list(Contact.objects.filter(shop=shop).order_by("pk"))
Order.objects.bulk_create([
    Order(shop=shop, shopify_id=n + 1, contact=people[n], name=f"#{n}", currency="EUR", subtotal=49, total=49,
          placed_at=now, paid_at=now, shopify_updated_at=now) for n in range(runs)
], batch_size=1000)
FlowEvent.objects.bulk_create([
    FlowEvent(shop=shop, kind="order_paid", key=f"order_paid:{o.pk}", order=o, contact=o.contact, happened_at=now, next_attempt_at=now)
    for o in Order.objects.filter(shop=shop).select_related("contact").order_by("pk")
], batch_size=1000)
"""
WORK = """
import sys
import django; django.setup()
from post_purchase.jobs.flows import handle_events
from post_purchase.models import FlowEvent
list(FlowEvent.objects.all()[:1])
print("ready", flush=True)
sys.stdin.readline()
while FlowEvent.objects.filter(next_attempt_at__isnull=False).exists():
    handle_events()
"""
CHECK = """
import sys
import django; django.setup()
from post_purchase.models import FlowEvent, FlowRun
name = f"{sys.argv[2]}.myshopify.com"
assert FlowRun.objects.filter(shop__domain=name, at_steps="rest").count() == int(sys.argv[1])
assert not FlowEvent.objects.exclude(error="").exists()
"""


def run(environment: dict[str, str], script: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, env=environment, check=True)


def measure(environment: dict[str, str], runs: int, workers: int, name: str) -> float:
    """Runs begun in a second; the start of the processes is not counted."""
    run(environment, SEED, str(runs), name)
    command, pipe = [sys.executable, "-c", WORK], subprocess.PIPE
    made = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) for _ in range(workers)
    ]
    try:
        for one in made:
            if one.stdout is None or one.stdout.readline().strip() != "ready":
                raise RuntimeError("A worker did not start")
        started = time.perf_counter()
        for one in made:
            if one.stdin is not None:
                one.stdin.write("go\n")
                one.stdin.flush()
        if any(one.wait(300) for one in made):
            raise RuntimeError("A worker failed")
        spent = time.perf_counter() - started
    finally:
        for one in made:
            one.kill()
            one.wait()
    run(environment, CHECK, str(runs), name)
    return runs / spent


def main(folder: Path, postgres_url: str | None) -> None:
    heading(f"Applied steps: order news, a flow of {STEPS} steps, all rows written")
    runs = int(os.environ.get("BENCH_RUNS", "1000"))
    for name, url in (("PostgreSQL", postgres_url), ("SQLite", f"sqlite:///{folder}/applied.sqlite3")):
        if not url:
            continue
        environment = base_environment(folder, url) | {"REDIS_URL": "redis://127.0.0.1:1/0"}
        manage(environment, "migrate", "-v0")
        alone = 0.0
        for workers in (1, 2, 4):
            found = measure(environment, runs, workers, f"applied-{name.lower()}-{workers}")
            alone = alone or found
            words = f"{workers} worker{'s' if workers > 1 else ''}, {name}"
            row(
                words,
                f"{found * STEPS:.0f} steps/s",
                f"{alone * STEPS:.0f} steps/s",
                found / alone,
                "",
                f"{found:.0f} runs/s",
            )
