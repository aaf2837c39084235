"""Between the messages of a conversation: where a flow wrote none, or ended early, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from post_purchase.flows.state import LeftOut
from post_purchase.models import Contact, FlowRun, RunStatus

NEWEST = 40  # runs of one person that are looked at
USUAL = ("Finished", "No message went", "Goal reached")  # how ends begin that need no line of their own


@dataclass(frozen=True)
class Moment:
    """Drawn as a bubble is: template parts/messages.html."""

    happened_at: datetime
    told: str


def between(
    contact: Contact, bubbles: list[dict[str, Any]], *, oldest: bool, until: datetime | None
) -> list[dict[str, Any]]:
    """The bubbles with the stories at their times. `oldest`: nothing was said before; `until`: when it goes on."""
    since = None if oldest or not bubbles else bubbles[0]["message"].happened_at
    told = [
        moment
        for moment in stories(contact)
        if (since is None or moment.happened_at >= since) and (until is None or moment.happened_at < until)
    ]
    found = list(bubbles)
    for moment in told:
        later = (at for at, one in enumerate(found) if one["message"].happened_at > moment.happened_at)
        found.insert(next(later, len(found)), {"message": moment, "told": moment.told})
    return found


def stories(contact: Contact) -> list[Moment]:
    """In the order in which they happened. One query."""
    early = Q(status=RunStatus.ENDED) & ~Q(ended_reason="")
    for usual in USUAL:
        early &= ~Q(ended_reason__startswith=usual)
    runs = contact.runs.filter(early | Q(state__has_key="left_out")).select_related("flow", "order").order_by("-pk")
    return sorted((moment for run in runs[:NEWEST] for moment in _of(run)), key=lambda one: one.happened_at)


def _of(run: FlowRun) -> Iterator[Moment]:
    name = f"{run.flow.name}{f' for {run.order.name}' if run.order else ''}"
    for one in left_out_of(run):
        yield Moment(one.at, f"{name}: no message. {one.why}.")
    if run.status == RunStatus.ENDED and run.ended_at and not run.ended_reason.startswith(USUAL):
        yield Moment(run.ended_at, f"{name} ended early. {run.ended_reason}.")


def left_out_of(run: FlowRun) -> list[LeftOut]:
    return [LeftOut.from_json(one) for one in run.state.get("left_out", ())]
