"""Messages out: due rows to a stand-in network that takes 30 ms, by two real workers; beside a bare loop of the same calls."""

import subprocess
import sys
import time
from pathlib import Path

from bench.machinery import (
    ROOT,
    base_environment,
    free_port,
    heading,
    manage,
    process,
    redis_server,
    row,
    wait_for_port,
)

COUNT = 6000  # of SHOPS shops: one WhatsApp number takes 80 a second
SHOPS = 200
IN_FLIGHT = 96  # as services.delivery.IN_FLIGHT
SEED = """
import django; django.setup()
from post_purchase.models import ConsentEntry, Contact, ContactPoint, Conversation, Message
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests import factories
import sys
count, turn, shops_wanted = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
now = clock.now()
shops = [factories.make_shop(f"bench-{n}.myshopify.com") for n in range(shops_wanted)]
for n, shop in enumerate(shops):
    if not shop.channels.exists():
        factories.make_channel(shop, account_id=str(n))
contacts = Contact.objects.bulk_create([Contact(shop=shops[n % shops_wanted], language="en", timezone="UTC") for n in range(count)])
points = ContactPoint.objects.bulk_create([ContactPoint(shop=c.shop, contact=c, kind=ChannelKind.WHATSAPP, address=f"US.{turn}{n}", last_inbound_at=now) for n, c in enumerate(contacts)])
talks = Conversation.objects.bulk_create([Conversation(shop=c.shop, contact=c) for c in contacts])
ConsentEntry.objects.bulk_create([ConsentEntry(shop=p.shop, contact=p.contact, point=p, kind=p.kind, purpose=Purpose.SERVICE, state="granted", method="bench", dedupe_key=f"b{turn}:{p.pk}", recorded_at=now) for p in points])
Message.objects.bulk_create([Message(shop=t.shop, conversation=t, contact=t.contact, point=p, fixed_point=True, direction=Direction.OUT, author=Author.ANSWER, purpose=Purpose.SERVICE, content={"text": "Your order is on its way"}, text="Your order is on its way", status=MessageStatus.QUEUED, dedupe_key=f"b{turn}:{n}", ref=new_code(), happened_at=now, next_attempt_at=now) for n, (t, p) in enumerate(zip(talks, points))])
"""
LEFT = """
import django; django.setup()
from post_purchase.models import Message
print(Message.objects.filter(next_attempt_at__isnull=False).count(), Message.objects.exclude(status="sent").count())
"""
READY = "print('ready', flush=True); input()\n"
WORK = f"import django; django.setup()\nfrom post_purchase.jobs.messages import send_messages\n{READY}send_messages()"
BARE = """
import django; django.setup()
import sys
from concurrent.futures import ThreadPoolExecutor
from django.conf import settings
from shopapp.lib import http
def one(n):
    http.request("POST", settings.META_GRAPH_ORIGIN + "/v25.0/1/messages", json={"n": n})
print("ready", flush=True); input()
with ThreadPoolExecutor(int(sys.argv[2])) as threads:
    list(threads.map(one, range(int(sys.argv[1]))))
"""


def _python(environment: dict[str, str], script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def _timed(environment: dict[str, str], script: str, *arguments: str) -> float:
    """Two processes at once, from the moment at which both are ready until both are done."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-c", script, *arguments]
    running = [subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) for _ in range(2)]
    for each in running:
        each.stdout.readline()
    started = time.perf_counter()
    for each in running:
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in running:
        each.wait()
    return time.perf_counter() - started


def main(folder: Path, postgres_url: str | None) -> None:
    heading(
        f"Messages out ({COUNT} due, a network that takes 30 ms, two workers with {IN_FLIGHT} calls in flight each)"
    )
    for name, url in (("PostgreSQL", postgres_url), ("SQLite", f"sqlite:///{folder}/messages.sqlite3")):
        if not url:
            continue
        port = free_port()
        with redis_server(folder) as redis_url, process([sys.executable, "bench/provider.py", str(port)], {}):
            wait_for_port(port)
            environment = base_environment(folder, url)
            environment |= {"REDIS_URL": redis_url, "META_GRAPH_ORIGIN": f"http://127.0.0.1:{port}"}
            manage(environment, "migrate", "-v0")
            bare = COUNT / _timed(environment, BARE, str(COUNT // 2), str(IN_FLIGHT))
            rates = []
            for turn in range(3):
                _python(environment, SEED, str(COUNT), str(turn), str(SHOPS))
                spent = _timed(environment, WORK)
                left, unsent = map(int, _python(environment, LEFT).split())
                if left or unsent:
                    print(f"(run {turn}: {left} still waiting, {unsent} not sent)")
                rates.append((COUNT - left) / spent)
            rate = sorted(rates)[1]
            row(f"bare loop of the same calls ({name})", f"{bare:.0f}/s", "", 1.0)
            row(
                f"claimed, judged, sent, recorded, {name}",
                f"{rate:.0f}/s",
                f"{bare:.0f}/s",
                rate / bare,
                "≥ 0.6; 1,000/s",
            )
