"""People inside a flow when a new version goes live: who waits where, and how they go on in it.

Each run is moved by an event in its own log, so the log still tells the whole story. Rows that are moved are found
again by the cursor of their RunMove.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet

from post_purchase.models import Flow, FlowRun, FlowVersion, RunMove, RunStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from . import paths, runs
from .claiming import claim_due, give_up_or_wait, trouble
from .definition import DocumentError, FlowDocument
from .state import MOVED, Event
from .step import Step
from .versions import document_of

log = logging.getLogger("post_purchase.flows")
STAY = "@stay"  # as a target: these people finish with their version
BATCH = 100
LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class Waiting:
    """People who wait at one step of one version."""

    version: int
    number: int
    step: str
    people: int


@dataclass
class Plan:
    """How the runs of one version go on. What the engine reads of it: steps, anew, shift."""

    steps: dict[str, str] = field(default_factory=dict)  # old: new
    stay: list[str] = field(default_factory=list)
    anew: list[str] = field(default_factory=list)  # old steps whose new one is entered, as it is of another kind
    shift: dict[str, int] = field(default_factory=dict)  # old step: seconds by which its wait becomes longer

    def to_json(self) -> dict[str, Any]:
        return {"steps": self.steps, "stay": self.stay, "anew": self.anew, "shift": self.shift}


def inside(flow: Flow, but: Collection[int] = ()) -> list[Waiting]:
    """Who waits where, in the versions that are not `but`. One query; who waits for two things counts at both."""
    rows = _active(flow, but).order_by()
    counted: dict[tuple[int, int, str], int] = {}
    for version, number, steps, people in rows.values_list("version_id", "version__number", "at_steps").annotate(
        people=Count("pk")
    ):
        for step in steps.split():
            counted[version, number, step] = counted.get((version, number, step), 0) + people
    return [Waiting(*key, people) for key, people in sorted(counted.items(), key=lambda one: (-one[0][1], -one[1]))]


def people_inside(flow: Flow, but: Collection[int] = ()) -> int:
    return _active(flow, but).count()


def people_by_version(flow: Flow) -> dict[int, int]:
    return dict(_active(flow, ()).order_by().values_list("version_id").annotate(people=Count("pk")))


def _active(flow: Flow, but: Collection[int]) -> QuerySet[FlowRun]:
    return FlowRun.objects.filter(flow=flow, status=RunStatus.ACTIVE).exclude(version__in=but)


def suggest(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """{old step: new step}: the same step; else the nearest one after it that is still there; else they stay."""
    before, after = paths.steps_of(old), paths.steps_of(new)
    found = {}
    for name, step in before.items():
        if name in after and after[name].get("kind") == step.get("kind"):
            found[name] = name
        else:
            later = [one for one in paths.reach(old, name) if one != name and one in after]
            found[name] = later[0] if later else (name if name in after else STAY)
    return found


def plan(old: FlowDocument, new: FlowDocument, steps: Mapping[str, str], *, retime: bool) -> Plan:
    """Who is at a step without a place in the new version stays in the old one."""
    made = Plan()
    for name in old.steps:
        target = steps.get(name, STAY)
        if target == STAY or target not in new.steps:
            made.stay.append(name)
            continue
        made.steps[name] = target
        was, now = old.steps[name], new.steps[target]
        if was.kind != now.kind or (name != target and _speaks(now)):
            made.anew.append(name)
        elif retime and was != now:
            shift = _longer(was, now)
            if shift is None:
                made.anew.append(name)
            elif shift:
                made.shift[name] = shift
    return made


def _speaks(step: Step) -> bool:
    return any(True for _ in step.messages())


def _longer(was: Any, now: Any) -> int | None:
    """Seconds by which the wait has become longer; None: it is another wait, and is begun anew."""
    if was.kind == "wait":
        same = all(getattr(was, name) == getattr(now, name) for name in ("counted_from", "between", "date", "until"))
        if not same or (was.length is None) != (now.length is None):
            return None
        if was.date and (was.offset != now.offset or was.weekdays != now.weekdays):
            return None
    total = 0
    for name in ("length", "timeout"):
        before, after = getattr(was, name, None), getattr(now, name, None)
        if before is not None and after is not None:
            total += int((after - before).total_seconds())
    return total


@transaction.atomic
def ask_to_move(
    flow: Flow,
    version: FlowVersion,
    chosen: Mapping[tuple[int, str], str],
    *,
    retime: bool,
    user: str,
    leave: Collection[int] = (),
) -> RunMove | None:
    """Note the wish; a job does the work. `chosen`: {(version, old step): new step or STAY}. None: nobody is inside.

    Who is in one of the versions in `leave` is not touched.
    """
    new = document_of(version.pk)
    plans: dict[str, Any] = {}
    versions = _active(flow, {version.pk, *leave})
    for pk in versions.order_by().values_list("version_id", flat=True).distinct():
        try:
            old = document_of(pk)
        except DocumentError:
            continue  # its runs are parked with the problem
        steps = suggest(old.to_json(), new.to_json())
        steps |= {step: target for (number, step), target in chosen.items() if number == pk and step in steps}
        plans[str(pk)] = plan(old, new, steps, retime=retime).to_json()
    if not plans:
        return None
    RunMove.objects.filter(flow=flow, done_at=None).update(
        done_at=clock.now(), next_attempt_at=None, error="A newer version took over"
    )
    now = clock.now()
    move = RunMove.objects.create(
        shop_id=flow.shop_id, flow=flow, to_version=version, plan=plans, asked_by=user[:64], asked_at=now,
        next_attempt_at=now,
    )  # fmt: skip
    wake(Job.MOVE_RUNS)
    return move


def handle_due() -> int:
    """One batch of one move. Returns how many moves were claimed."""
    claimed = claim_due(RunMove.objects.all(), batch=1, lease=LEASE)
    for pk in claimed:
        move = RunMove.objects.get(pk=pk)
        try:
            _some(move)
        except trouble() as error:
            log.exception("flows.move_failed", extra={"move": pk, "flow": move.flow_id})
            give_up_or_wait(move, error)
    return len(claimed)


def _some(move: RunMove) -> None:
    """The next runs after the cursor. Repeating it changes nothing: a run takes the same event once."""
    rows = FlowRun.objects.filter(flow_id=move.flow_id, status=RunStatus.ACTIVE, pk__gt=move.cursor)
    rows = rows.filter(version__in=[int(version) for version in move.plan])
    found = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    for pk in found:
        _one(pk, move)
    over = len(found) < BATCH
    RunMove.objects.filter(pk=move.pk, done_at=None).update(
        attempts=0,
        error="",
        next_attempt_at=None if over else clock.now(),
        done_at=clock.now() if over else None,
    )


@transaction.atomic
def _one(pk: int, move: RunMove) -> None:
    """The person, the count and the cursor in one: whoever goes on for a killed worker counts nobody twice."""
    done = "moved" if _move(pk, move) else "stayed"
    RunMove.objects.filter(pk=move.pk, cursor__lt=pk).update(cursor=pk, **{done: F(done) + 1})


def _move(pk: int, move: RunMove) -> bool:
    run = FlowRun.objects.select_for_update(of=("self",)).get(pk=pk)
    how: dict[str, Any] | None = move.plan.get(str(run.version_id))
    at = {str(thread.get("step")) for thread in run.state.get("threads", [])}
    if how is None or not at or at & set(how["stay"]):
        return False
    data = {
        "version": move.to_version_id,
        "steps": _only(how["steps"], at),
        "anew": [step for step in how["anew"] if step in at],
        "shift": _only(how["shift"], at),
    }
    event = Event(MOVED, f"{MOVED}:{move.pk}", clock.now(), data)
    return runs.apply(run_id=run.pk, event=event, version_id=move.to_version_id)


def _only(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
