"""Carries webhooks to the app, one line per sender, in order; tries again where the app does not say 2xx.

Without `app_url` nothing is carried: a test takes the deliveries with `take()` and hands them to the app itself.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from demo.faults import Faults

RETRY_SECONDS = (1, 2, 4, 8, 15, 30, 60, 120)  # Shopify: 8 times over 4 hours; here the same number, sooner
DISORDER_WINDOW = 0.4  # seconds in which deliveries are collected and turned round
LOG_LENGTH = 400


@dataclass
class Delivery:
    sender: str
    path: str
    headers: dict[str, str]
    body: bytes
    label: str = ""
    tries: int = 0
    status: int = 0  # 0: no answer yet
    done: bool = False
    before: Callable[[], None] | None = field(default=None, repr=False)
    heard: Callable[[bytes], None] | None = field(default=None, repr=False)  # told what the app answered


class Courier:
    def __init__(self, app_url: str, faults: Faults):
        self.app_url = app_url.rstrip("/")
        self.faults = faults
        self.lines: dict[str, _Line] = {}
        self.log: list[Delivery] = []
        self.waiting: list[Delivery] = []  # only without app_url
        self.lock = threading.Lock()
        # A connection each, as from many senders. To this machine only: no certificates are read (20 ms).
        self.http = httpx.Client(
            timeout=5, trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def send(self, delivery: Delivery) -> Delivery:
        with self.lock:
            self.log.append(delivery)
            del self.log[:-LOG_LENGTH]
            if not self.app_url:
                self.waiting.append(delivery)
                return delivery
            line = self.lines.get(delivery.sender)
            if line is None:
                line = self.lines[delivery.sender] = _Line(self)
        line.put(delivery)
        return delivery

    def send_now(self, delivery: Delivery) -> None:
        """In the caller's thread, before anything else happens (a status that overtakes its answer)."""
        with self.lock:
            self.log.append(delivery)
            if not self.app_url:
                self.waiting.append(delivery)
                return
        self.carry(delivery)

    def take(self, sender: str = "") -> list[Delivery]:
        with self.lock:
            found = [each for each in self.waiting if not sender or each.sender == sender]
            self.waiting = [each for each in self.waiting if each not in found]
        return found

    def carry(self, delivery: Delivery) -> None:
        delivery.tries += 1
        try:
            reply = self.http.post(self.app_url + delivery.path, content=delivery.body, headers=delivery.headers)
            delivery.status = reply.status_code
        except httpx.HTTPError:
            delivery.status = -1
        delivery.done = 200 <= delivery.status < 300
        if delivery.done and delivery.heard:
            delivery.heard(reply.content)

    def idle(self, timeout: float = 30) -> bool:
        """Wait until everything is delivered."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with self.lock:
                lines = list(self.lines.values())
            if all(line.idle for line in lines):
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        for line in self.lines.values():
            line.stopped = True
            line.ring.set()


class _Line:
    def __init__(self, courier: Courier):
        self.courier = courier
        self.heap: list[tuple[float, int, Delivery]] = []
        self.numbers = itertools.count()
        self.lock = threading.Lock()
        self.ring = threading.Event()
        self.busy = False
        self.stopped = False
        threading.Thread(target=self.work, name="demo-courier", daemon=True).start()

    @property
    def idle(self) -> bool:
        with self.lock:
            return not self.heap and not self.busy

    def put(self, delivery: Delivery, after: float = 0) -> None:
        with self.lock:
            number = next(self.numbers)
            at = time.monotonic() + after
            if self.courier.faults.switches["disorder"] and not after:
                at, number = at - at % DISORDER_WINDOW + DISORDER_WINDOW, -number  # turned round
            heapq.heappush(self.heap, (at, number, delivery))
        self.ring.set()

    def work(self) -> None:
        while not self.stopped:
            with self.lock:
                at = self.heap[0][0] if self.heap else None
                due = at is not None and at <= time.monotonic()
                delivery = heapq.heappop(self.heap)[2] if due else None
                self.busy = due
                if not due:
                    self.ring.clear()
            if delivery is None:
                self.ring.wait(None if at is None else max(0.005, at - time.monotonic()))
                continue
            self.courier.carry(delivery)
            if not delivery.done and delivery.tries <= len(RETRY_SECONDS):
                self.put(delivery, after=RETRY_SECONDS[delivery.tries - 1])
            with self.lock:
                self.busy = False
