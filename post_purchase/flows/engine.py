"""advance(): PURE and total. (document, state, event, facts, now) -> (state', effects).

No database, no network, no clock.

The same call serves production, the preview and the tests. A broken document gives a Park effect, never an exception.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from post_purchase.words import EventKind

from . import value_names
from .conditions import Facts, look_up
from .definition import FlowDocument
from .describing import not_known
from .effects import CancelWaiting, Effect, End, GoalReached, Park, Say, Skip, Unsaid
from .state import ACTIVE, ENDED, FINISHED, INTERRUPT, MOVED, PARKED, START, TIMER, Event, LeftOut, RunState, Thread
from .step import Claim, Context, GoTo, Step

MAX_STEPS = 100  # in one advance
MAX_THREADS = 24
MAX_LEFT_OUT = 12  # reasons kept, the newest
MAIN = "main"
# Law and decency, not the document's choice.
ALWAYS_EXITS: Mapping[str, str] = {
    EventKind.OPTED_OUT: "The shopper wrote STOP",
    EventKind.CONTACT_REDACTED: "The shopper's data were erased",
    EventKind.SHOP_UNINSTALLED: "The app was uninstalled",
}
_RECEIVED = EventKind.MESSAGE_RECEIVED.value


def advance(
    document: FlowDocument, state: RunState, event: Event, facts: Facts, now: datetime
) -> tuple[RunState, list[Effect]]:
    """The new state and what is to be done. `state` stays as it is. Unawaited events change nothing."""
    if state.status != ACTIVE:
        return state, []
    try:
        return _Advance(document, state.copy(), event, facts, now).run()
    except Exception as error:  # noqa: BLE001 (whatever a document, an answer or a fact holds: this run stops, and says why)
        return _broken(state, event, error)


def claim(document: FlowDocument, state: RunState, event: Event, facts: Facts, now: datetime) -> Claim:
    """Would this run take this message as an answer? Changes nothing."""
    if state.status != ACTIVE:
        return Claim.NO
    try:
        found = _Advance(document, state.copy(), event, facts, now).claimant()
    except Exception:  # noqa: BLE001 (the same event then stops the run where it is handed over)
        return Claim.YES
    return found[1] if found else Claim.NO


def _broken(state: RunState, event: Event, error: Exception) -> tuple[RunState, list[Effect]]:
    parked = state.copy()
    steps = ", ".join(sorted({thread.step for thread in state.threads})) or "its start"
    parked.status = PARKED
    parked.reason = f"At {steps}, {event.kind.replace('_', ' ')} could not be read ({type(error).__name__})"
    return parked, [Park(problem=parked.reason)]


def waiting_for(document: FlowDocument, state: RunState) -> str:
    """In plain words what an active run waits for."""
    words = []
    for thread in state.threads:
        step = document.steps.get(thread.step)
        if step is not None and (said := step.waiting_for()) and said not in words:
            words.append(said)
    return ", ".join(words)


class _Advance:
    __slots__ = ("document", "effects", "event", "facts", "now", "state", "steps_left")

    def __init__(self, document: FlowDocument, state: RunState, event: Event, facts: Facts, now: datetime):
        self.document, self.state, self.event, self.now = document, state, event, now
        self.effects: list[Effect] = []
        self.steps_left = MAX_STEPS
        self.facts: dict[str, Any] = {
            **facts,
            "answers": state.answers,
            "seen": state.seen,
            "event": {"kind": event.kind, **event.data},
            "parcel": None,
        }

    def run(self) -> tuple[RunState, list[Effect]]:
        kind = self.event.kind
        if kind == INTERRUPT:
            self._end(str(self.event.data.get("reason", "Stopped")))
            return self.state, self.effects
        if self._exits():
            return self.state, self.effects
        if kind == START:
            if not self.state.threads and not self.state.seen:
                self._begin(Thread(MAIN, self.document.start, parcel=self.event.parcel))
        elif kind == TIMER:
            self._timer()
        elif kind == MOVED:
            self._moved()
        elif kind == _RECEIVED:
            taken = self.claimant()
            if taken is not None:
                self._resume(taken[0])
            else:
                self._listen()
        else:
            taken_by = [thread for thread in list(self.state.threads) if self._resume(thread)]
            if not taken_by:
                self._listen()
        self._finish()
        return self.state, self.effects

    def _context(self, thread: Thread) -> Context:
        parcels = self.facts.get("parcels")
        number = thread.parcel if thread.parcel is not None else self.event.parcel
        self.facts["parcel"] = parcels.get(str(number)) if parcels and number is not None else None
        return Context(self.state, thread, self.event, self.facts, self.now, self.document.titles, self.effects)

    def claimant(self) -> tuple[Thread, Claim] | None:
        """Whose answer a message is: a tap names it; else the question asked last; a sure answer first."""
        data = self.event.data
        if data.get("handled"):
            return None
        mark, _, choice = str(data.get("button_id", "")).rpartition(":")
        mark = self.state.moved.get(mark, mark)
        if mark and choice:
            for thread in self.state.threads:
                if thread.mark == mark and (step := self._step(thread)) is not None:
                    return thread, step.claims(self._context(thread))
            return None
        doubtful: tuple[Thread, Claim] | None = None
        for thread in sorted(self.state.threads, key=_asked, reverse=True):
            step = self._step(thread)
            verdict = step.claims(self._context(thread)) if step is not None else Claim.NO
            if verdict == Claim.YES:
                return thread, verdict
            if verdict == Claim.MAYBE and doubtful is None:
                doubtful = thread, verdict
        return doubtful

    def _step(self, thread: Thread) -> Step | None:
        return self.document.steps.get(thread.step)

    def _timer(self) -> None:
        wanted = self.event.data.get("timer")
        for thread in self.state.threads:
            if thread.mark == wanted and thread.due_at is not None and thread.due_at <= self.now:
                self._resume(thread)
                return

    def _moved(self) -> None:
        """`document` is the new version. Who waits goes on waiting at the step that stands for theirs now."""
        data, state = self.event.data, self.state
        for thread in list(state.threads):
            before, mark = thread.step, thread.mark
            target = data.get("steps", {}).get(before, before)
            if target not in self.document.steps:
                self._park("the new version has no such step", str(target))
            elif before in data.get("anew", ()):
                self._walk(thread, target)
            else:
                thread.step = target
                state.seen[target] = max(state.seen.get(target, 0), thread.visit)
                if thread.due_at is not None:
                    thread.due_at += timedelta(seconds=int(data.get("shift", {}).get(before, 0)))
            if thread in state.threads and thread.step == target and thread.mark != mark:
                self._tapped_as(mark, thread.mark)

    def _tapped_as(self, old: str, new: str) -> None:
        """Who taps on the question that was asked before the move answers the one that stands for it now."""
        moved = {name: new if now == old else now for name, now in self.state.moved.items()} | {old: new}
        self.state.moved = dict(list(moved.items())[-MAX_THREADS:])

    def _listen(self) -> None:
        for listener in self.document.listeners:
            if self.event.kind not in listener.news:
                continue
            thread = Thread(self.event.key, listener.goto, parcel=self.event.parcel)
            context = self._context(thread)
            if listener.when is not None and not listener.when.holds(context.facts):
                continue
            if any(other.key == thread.key for other in self.state.threads):
                return
            if len(self.state.threads) >= MAX_THREADS:
                self._park(f"listens to more than {MAX_THREADS} things at once", listener.goto)
                return
            self._begin(thread)
            return

    def _begin(self, thread: Thread) -> None:
        self.state.threads.append(thread)
        self._walk(thread, thread.step)

    def _resume(self, thread: Thread) -> bool:
        """True when the event was for this thread."""
        step = self._step(thread)
        if step is None:
            self._park("there is no such step", thread.step)
            return True
        outcome = step.resume(self._context(thread))
        if outcome is None:
            return False
        if isinstance(outcome, GoTo):
            self._told_why(thread, outcome)
            self._walk(thread, outcome.step)
        return True

    def _walk(self, thread: Thread, target: str | None) -> None:
        state = self.state
        while target is not None and state.status == ACTIVE:
            step = self.document.steps.get(target)
            if step is None:
                self._park("there is no such step", target)
                return
            if self._exits(by_event=False):
                return
            self.steps_left -= 1
            if self.steps_left < 0:
                self._park(f"more than {MAX_STEPS} steps without a wait", target)
                return
            visit = state.seen.get(target, 0) + 1
            state.seen[target] = visit
            thread.step, thread.visit, thread.phase, thread.said = target, visit, "", 0
            thread.since = thread.due_at = None
            thread.memory = {}
            context = self._context(thread)
            if (skipped := self._unsayable(step, target)) is not None:
                self._leave_out(skipped)
                target = step.skips_to()
                continue
            outcome = step.enter(context)
            if isinstance(outcome, GoTo):
                self._told_why(thread, outcome)
                target = outcome.step
            elif f"{thread.mark}:1" in self.facts.get("holes", {}):
                target = step.skips_to()  # nobody answers a question that was not put
            else:
                return
        if thread in state.threads:
            state.threads.remove(thread)

    def _told_why(self, thread: Thread, outcome: GoTo) -> None:
        """Keep the reason where a message was given up, or where the run ends without having said anything."""
        if outcome.gave_up:
            self._leave_out(Skip(step=thread.step, message="", reason=outcome.why))
        elif outcome.why and not self._has_spoken() and self._is_over(outcome.step):
            self._note(thread.step, outcome.why)

    def _has_spoken(self) -> bool:
        return self.state.spoke or any(isinstance(effect, Say) for effect in self.effects)

    def _is_over(self, target: str | None) -> bool:
        step = self.document.steps.get(target) if target is not None else None
        return target is None or (step is not None and step.kind == "end")

    def _leave_out(self, skipped: Skip) -> None:
        self.effects.append(skipped)
        self._note(skipped.step, skipped.reason)

    def _note(self, step: str, why: str) -> None:
        self.state.left_out = [*self.state.left_out, LeftOut(step, why[:200], self.now)][-MAX_LEFT_OUT:]

    def _exits(self, *, by_event: bool = True) -> bool:
        kind = self.event.kind
        if by_event and kind in ALWAYS_EXITS and self._concerns_all():
            return self._end(ALWAYS_EXITS[kind])
        for way_out in self.document.exits:
            if way_out.news and (not by_event or kind not in way_out.news):
                continue
            if way_out.when is None or way_out.when.holds(self.facts):
                return self._end(way_out.reason)
        return self._goals(by_event=by_event)

    def _concerns_all(self) -> bool:
        """An opt-out may name purposes (no more offers): it ends only what speaks for nothing else."""
        named = self.event.data.get("purposes")
        if self.event.kind != EventKind.OPTED_OUT or not named:
            return True
        return bool(self.document.purposes) and self.document.purposes <= set(named)

    def _goals(self, *, by_event: bool) -> bool:
        reached = self.state.answers.get("goals", {})
        for goal in self.document.goals:
            if goal.name in reached or (goal.news and (not by_event or self.event.kind not in goal.news)):
                continue
            if goal.when is not None and not goal.when.holds(self.facts):
                continue
            reached = {**reached, goal.name: self.now.isoformat()}
            self.state.answers["goals"] = reached
            self.effects.append(GoalReached(name=goal.name))
            if goal.ends:
                return self._end(f"Goal reached: {goal.title or goal.name}")
        return False

    def _unsayable(self, step: Step, name: str) -> Skip | None:
        """The step's own message needs a fact that is not known."""
        needed = self.document.requirements
        if not needed:
            return None
        for field, message in step.messages():
            if field not in ("message", "question"):
                continue
            for path in needed.get(message, ()):
                if look_up(self.facts, path) in (None, "", [], {}):
                    return Skip(step=name, message=message, reason=not_known(".".join(path)))
        return None

    def _end(self, reason: str) -> bool:
        self.state.status, self.state.reason = ENDED, reason
        self.state.threads = []
        self.effects += [CancelWaiting(reason=reason), End(reason=reason)]
        return True

    def _park(self, problem: str, step: str) -> None:
        self.state.status, self.state.reason = PARKED, f"Step {step!r}: {problem}"
        self.effects.append(Park(problem=self.state.reason))

    def _finish(self) -> None:
        state = self.state
        for effect in self.effects:
            if isinstance(effect, Unsaid):
                self._note(effect.say.step, value_names.reason(effect.missing))
        state.spoke = self._has_spoken()
        if state.status == ACTIVE and not state.threads and state.seen:
            state.status = ENDED
        if state.status == ENDED and state.reason in ("", FINISHED):
            state.reason = self._finished()
        if state.status == ENDED:
            state.threads = []
            if not any(isinstance(effect, End) for effect in self.effects):
                self.effects.append(End(reason=state.reason))

    def _finished(self) -> str:
        if self.state.spoke or not self.state.left_out:
            return FINISHED
        return f"No message went. {self.state.left_out[-1].why}"


def _asked(thread: Thread) -> float:
    return thread.since.timestamp() if thread.since else 0.0
