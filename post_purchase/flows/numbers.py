"""How a flow does, step by step and version by version: three queries, whatever the flow and however many runs.

All numbers are of the same runs: the newest of the last 90 days.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from django.db.models import Count

from post_purchase.models import Flow, FlowRun, Message, RunStatus
from post_purchase.words import Direction, MessageStatus
from shopapp.lib import clock

from .engine import ALWAYS_EXITS
from .paths import steps_of

NEWEST = 5_000  # runs
DAYS = 90
_GONE_OUT = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
# The moment, the place and the hours in a reason are of one message; the reason is of many.
_SAME_REASON = (
    (re.compile(r"^Held until .*?\d\d:\d\d(?: in [^:]+)?: "), "Held: "),
    (re.compile(r"last wrote \d+ hours? ago"), "last wrote too long ago"),
    (re.compile(r"left the web chat \d+ hours? ago"), "left the web chat"),
    (re.compile(r"(told the same) (?:just now|\d+ \w+ ago)$"), r"\1"),
)


def grouped(reason: str) -> str:
    for pattern, words in _SAME_REASON:
        reason = pattern.sub(words, reason)
    return reason


@dataclass
class StepNumbers:
    entered: int = 0
    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    answered: int = 0
    exited: int = 0
    failed: int = 0
    suppressed: int = 0
    held: int = 0
    left_out: int = 0  # nothing was written for these: a value was not known, the news was old
    reasons: Counter[str] = field(default_factory=Counter)  # why messages were held, left out, suppressed or failed
    exits: Counter[str] = field(default_factory=Counter)

    @property
    def shown(self) -> list[tuple[str, int]]:
        names = (
            "entered", "waiting", "sent", "delivered", "read", "answered", "exited", "held", "left_out", "suppressed",
            "failed",
        )  # fmt: skip
        return [(name.replace("_", " "), number) for name in names if (number := getattr(self, name))]

    @property
    def why(self) -> list[tuple[str, int]]:
        return [*self.reasons.most_common(6), *self.exits.most_common(4)]

    def __add__(self, other: "StepNumbers") -> "StepNumbers":
        return StepNumbers(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass
class Tally:
    """Who came to one version, or to one variant of an experiment, and which goals they reached."""

    entered: int = 0
    goals: Counter[str] = field(default_factory=Counter)


Steps = defaultdict[str, StepNumbers]


@dataclass
class FlowNumbers:
    began: int = 0
    whole: bool = True  # False: more than NEWEST began in that time
    versions: defaultdict[int, Steps] = field(default_factory=lambda: defaultdict(lambda: defaultdict(StepNumbers)))
    reached: defaultdict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))  # by version
    # {(version, experiment's step): {variant: tally}}
    variants: defaultdict[tuple[int, str], defaultdict[str, Tally]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Tally))
    )

    @property
    def range(self) -> str:
        if not self.whole:
            return f"Of the newest {self.began:,} who began, in the last {DAYS} days"
        return f"Of the {self.began:,} who began in the last {DAYS} days" if self.began != 1 else "Of the one who began"

    @property
    def steps(self) -> dict[str, StepNumbers]:
        return self.of(self.versions)

    def of(self, versions: Iterable[int]) -> dict[str, StepNumbers]:
        """{step id: numbers} of these versions together."""
        found: dict[str, StepNumbers] = {}
        for version in versions:
            for step, numbers in self.versions.get(version, {}).items():
                found[step] = found.get(step, StepNumbers()) + numbers
        return found


def numbers_of(flow: Flow, document: Mapping[str, Any]) -> FlowNumbers:
    since = clock.now() - timedelta(days=DAYS)
    found = FlowNumbers()
    steps = steps_of(document)
    saved = {name: str(step["save_as"]) for name, step in steps.items() if step.get("save_as")}
    saved |= {name: "rating" for name, step in steps.items() if step.get("kind") == "collect_review"}
    runs = FlowRun.objects.filter(flow=flow, started_at__gte=since)
    oldest = 0
    for pk, version, state in runs.order_by("-pk").values_list("pk", "version_id", "state")[:NEWEST]:
        oldest = pk
        found.began += 1
        _way(found, version, state, saved)
    found.whole = found.began < NEWEST
    _standing(found, runs.filter(pk__gte=oldest), document)
    _messages(found, Message.objects.filter(run__flow=flow, run__started_at__gte=since, run__gte=oldest))
    return found


def _way(found: FlowNumbers, version: int, state: Mapping[str, Any], saved: Mapping[str, str]) -> None:
    answers, steps = state.get("answers", {}), found.versions[version]
    for step in state.get("seen", {}):
        steps[step].entered += 1
        steps[step].answered += step in saved and saved[step] in answers
    for one in state.get("left_out", ()):
        steps[one["step"]].left_out += 1
        steps[one["step"]].reasons[grouped(one["why"])] += 1
    tallies = [found.reached[version]]
    for name, drawn in answers.items():
        if name.startswith("variant_"):
            tallies.append(found.variants[version, name.removeprefix("variant_")][str(drawn)])
    for tally in tallies:
        tally.entered += 1
        tally.goals.update(list(answers.get("goals", {})))


def _standing(found: FlowNumbers, runs: Any, document: Mapping[str, Any]) -> None:
    early = {str(part.get("reason")) for part in document.get("exits") or []} | set(ALWAYS_EXITS.values())
    rows = runs.order_by().values_list("version_id", "at_steps", "status", "ended_reason").annotate(people=Count("pk"))
    for version, at_steps, status, reason, people in rows:
        for step in at_steps.split():
            made = found.versions[version][step]
            if status == RunStatus.ACTIVE:
                made.waiting += people
            elif status == RunStatus.ENDED and (reason in early or reason.startswith("Goal reached")):
                made.exited += people
                made.exits[reason] += people


def _messages(found: FlowNumbers, messages: Any) -> None:
    rows = messages.filter(direction=Direction.OUT).order_by()
    told = rows.values_list("run__version_id", "step_id", "status", "reason").annotate(number=Count("pk"))
    for version, step, status, reason, number in told:
        made = found.versions[version][step]
        if status in _GONE_OUT:
            made.sent += number
            made.delivered += number if status != MessageStatus.SENT else 0
            made.read += number if status == MessageStatus.READ else 0
            continue
        if status == MessageStatus.SUPPRESSED:
            made.suppressed += number
        elif status == MessageStatus.FAILED:
            made.failed += number
        elif status == MessageStatus.HELD:
            made.held += number
        if reason:
            made.reasons[grouped(reason)] += number
