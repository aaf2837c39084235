"""The inbox with 200,000 conversations and 600,000 messages of one shop: each list, each filter, search, and the pages' SQL."""

import subprocess
import sys
from pathlib import Path

from bench.machinery import ROOT, base_environment, heading, manage, redis_server, row

COUNT = 200_000
SEED = """
import django; django.setup()
import sys, random
from datetime import timedelta
from django.db import transaction
from post_purchase.models import Contact, ContactPoint, Conversation, Member, Message, Order, OrderLine, Product, Unread
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests import factories
count = int(sys.argv[1]); now = clock.now(); chance = random.Random(7)
shop = factories.make_shop("bench.myshopify.com")
member = Member.objects.create(shop=shop, user_id="42", name="Ana", role="owner", joined_at=now)
WORDS = "where is my parcel the mug arrived broken thank you so much can I change address size colour blue linen apron return exchange invoice please help today tomorrow box gift card late early lovely".split()
STATES = ["automatic"] * 80 + ["shopper"] * 8 + ["closed"] * 8 + ["team"] * 3 + ["snoozed"]
Product.objects.bulk_create([Product(shop=shop, shopify_id=n, title=f"Product {n}", shopify_updated_at=now) for n in range(500)])
for start in range(0, count, 10_000):
    numbers = range(start, min(count, start + 10_000))
    with transaction.atomic():
        people = Contact.objects.bulk_create([Contact(shop=shop, first_name=f"Name{n}", last_name=f"Family{n % 5000}", language=chance.choice(["en"] * 9 + ["de"]), timezone="UTC") for n in numbers])
        ContactPoint.objects.bulk_create([ContactPoint(shop=shop, contact=c, kind="telegram" if n % 1000 == 0 else "whatsapp", address=f"p{n}") for n, c in zip(numbers, people)])
        orders = Order.objects.bulk_create([Order(shop=shop, contact=c, shopify_id=n, name=f"#{100000 + n}", number=n, placed_at=now, shopify_updated_at=now) for n, c in zip(numbers, people)])
        OrderLine.objects.bulk_create([OrderLine(order=o, shopify_id=n, product_id=n % 500, title="Thing", quantity=1, current_quantity=1, price=1) for n, o in zip(numbers, orders)])
        states = [chance.choice(STATES) for _ in numbers]
        talks = Conversation.objects.bulk_create([Conversation(shop=shop, contact=c, order=o, state=s, closed_at=now if s == "closed" else None, assignee="42" if n % 500 == 0 else "", last_message_at=now - timedelta(seconds=n), last_text="x") for n, c, o, s in zip(numbers, people, orders, states)])
        Message.objects.bulk_create([Message(shop=shop, conversation=t, contact_id=t.contact_id, direction="in", author="shopper", text=" ".join(chance.choices(WORDS, k=10)) + (" kingfisher" if (n + k) % 20000 == 0 else ""), status="received", dedupe_key=f"{n}:{k}", ref=new_code(), happened_at=now) for n, t in zip(numbers, talks) for k in range(3)], batch_size=5000)
        Unread.objects.bulk_create([Unread(member=member, conversation=t, since_at=now) for n, t in zip(numbers, talks) if n % 1000 == 0])
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
"""
ASK = """
import django; django.setup()
import time
from post_purchase.models import Member
from post_purchase.services import inbox
member = Member.objects.get(); shop = member.shop
last = inbox.find(shop=shop, member=member, wanted=inbox.Wanted()).more
deep = shop.conversations.filter(closed_at=None).order_by("last_message_at")[300]
ASKED = {
    "open": {}, "far down": {"before": (deep.last_message_at, deep.pk)}, "unread": {"tab": "unread"}, "mine": {"tab": "mine"},
    "waiting for us": {"tab": "team"}, "snoozed": {"tab": "snoozed"}, "closed": {"tab": "closed"},
    "search, a rare word": {"search": "kingfisher"}, "search, a common word": {"search": "parcel"}, "search, two common words": {"search": "parcel broken"},
    "search, a name": {"search": "Name77123"}, "search, an order": {"search": "#177123"}, "search, one letter": {"search": "p"}, "search, nothing": {"search": "zzzz"},
    "channel, a rare one": {"channel": "telegram"}, "channel, none": {"channel": "sms"}, "language": {"language": "de"}, "product": {"product": "Product 77"}, "flow, none": {"flow": 1},
}
for name, wanted in ASKED.items():
    times = []
    for _ in range(5):
        started = time.perf_counter(); found = inbox.find(shop=shop, member=member, wanted=inbox.Wanted(**wanted)); times.append(time.perf_counter() - started)
    print(f"{name}|{sorted(times)[2] * 1000:.1f}|{len(found.rows)}")
times = []
for _ in range(5):
    started = time.perf_counter(); inbox.counts(shop=shop, member=member); times.append(time.perf_counter() - started)
print(f"numbers beside the lists|{sorted(times)[2] * 1000:.1f}|3")
"""


def _python(environment: dict[str, str], script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def main(folder: Path, postgres_url: str | None) -> None:
    heading(f"The inbox ({COUNT:,} conversations, {3 * COUNT:,} messages of one shop; median of 5, milliseconds)")
    for name, url in (("PostgreSQL", postgres_url), ("SQLite", f"sqlite:///{folder}/inbox.sqlite3")):
        if not url:
            continue
        with redis_server(folder) as redis_url:
            environment = base_environment(folder, url) | {"REDIS_URL": redis_url}
            manage(environment, "migrate", "-v0")
            _python(environment, SEED, str(COUNT))
            for line in _python(environment, ASK).splitlines():
                what, spent, found = line.split("|")
                row(f"{what}, {name}", f"{spent} ms", f"{found} rows", float(spent), "≤ 100 ms")
