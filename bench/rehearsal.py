"""Rehearsal: 10,000 orders of 90 days through five flows, from asking to the finished result, and the memory it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.machinery import ROOT, base_environment, heading, manage, row

SEED = """
import sys
from datetime import timedelta
import django; django.setup()
from post_purchase.flows import editing
from post_purchase.models import Contact, Flow, Order, OrderLine, Parcel, ParcelEvent
from shopapp.lib import clock
from tests.factories import make_channel, make_shop

orders = int(sys.argv[1])
now = clock.now()
shop = make_shop(f"bench-{orders}.myshopify.com")
make_channel(shop, account_id=f"bench-{orders}")
editing.install_library(shop)
for key in ("thank_you", "shipped", "out_for_delivery", "delivered"):
    editing.switch_on(Flow.objects.get(shop=shop, key=key))
people = orders * 4 // 5
Contact.objects.bulk_create([
    Contact(shop=shop, shopify_customer_id=n + 1, first_name="Maria", language="en", country="DE", timezone="Europe/Berlin")
    for n in range(people)
], batch_size=2000)
contacts = list(Contact.objects.filter(shop=shop).order_by("pk"))
step = timedelta(days=85) / orders
rows = []
for n in range(orders):
    at = now - timedelta(days=88) + step * n
    rows.append(Order(
        shop=shop, shopify_id=n + 1, contact=contacts[n * 7 % people], name=f"#{n}", email="maria@example.com",
        language="en", currency="EUR", subtotal=49, total=49, shipping_country="DE", shipping_city="Berlin",
        timezone="Europe/Berlin", financial_status="paid", fulfillment_status="fulfilled", source_name="web",
        placed_at=at, paid_at=at, delivered_at=at + timedelta(days=4), shopify_updated_at=at,
    ))
Order.objects.bulk_create(rows, batch_size=1000)
rows = list(Order.objects.filter(shop=shop).order_by("pk"))
OrderLine.objects.bulk_create([
    OrderLine(order=o, shopify_id=o.pk, product_id=7, title="Stoneware mug", quantity=1, current_quantity=1, price=49) for o in rows
], batch_size=1000)
Parcel.objects.bulk_create([
    Parcel(order=o, shopify_id=o.pk, name=f"{o.name}-F1", state="delivered", state_at=o.delivered_at, carrier="DHL",
           tracking_number="0034", tracking_url="https://tracking.example.test/0034", shipped_at=o.placed_at + timedelta(days=1),
           delivered_at=o.delivered_at, shopify_updated_at=o.delivered_at) for o in rows
], batch_size=1000)
ParcelEvent.objects.bulk_create([
    ParcelEvent(parcel=p, state=state, happened_at=p.delivered_at - timedelta(hours=hours))
    for p in Parcel.objects.filter(order__shop=shop).order_by("pk")
    for state, hours in (("label", 80), ("in_transit", 60), ("in_transit", 30), ("out_for_delivery", 5), ("delivered", 0))
], batch_size=1000)
"""
PLAY = """
import json, resource, sys, time
import django; django.setup()
from post_purchase.flows.rehearsal import past, show, stage
from post_purchase.models import Flow, Rehearsal
from post_purchase.services import rehearsals

orders = int(sys.argv[1])
flow = Flow.objects.select_related("shop").get(shop__domain=f"bench-{orders}.myshopify.com", key="photo_review")
alone = rehearsals.ask(flow=flow, assumptions={}, days=90)
theatre, script = past.theatre_of(flow.shop, alone.since, alone.until), stage.script_of(alone)
rehearsals.cancel(rehearsal=alone)
keys = past.keys_of
past.keys_of = show.keys_of = lambda theatre: keys(theatre)[:400]  # warm: what memory stands at with two groups read
show.rehearse(theatre, show.Script(script.draft, None, script.assumed), keep=lambda told: None, note=lambda done, total: None)
past.keys_of = show.keys_of = keys
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started, worked = time.perf_counter(), time.process_time()
once = show.rehearse(theatre, show.Script(script.draft, None, script.assumed), keep=lambda told: None, note=lambda done, total: None)
single, cpu = time.perf_counter() - started, time.process_time() - worked
# The flow is off: it is compared with its absence, so everybody is played twice.
rehearsals.ask(flow=flow, assumptions={}, days=90)
started = time.perf_counter()
stage.play_due()
whole = time.perf_counter() - started
result = Rehearsal.objects.filter(flow=flow).latest("pk").result
assert once["orders"] == result["orders"] == orders, result["orders"]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"single": single, "cpu": cpu, "whole": whole, "sent": result["outcomes"]["sent"], "before": before, "after": after}))
"""


def measure(environment: dict[str, str], orders: int) -> dict[str, float]:
    """The past is made in a process of its own, so that it does not count as memory of the play."""
    subprocess.run([sys.executable, "-c", SEED, str(orders)], cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "-c", PLAY, str(orders)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(folder: Path, postgres_url: str | None) -> None:
    heading("Rehearsal: 90 days through five flows")
    orders = int(os.environ.get("BENCH_ORDERS", "10000"))
    for name, url in (("SQLite", f"sqlite:///{folder}/rehearsal.sqlite3"), ("PostgreSQL", postgres_url)):
        if not url:
            continue
        environment = base_environment(folder, url) | {"REDIS_URL": "redis://127.0.0.1:1/0"}
        manage(environment, "migrate", "-v0")
        found = measure(environment, orders)
        note = f"{found['cpu']:.1f} s of CPU, {found['sent']:.0f} messages"
        row(f"{orders} orders played, {name}", f"{found['single']:.1f} s", "", None, "≤ 20 s", note)
        both = "compared with what is live, every message kept as a row"
        row(f"the whole job, {name}", f"{found['whole']:.1f} s", "", None, "", both)
        row(
            f"memory from 400 people to all, {name}", f"{found['after'] - found['before']:.0f} MB", "", None, "flat", ""
        )
