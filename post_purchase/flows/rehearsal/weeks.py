"""One person, the virtual clock, and what is known at each moment. The files that build on this one make them act."""

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any

from post_purchase.flows.state import Event
from post_purchase.models import ContactPoint
from post_purchase.words import Purpose

from .assumptions import Assumptions, Chance
from .history import beginning
from .memory import Memory
from .record import OrderPlay, Outcome, Pending, Run, Watcher
from .world import Address, Cast, Person, Theatre


class Weeks(ABC):
    """The state of one person's weeks."""

    @abstractmethod
    def _hear(
        self,
        kind: str,
        order: OrderPlay | None,
        parcel: int | None = None,
        data: dict[str, Any] | None = None,
        *,
        key: str,
        by: Address | None = None,
        run: Run | None = None,
    ) -> None: ...

    @abstractmethod
    def _start(self, event: Event, order: OrderPlay | None, taken: set[str] | None = None) -> bool: ...

    @abstractmethod
    def _apply(self, run: Run, event: Event, by: Address | None) -> None: ...

    @abstractmethod
    def _cancel(self, run: Run, reason: str) -> None: ...

    @abstractmethod
    def _answered(self, pending: Pending) -> None: ...

    @abstractmethod
    def _wrote_or_bought(self) -> None: ...

    def __init__(
        self,
        person: Person,
        theatre: Theatre,
        cast: Cast,
        assumed: Assumptions,
        chance: Chance,
        watcher: Watcher | None = None,
    ):
        self.person, self.theatre, self.cast = person, theatre, cast
        self.assumed, self.chance, self.watcher = assumed, chance, watcher
        self.outcome = Outcome()
        self.queue: list[tuple[datetime, int, int, Callable[[], None]]] = []
        self.turn = 0
        self.now = theatre.since
        self.runs: list[Run] = []
        self.by_subject: dict[tuple[str, str], Run] = {}
        self.last_start: dict[tuple[str, str], datetime] = {}
        self.addresses = [
            Address(_copy(each.row), each.channel, each.granted, each.withdrawn, each.blocked, set(each.bound))
            for each in person.addresses
        ]
        self.handed_off = False
        self.memory = Memory()
        self.wrote_at: datetime | None = None
        self.last_word: datetime | None = None  # bought or wrote
        self.ratings: list[int] = []  # newest last
        self.without_photo: dict[int, dict[str, Any]] = {}  # run: its review
        self.consent: dict[str, bool] = {}
        self.orders = [OrderPlay(past, beginning(past.facts)) for past in person.orders]
        self.contact: dict[str, Any] = {}
        self._share_facts()

    def _later(self, at: datetime, rank: int, do: Callable[[], None]) -> None:
        self.turn += 1
        heapq.heappush(self.queue, (at, rank, self.turn, do))

    def _share_facts(self) -> None:
        """The person is one, however many orders: a tag that one run sets, another one sees."""
        known: dict[str, Any] = next((order.facts["contact"] for order in self.orders), {})
        self.contact = dict(known)
        for order in self.orders:
            order.facts["contact"] = self.contact
            order.facts["conversation"] = {"started": False, "handed_off": False}
            order.facts["consent"] = self.consent
            if self.person.contact_id is None:
                self.contact["known"] = False

    def _refresh_consent(self) -> None:
        for purpose in Purpose:
            self.consent[purpose.value] = any(purpose in each.granted for each in self.addresses)
        for order in self.orders:
            order.facts["conversation"]["started"] = any(
                order.pk in each.bound and Purpose.UTILITY in each.granted and not each.blocked
                for each in self.addresses
            )
        self.contact["known"] = self.person.contact_id is not None or any(
            order.facts["conversation"]["started"] for order in self.orders
        )


def _copy(row: ContactPoint) -> ContactPoint:
    """With the time of the last word taken off: the play sets it."""
    return ContactPoint(kind=row.kind, address=row.address, phone=row.phone, account_id=row.account_id)
