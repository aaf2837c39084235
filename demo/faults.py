"""What goes wrong on demand. A fault waits at a place and is taken by the next call that passes there.

Places: see PLACES.
Kinds: `status` (answer this HTTP status, nothing done), `drop` (do the work, never answer), `slow` (do the work,
answer after `seconds`), `throttled` (the network's own "slow down"), `error` (the network's own error `code`),
`status_first` (status callbacks reach the app before the answer to the send does).
Switches, on until turned off: `duplicate` (every webhook twice), `disorder` (webhooks turned round).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.server import Reply

PLACES = (
    "shopify.graphql",
    "shopify.token",
    "whatsapp.send",
    "whatsapp.media",
    "messenger.send",
    "instagram.send",
    "telegram.send",
    "twilio.send",
)
KINDS = ("status", "drop", "slow", "throttled", "error", "status_first")


@dataclass
class Fault:
    place: str
    kind: str
    times: int = 1
    status: int = 503
    code: int = 0
    seconds: float = 12.0


@dataclass
class Faults:
    waiting: list[Fault] = field(default_factory=list)
    switches: dict[str, bool] = field(default_factory=lambda: {"duplicate": False, "disorder": False})
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, place: str, kind: str, **options: Any) -> Fault:
        if place not in PLACES or kind not in KINDS:
            raise ValueError(f"No such fault: {kind} at {place}")
        fault = Fault(place, kind, **options)
        with self.lock:
            self.waiting.append(fault)
        return fault

    def take(self, place: str) -> Fault | None:
        with self.lock:
            for fault in self.waiting:
                if fault.place == place:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.waiting.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        with self.lock:
            self.waiting.clear()
            self.switches.update(duplicate=False, disorder=False)

    @staticmethod
    def apply(fault: Fault | None, work: Callable[[], Reply]) -> Reply:
        """`status`, `drop` and `slow` are the same everywhere; the caller knows the rest."""
        if fault is None:
            return work()
        if fault.kind == "status":
            return Reply({"error": {"message": "fault on demand"}}, status=fault.status)
        reply = work()
        if fault.kind == "drop":
            reply.dropped = True
        elif fault.kind == "slow":
            time.sleep(fault.seconds)
        return reply
