"""Adds up what came of everybody. Its size follows the flows and their messages, not the number of people. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from post_purchase.flows.definition import FlowDocument
from post_purchase.flows.describing import title_of
from post_purchase.services.arbiter import PROMOTIONS
from post_purchase.words import ChannelKind

from .costs import Bill, category_of
from .player import Outcome, Told
from .world import OrderPast, Person, PlayedFlow

CLOSE = timedelta(hours=1)  # two flows that speak within it speak at once
MOST_REASONS = 40
REASONS = (  # to look at one person
    "Got the most messages",
    "Gave a review",
    "Sent a photo",
    "Was handed to a person",
    "A message waited",
    "A message did not go",
    "Wrote STOP",
    "Several orders",
    "Never opened the chat",
)
MOST_BARS = 12  # of the histogram; the last one is "this many or more"
_AGO = re.compile(r"\d+ hours ago")


_FIELDS = {
    "reminder": "reminder", "retry_message": "asked again", "more_question": "after the stars",
    "more_question_low": "after few stars", "photo_question": "asking for a photo",
    "photo_reminder": "reminder of the photo",
}  # fmt: skip


def message_titles(document: FlowDocument) -> dict[str, str]:
    """What the path calls the step that says each message."""
    found: dict[str, str] = {}
    for name, step in document.steps.items():
        title = title_of(name, {"title": step.title})
        for field, message in step.messages():
            found.setdefault(message, f"{title}: {_FIELDS[field]}" if field in _FIELDS else title)
    return found


class Tally:
    """`add` everybody, then `to_json`."""

    def __init__(self, flows: Sequence[PlayedFlow]):
        self.flows = list(flows)
        self.templates = {
            (flow.key, name): spec.template.category if spec.template else ""
            for flow in flows
            for name, spec in flow.document.messages.items()
        }
        self.purposes = {
            (flow.key, name): spec.purpose.value for flow in flows for name, spec in flow.document.messages.items()
        }
        self.titles = {
            (flow.key, name): title for flow in flows for name, title in message_titles(flow.document).items()
        }
        self.own = next((flow for flow in flows if flow.rehearsed), None)
        self.orders = self.people = self.opened = self.heard = self.reached = 0
        self.outcomes: Counter[str] = Counter()
        self.started: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.active: Counter[str] = Counter()
        self.messages: Counter[tuple[str, str, str]] = Counter()  # (flow, message, outcome)
        self.languages: Counter[str] = Counter()
        self.channels: Counter[str] = Counter()
        self.per_person: Counter[int] = Counter()
        self.held: Counter[str] = Counter()
        self.not_sent: Counter[str] = Counter()
        self.clashes: Counter[tuple[str, str]] = Counter()
        self.not_started: Counter[tuple[str, str]] = Counter()
        self.missing: Counter[tuple[str, str]] = Counter()
        self.unknown: Counter[str] = Counter()  # of orders: what we would like to know
        self.problems: Counter[tuple[str, str]] = Counter()
        self.other: Counter[str] = Counter()
        self.bill, self.own_bill = Bill(), Bill()
        self.examples: dict[str, list[tuple[int, str]]] = {}  # why: (messages, person's key), most first

    def add(self, person: Person, outcome: Outcome) -> None:
        self.people += 1
        self.orders += len(person.orders)
        self.opened += outcome.opened
        self.heard += outcome.heard
        self.started.update(outcome.started)
        self.ended.update(outcome.ended)
        self.active.update(outcome.active)
        self.not_started.update(outcome.not_started)
        self.other.update(outcome.other)
        self.missing.update(outcome.missing)
        self.problems.update(outcome.problems)
        for order in person.orders:
            self._unknown(order)
        sent = [told for told in outcome.told if told.at is not None]
        self.per_person[len(sent)] += 1
        self.reached += any(self._is_own(told) for told in sent)
        for told in outcome.told:
            self._message(told)
        self._clashes(sent)
        self._examples(person, outcome, len(sent))

    def _unknown(self, order: OrderPast) -> None:
        row = order.row
        for name, known in (
            ("the shopper's language: your default language is used", row.language),
            ("the shopper's time zone: your shop's is used", row.timezone),
            ("the shopper's name", row.contact.first_name if row.contact else ""),
            ("the day on which it was expected", row.estimated_delivery_at),
            ("any parcel", order.facts["parcels"] or not row.requires_shipping),
        ):
            if not known:
                self.unknown[name] += 1

    def _message(self, told: Told) -> None:
        self.outcomes[told.outcome] += 1
        self.messages[told.flow, told.message, told.outcome] += 1
        if told.held:
            self.outcomes["held"] += 1
            self.messages[told.flow, told.message, "held"] += 1
            self.held[_plain(told.held.partition(": ")[2] or told.held)] += 1
        if told.outcome == "not_sent":
            self.not_sent[_plain(told.reason)] += 1
        if told.at is None:
            return
        self.languages[told.language] += 1
        self.channels[told.kind] += 1
        template = self.templates.get((told.flow, told.message), "")
        category = category_of(told.kind, told.mode, told.purpose.value, template)
        for bill in (self.bill, self.own_bill) if self._is_own(told) else (self.bill,):
            bill.add(kind=told.kind, category=category, country=told.country, at=told.at)

    def _is_own(self, told: Told) -> bool:
        return self.own is not None and told.flow == self.own.key

    def _clashes(self, sent: list[Told]) -> None:
        """Two flows that speak to one person within an hour."""
        sent.sort(key=_when)
        for one, other in pairwise(sent):
            if one.flow != other.flow and one.at and other.at and other.at - one.at < CLOSE:
                self.clashes[one.flow, other.flow] += 1

    def _examples(self, person: Person, outcome: Outcome, sent: int) -> None:
        """A few people for each thing worth looking at: who got the most messages."""
        holding = (
            sent > 0,
            outcome.other.get("reviews", 0) > 0,
            outcome.other.get("photos", 0) > 0,
            outcome.other.get("hand_offs", 0) > 0,
            any(told.held for told in outcome.told),
            any(told.outcome == "not_sent" for told in outcome.told),
            outcome.other.get("stops", 0) > 0,
            len(person.orders) > 1 and sent > 0,
            not outcome.opened,
        )
        for why, holds in zip(REASONS, holding, strict=True):
            if holds:
                found = self.examples.setdefault(why, [])
                found.append((sent, person.key))
                found.sort(key=lambda one: -one[0])
                del found[len(REASONS) :]

    def _chosen(self) -> list[tuple[str, str, int]]:
        """One person for each, another one each time where there are others."""
        chosen: list[tuple[str, str, int]] = []
        for why in REASONS:
            found = self.examples.get(why, [])
            seen = {key for _, key, _ in chosen}
            for sent, key in [one for one in found if one[1] not in seen] or found[:1]:
                chosen.append((why, key, sent))
                break
        return chosen

    def _own(self) -> dict[str, Any]:
        """Of the flow that is rehearsed, alone. Free messages of a month are counted as if there were no other flow."""
        if self.own is None:
            return {}
        key = self.own.key
        figures = dict.fromkeys(("sent", "held", "waiting", "not_sent"), 0)
        for (flow, _, what), number in self.messages.items():
            if flow == key:
                figures[what] += number
        cost = self.own_bill.to_json()["total"]
        return {"heard": self.heard, "started": self.started[key], "reached": self.reached, "cost": cost, **figures}

    def to_json(self) -> dict[str, Any]:
        names = {flow.key: flow.name for flow in self.flows}
        return {
            "orders": self.orders,
            "people": self.people,
            "opened": self.opened,
            "own": self._own(),
            "outcomes": {name: self.outcomes[name] for name in ("sent", "held", "waiting", "not_sent")},
            "flows": [
                {
                    "key": flow.key,
                    "name": flow.name,
                    "rehearsed": flow.rehearsed,
                    "started": self.started[flow.key],
                    "ended": self.ended[flow.key],
                    "active": self.active[flow.key],
                    "sent": sum(n for (key, _, what), n in self.messages.items() if key == flow.key and what == "sent"),
                }
                for flow in self.flows
            ],
            "messages": [
                {
                    "flow": key,
                    "message": message,
                    "purpose": self.purposes.get((key, message), ""),
                    "title": self.titles.get((key, message), ""),
                    **{what: self.messages[key, message, what] for what in ("sent", "held", "waiting", "not_sent")},
                }
                for key, message in sorted({(key, message) for key, message, _ in self.messages})
            ],
            "promotions": sum(
                n
                for (key, message, what), n in self.messages.items()
                if what == "sent" and self.purposes.get((key, message)) in PROMOTIONS
            ),
            "languages": self.languages.most_common(),
            "channels": [[ChannelKind(kind).label, n] for kind, n in self.channels.most_common()],
            "histogram": self._histogram(),
            "most": max(self.per_person, default=0),
            "held": self.held.most_common(MOST_REASONS),
            "not_sent": self.not_sent.most_common(MOST_REASONS),
            "clashes": [[names.get(a, a), names.get(b, b), n] for (a, b), n in self.clashes.most_common(MOST_REASONS)],
            "not_started": [[names.get(a, a), why, n] for (a, why), n in self.not_started.most_common(MOST_REASONS)],
            "missing": [[names.get(a, a), what, n] for (a, what), n in self.missing.most_common(MOST_REASONS)],
            "unknown": self.unknown.most_common(),
            "problems": [[names.get(a, a), what, n] for (a, what), n in self.problems.most_common(MOST_REASONS)],
            "other": dict(sorted(self.other.items())),
            "cost": self.bill.to_json(),
            "examples": [list(one) for one in self._chosen()],
        }

    def _histogram(self) -> list[list[int]]:
        most = max(self.per_person, default=0)
        bars = [[number, self.per_person[number]] for number in range(min(most, MOST_BARS - 1) + 1)]
        if most >= MOST_BARS:
            bars.append([MOST_BARS, sum(n for number, n in self.per_person.items() if number >= MOST_BARS)])
        return bars


def difference(draft: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """What the draft changes against what is live now: messages that are more, fewer, new or gone, and the bill."""

    def sent(result: Mapping[str, Any]) -> dict[tuple[str, str], int]:
        return {(row["flow"], row["message"]): row["sent"] for row in result["messages"]}

    after, before = sent(draft), sent(live)
    rows = [
        {"flow": key[0], "message": key[1], "now": before.get(key, 0), "then": after.get(key, 0)}
        for key in sorted(before.keys() | after.keys())
        if before.get(key, 0) != after.get(key, 0)
    ]
    return {
        "rows": rows,
        "sent": {"now": live["outcomes"]["sent"], "then": draft["outcomes"]["sent"]},
        "cost": {"now": live["cost"]["total"], "then": draft["cost"]["total"]},
        "most": {"now": live["most"], "then": draft["most"]},
    }


def _when(told: Told) -> float:
    return told.at.timestamp() if told.at else 0.0


def _plain(reason: str) -> str:
    """One reason for all hours and days."""
    return _AGO.sub("some hours ago", reason)
