"""A run in memory: the real engine and the real words, events in with their times, messages out."""

import itertools
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from post_purchase.flows import effects, engine, shelf
from post_purchase.flows.preview import sample_facts
from post_purchase.flows.state import START, TIMER, Event, RunState
from post_purchase.flows.wording import Composed, compose

T0 = datetime.fromisoformat("2026-03-03T10:00:00+00:00")  # Tuesday, 11:00 in Berlin


@dataclass
class Journey:
    key: str
    language: str = "en"
    now: datetime = T0
    said: list[str] = field(default_factory=list)  # ids of the messages, in order
    texts: list[str] = field(default_factory=list)
    composed: list[tuple[datetime, effects.Say, Composed]] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)  # every other effect
    log: list[tuple[Event, dict[str, Any], datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.document = shelf.ready_made(self.key)
        self.state = RunState()
        self.facts = sample_facts(self.language)
        self.facts["parcels"] = {}
        self.facts["order"]["parcel_count"] = 0
        self._keys = itertools.count(1)

    def parcel(self, pk: int = 1, state: str = "in_transit", **fields: Any) -> None:
        parcel = dict(sample_facts("en")["parcels"]["1"]) | {"id": pk, "state": state} | fields
        self.facts["parcels"] = {**self.facts["parcels"], str(pk): parcel}
        self.facts["order"]["parcel_count"] = len(self.facts["parcels"])

    def start(self, by: str = "", *, parcel: int | None = None, **data: Any) -> list[str]:
        """`by` is the news that the flow's trigger took."""
        return self.hear(START, key="start", parcel=parcel, **({"by": str(by)} if by else {}), **data)

    def hear(self, kind: str, *, key: str = "", parcel: int | None = None, **data: Any) -> list[str]:
        """Hand an event over; returns the ids of the messages that it caused."""
        event = Event(str(kind), key or f"{kind}:{next(self._keys)}", self.now, data, parcel)
        self.log.append((event, deepcopy(self.facts), self.now))
        self.state, wanted = engine.advance(self.document, self.state, event, self.facts, self.now)
        new = []
        for effect in wanted:
            if isinstance(effect, effects.Say):
                composed = compose(self.document, effect, self.facts, self.state.answers)
                assert not composed.missing, composed.missing
                self.last = effect
                self.composed.append((self.now, effect, composed))
                self.texts.append(composed.content.text)
                new.append(effect.message)
            else:
                self.done.append(effect)
        self.said += new
        return new

    def write(self, text: str, **data: Any) -> list[str]:
        return self.hear("message_received", text=text, button_id="", **data)

    def tap(self, choice: str, says: effects.Say | None = None) -> list[str]:
        offered = {place.rpartition(":")[2]: place for place in (says or self.last).choices}
        return self.hear("message_received", text=choice, button_id=offered[choice])

    def send_photo(self, *attachments: int, text: str = "") -> list[str]:
        said = self.write(text, has_media=True)
        return said + self.hear("media_stored", attachments=list(attachments), stored=bool(attachments))

    def pass_time(self, **delta: float) -> list[str]:
        """Every wait that ends on the way ends at its own moment."""
        until, said = self.now + timedelta(**delta), []
        while due := sorted((t.due_at, t.mark) for t in self.state.threads if t.due_at and t.due_at <= until):
            self.now = max(self.now, due[0][0])
            said += self.hear(TIMER, timer=due[0][1])
        self.now = until
        return said

    def did(self, kind: type) -> list[Any]:
        return [effect for effect in self.done if isinstance(effect, kind)]

    @property
    def text(self) -> str:
        return self.texts[-1]
