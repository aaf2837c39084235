"""A day of 50,000 messages in ten minutes, in and out: callbacks over HTTP, real workers, answers to a stand-in network.

People ask where their order is; each gets one answer. Some callbacks come twice. At the end every message that came is
there once, every answer went once, and nothing waits. A day's shape: little at night, most in the evening.
BENCH_DAY_MESSAGES and BENCH_DAY_SECONDS make it smaller.
"""

import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import httpx

from bench.machinery import (
    ROOT,
    base_environment,
    free_port,
    granian,
    heading,
    manage,
    process,
    redis_server,
    row,
    wait_for_port,
)

MESSAGES = int(os.environ.get("BENCH_DAY_MESSAGES", "50000"))  # half of them in, half out
SECONDS = int(os.environ.get("BENCH_DAY_SECONDS", "600"))
SHAPE = (1, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 6, 7, 7, 6, 6, 7, 8, 10, 11, 11, 9, 6, 3)  # of each hour
SHOPS = 40
IN_ONE_CALLBACK = 8
TWICE = 0.03  # of the callbacks
WORKERS = 2
ASKED = (
    "Where is my order?",
    "Hi, where is my parcel??",
    "wheres my ordr",
    "Wo bleibt mein Paket?",
    "Où est mon colis ?",
    "my parcel still hasn't arrived",
)
SEED = """
import django; django.setup()
import sys
from datetime import timedelta
from post_purchase.models import ConsentEntry, Contact, ContactPoint, Conversation, Order, OrderBinding, OrderLine, Parcel
from shopapp.lib import clock
from tests import factories
people, shops_wanted = int(sys.argv[1]), int(sys.argv[2]); now = clock.now()
shops = [factories.make_shop(f"bench-{n}.myshopify.com") for n in range(shops_wanted)]
for n, shop in enumerate(shops):
    factories.make_channel(shop, account_id=f"1065{n:04d}", options={"waba_id": f"1022{n:04d}"})
for start in range(0, people, 5000):
    numbers = range(start, min(people, start + 5000))
    contacts = Contact.objects.bulk_create([Contact(shop=shops[n % shops_wanted], language="en", timezone="UTC", country="DE") for n in numbers])
    points = ContactPoint.objects.bulk_create([ContactPoint(shop=c.shop, contact=c, kind="whatsapp", address=f"DE.{n:015d}") for n, c in zip(numbers, contacts)])
    orders = Order.objects.bulk_create([Order(shop=c.shop, contact=c, shopify_id=n + 1, name=f"#{n + 1}", number=n + 1, currency="EUR", language="en", financial_status="paid", placed_at=now, paid_at=now, shopify_updated_at=now) for n, c in zip(numbers, contacts)])
    OrderLine.objects.bulk_create([OrderLine(order=o, shopify_id=o.shopify_id, product_id=700, title="Mug", quantity=1, current_quantity=1, price=9) for o in orders])
    Parcel.objects.bulk_create([Parcel(order=o, shopify_id=o.shopify_id, name=f"{o.name}-F1", state="in_transit", state_at=now, carrier="DHL", tracking_number=f"00{o.shopify_id}", shopify_updated_at=now, shipped_at=now) for o in orders])
    Conversation.objects.bulk_create([Conversation(shop=c.shop, contact=c, order=o) for c, o in zip(contacts, orders)])
    OrderBinding.objects.bulk_create([OrderBinding(point=p, order=o, method="code", bound_at=now) for p, o in zip(points, orders)])
    ConsentEntry.objects.bulk_create([ConsentEntry(shop=p.shop, contact_id=p.contact_id, point=p, kind=p.kind, purpose="service", state="granted", method="bench", dedupe_key=f"b:{p.pk}", recorded_at=now) for p in points])
"""
WATCH = """
import django; django.setup()
import sys, time
from django.db.models import Count, Min
from post_purchase.models import Message
from shopapp.lib import clock
from shopapp.models import IncomingWebhook
def age(model):
    now = clock.now()
    due = model.objects.filter(next_attempt_at__lte=now).aggregate(oldest=Min("next_attempt_at"), waiting=Count("pk"))
    return (now - due["oldest"]).total_seconds() if due["oldest"] else 0.0, due["waiting"]
print("ready", flush=True)
for line in sys.stdin:
    print(*age(IncomingWebhook), *age(Message), flush=True)
"""
COUNT = """
import django; django.setup()
from django.db.models import Count
from post_purchase.models import Message
from shopapp.models import IncomingWebhook
came = Message.objects.filter(direction="in"); went = Message.objects.filter(direction="out")
twice = went.values("dedupe_key").annotate(n=Count("pk")).filter(n__gt=1).count()
print(came.count(), went.filter(status__in=["sent", "delivered", "read"]).count(), went.count(), twice, Message.objects.filter(next_attempt_at__isnull=False).count(), IncomingWebhook.objects.filter(next_attempt_at__isnull=False).count(), IncomingWebhook.objects.filter(parked_at__isnull=False).count())
"""


