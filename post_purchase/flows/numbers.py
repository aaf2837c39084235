"""How a flow does, step by step: a constant number of queries, whatever the flow and however many runs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count

from post_purchase.models import Flow, FlowRun, Message, RunStatus
from post_purchase.words import Direction, MessageStatus
from shopapp.lib import clock

from .engine import ALWAYS_EXITS
from .paths import steps_of

NEWEST = 5_000  # runs whose way is looked at
DAYS = 90
_GONE_OUT = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)


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


def numbers_of(flow: Flow, document: Mapping[str, Any]) -> dict[str, StepNumbers]:
    """{step id: numbers} of the newest runs of the last 90 days. Three queries."""
    since = clock.now() - timedelta(days=DAYS)
    found: dict[str, StepNumbers] = {}
    steps = steps_of(document)
    saved = {name: str(step["save_as"]) for name, step in steps.items() if step.get("save_as")}
    saved |= {name: "rating" for name, step in steps.items() if step.get("kind") == "collect_review"}
    runs = FlowRun.objects.filter(flow=flow, started_at__gte=since)
    for state in runs.order_by("-pk").values_list("state", flat=True)[:NEWEST]:
        answers, seen = state.get("answers", {}), state.get("seen", {})
        for step in seen:
            made = found.setdefault(step, StepNumbers())
            made.entered += 1
            made.answered += step in saved and saved[step] in answers
        for one in state.get("left_out", ()):
            made = found.setdefault(one["step"], StepNumbers())
            made.left_out += 1
            made.reasons[one["why"]] += 1
    _standing(found, runs, document)
    _messages(found, flow, since)
    return found


def _standing(found: dict[str, StepNumbers], runs: Any, document: Mapping[str, Any]) -> None:
    early = {str(part.get("reason")) for part in document.get("exits") or []} | set(ALWAYS_EXITS.values())
    rows = runs.order_by().values_list("at_steps", "status", "ended_reason").annotate(people=Count("pk"))
    for at_steps, status, reason, people in rows:
        for step in at_steps.split():
            made = found.setdefault(step, StepNumbers())
            if status == RunStatus.ACTIVE:
                made.waiting += people
            elif status == RunStatus.ENDED and (reason in early or reason.startswith("Goal reached")):
                made.exited += people
                made.exits[reason] += people


def _messages(found: dict[str, StepNumbers], flow: Flow, since: Any) -> None:
    rows = Message.objects.filter(run__flow=flow, run__started_at__gte=since, direction=Direction.OUT).order_by()
    for step, status, reason, number in rows.values_list("step_id", "status", "reason").annotate(number=Count("pk")):
        made = found.setdefault(step, StepNumbers())
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
            made.reasons[reason] += number