def _body(shop: int, numbers: list[int], people: int, chance: random.Random) -> bytes:
    now = str(int(time.time()))
    messages = [
        {
            "from_user_id": f"DE.{(number % people):015d}",
            "id": f"wamid.in{number}",
            "timestamp": now,
            "type": "text",
            "text": {"body": chance.choice(ASKED)},
        }
        for number in numbers
    ]
    contacts = [{"profile": {"name": "Maria Lang"}, "user_id": each["from_user_id"]} for each in messages]
    metadata = {"display_phone_number": "15550783881", "phone_number_id": f"1065{shop:04d}"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts, "messages": messages}
    entry = {"id": f"1022{shop:04d}", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _callbacks(incoming: int, people: int) -> list[list[bytes]]:
    """Bodies of each hour. Number n is written by person n % people, who is of shop n % people % SHOPS."""
    chance = random.Random(7)
    hours: list[list[bytes]] = []
    first = 0
    for hour, weight in enumerate(SHAPE):
        last = incoming if hour == len(SHAPE) - 1 else first + round(incoming * weight / sum(SHAPE))
        by_shop: dict[int, list[int]] = {}
        for number in range(first, min(last, incoming)):
            by_shop.setdefault(number % people % SHOPS, []).append(number)
        bodies = [
            _body(shop, numbers[at : at + IN_ONE_CALLBACK], people, chance)
            for shop, numbers in by_shop.items()
            for at in range(0, len(numbers), IN_ONE_CALLBACK)
        ]
        bodies += [body for body in bodies if chance.random() < TWICE]
        chance.shuffle(bodies)
        hours.append(bodies)
        first = last
    return hours


def _post(client: httpx.Client, url: str, body: bytes) -> None:
    """As Meta does: whoever is not answered 200 comes again."""
    signature = "sha256=" + hmac.new(b"meta-secret", body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
    while client.post(url, content=body, headers=headers).status_code != 200:
        time.sleep(0.2)


class _Watch:
    """Ages of what waits, asked every other second."""

    def __init__(self, environment: dict[str, str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, "-c", WATCH], cwd=ROOT, env=environment, text=True, **pipes)
        self.process.stdout.readline()
        self.seen: list[tuple[float, int, float, int]] = []
        self.next = 0.0

    def look(self) -> tuple[float, int, float, int]:
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        news, news_waiting, messages, messages_waiting = self.process.stdout.readline().split()
        self.seen.append((float(news), int(news_waiting), float(messages), int(messages_waiting)))
        return self.seen[-1]

    def look_sometimes(self) -> None:
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + 2
            self.look()


def _play(url: str, hours: list[list[bytes]], watch: _Watch) -> tuple[float, float]:
    """(seconds until the last came in, seconds until nothing waited)"""
    started = time.monotonic()
    with httpx.Client(timeout=30) as client:
        for hour, bodies in enumerate(hours):
            begins = started + hour * SECONDS / len(hours)
            for number, body in enumerate(bodies):
                due = begins + number / len(bodies) * SECONDS / len(hours)
                while (left := due - time.monotonic()) > 0:
                    watch.look_sometimes()
                    time.sleep(min(left, 0.2))
                _post(client, url, body)
                watch.look_sometimes()
    came_in = time.monotonic() - started
    quiet = 0
    while quiet < 3 and time.monotonic() - started < SECONDS + 900:
        _, news, _, messages = watch.look()
        quiet = quiet + 1 if not news and not messages else 0
        time.sleep(1)
    return came_in, time.monotonic() - started


def _run(folder: Path, name: str, url: str) -> None:
    incoming = MESSAGES // 2
    people = max(SHOPS, incoming // 2)
    port = free_port()
    with redis_server(folder) as redis_url, process([sys.executable, "bench/provider.py", str(port)], {}):
        wait_for_port(port)
        environment = base_environment(folder, url)
        environment |= {"REDIS_URL": redis_url, "META_GRAPH_ORIGIN": f"http://127.0.0.1:{port}"}
        manage(environment, "migrate", "-v0")
        seed = [sys.executable, "-c", SEED, str(people), str(SHOPS)]
        subprocess.run(seed, cwd=ROOT, env=environment, check=True)
        hours = _callbacks(incoming, people)
        work = [sys.executable, "manage.py", "rqworker", "hot", "default", "--worker-class", "rq.worker.SimpleWorker"]
        clock = [sys.executable, "manage.py", "rqcron", "shopapp.cron"]
        with granian("shopapp.wsgi:application", environment, workers=1) as (web, _), process(clock, environment):
            workers = [process(work, environment) for _ in range(WORKERS)]
            for worker in workers:
                worker.__enter__()
            try:
                watch = _Watch(environment)
                came_in, done = _play(f"http://127.0.0.1:{web}/webhooks/whatsapp", hours, watch)
            finally:
                for worker in workers:
                    worker.__exit__(None, None, None)
        count = [sys.executable, "-c", COUNT]
        said = subprocess.run(count, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
        came, sent, answers, twice, waiting, unread, parked = map(int, said.split())
        handed_over = int(httpx.get(f"http://127.0.0.1:{port}/sent").text)
    ages = sorted(each[0] for each in watch.seen), sorted(each[2] for each in watch.seen)
    row(f"in, {name}", f"{came:,} of {incoming:,}", f"{len(hours)} hours in {came_in:.0f} s", came / incoming, "1.0")
    row(
        f"answered, {name}",
        f"{sent:,} of {answers:,}; the network took {handed_over:,}",
        f"{incoming:,}",
        sent / incoming,
        "1.0",
        f"{twice} twice, {waiting + unread} waiting, {parked} parked",
    )
    for what, found in zip(("news", "messages"), ages, strict=True):
        half, most = found[len(found) // 2], found[-1]
        row(f"age of the oldest due {what}, {name}", f"median {half:.1f} s, most {most:.1f} s")
    row(f"until nothing waited, {name}", f"{done - came_in:.0f} s after the last")


def main(folder: Path, postgres_url: str | None) -> None:
    heading(
        f"A day of {MESSAGES:,} messages in {SECONDS} s (one web process, {WORKERS} workers, a network that takes 30 ms)"
    )
    if postgres_url:
        _run(folder, "PostgreSQL", postgres_url)
    _run(folder, "SQLite", f"sqlite:///{folder}/day.sqlite3")
