"""One person's weeks, event by event, through the real engine and the real arbiter, with a virtual clock.

What flows/triggers, flows/runs and flows/timers do with rows is done here in memory, in the same order.
"""

import heapq
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from post_purchase.flows import effects as wants
from post_purchase.flows import holes
from post_purchase.flows.facts import assemble, rhythm_of
from post_purchase.flows.state import ACTIVE, INTERRUPT, START, TIMER, Event
from post_purchase.flows.triggers import ASKED_FOR, says
from post_purchase.words import ChannelKind, EventKind, Purpose

from .history import News
from .passing import Passing
from .record import OrderPlay, Outcome, Pending, Run, Told, Watcher
from .shopper import product_found
from .world import Address, Held, PlayedFlow

CODE_MADE = timedelta(seconds=2)  # by Shopify
MOST_EVENTS = 5_000  # for one person: two flows that start each other would never end


class Player(Passing):
    """Plays one person. `play()` once."""

    def play(self) -> Outcome:
        for order in self.orders:
            for news in order.past.news:
                self._later(news.at, 0, partial(self._news, order, news))
            self._plan_chat(order)
        self._plan_dates()
        for at, data in self.person.closed:
            self._later(at, 1, partial(self._closed, data))
        events = 0
        until = self.theatre.until
        while self.queue and self.queue[0][0] <= until:
            at, _, _, do = heapq.heappop(self.queue)
            self.now = max(self.now, at) if at >= self.theatre.since else at
            events += 1
            if events > MOST_EVENTS:
                self.outcome.problems.append(
                    ("", f"More than {MOST_EVENTS} events for one person: flows start each other")
                )
                break
            do()
        self._end()
        return self.outcome

    def _end(self) -> None:
        for run in self.runs:
            state = run.state.status
            counted = self.outcome.active if state == ACTIVE else self.outcome.ended
            counted[run.flow.key] = counted.get(run.flow.key, 0) + 1

    def _news(self, order: OrderPlay, news: News) -> None:
        facts = order.facts
        if news.order:
            facts["order"].update(news.order)
        if news.parcel is not None and news.parcel_facts is not None:
            parcel = facts["parcels"].setdefault(str(news.parcel), {})
            parcel.update(news.parcel_facts)
            order.state_at[news.parcel] = news.at
            self._plan_parcel(order, news.parcel, news.at)
        if news.order.get("delivered"):
            self._plan_aged(order, news.at)
        for kind, parcel_pk, data in news.tells:
            if kind == EventKind.ORDER_PLACED:
                self._placed(order)
            if news.at < self.theatre.since:
                continue
            self._hear(kind, order, parcel_pk, data, key=f"{kind}:{order.pk}:{parcel_pk or ''}")

    def _closed(self, data: dict[str, Any]) -> None:
        """As services/conversations.close."""
        self._set_handed_off(False)
        kind = EventKind.CONVERSATION_CLOSED
        self._hear(kind, None, None, data, key=f"{kind}:{self.person.key}:{self.now.isoformat()}")

    def _placed(self, order: OrderPlay) -> None:
        self._wrote_or_bought()
        for address in self.addresses:  # the address that an order was placed with hears of the next one too
            if address.row.kind == ChannelKind.EMAIL and order.past.row.email and order.past.chat is None:
                address.bound.add(order.pk)
        self._refresh_consent()
        if not order.past.row.requires_shipping:
            self._plan_aged(order, self.now)

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
    ) -> None:
        """As flows/triggers.handle_event: to every run that it concerns, then what it starts."""
        event = Event(str(kind), key, self.now, data or {}, parcel)
        if self.watcher is not None:
            about = order.past.row.name if order else ""
            self.watcher.happened(self.now, str(kind), about)
        taken: set[str] = set()
        for each in [run] if run is not None else self._concerned(order, by):
            before = each.state
            self._apply(each, event, by)
            if each.flow.begins_again(kind) and each.state.status == ACTIVE and each.state != before:
                taken.add(each.flow.key)
        if run is None:
            self._start(event, order, taken)

    def _concerned(self, order: OrderPlay | None, by: Address | None) -> list[Run]:
        active = [run for run in self.runs if run.state.status == ACTIVE]
        if order is None and by is None:
            return active
        proved = by.bound if by is not None else ()
        return [run for run in active if (run.order is not None and (run.order is order or run.order.pk in proved))]

    def _start(self, event: Event, order: OrderPlay | None, taken: set[str] | None = None) -> bool:
        """`taken`: flows of which a run has gathered this news; it begins no second one."""
        started = False
        named = event.data.get("flow")
        meant = self.cast.flows if event.kind in ASKED_FOR else self.cast.started_by(event.kind)
        for flow, held in meant:
            if taken and flow.key in taken:
                continue
            trigger = flow.document.trigger
            if named != flow.key and (named is not None or event.kind in ASKED_FOR):
                continue
            subject = self._subject(trigger.subject, event, order)
            if not subject:
                continue
            if flow.rehearsed:
                self.outcome.heard += 1
            if event.kind not in ASKED_FOR:
                heard = str(event.data.get("text", ""))
                if trigger.words and event.kind == EventKind.MESSAGE_RECEIVED and not says(heard, trigger.words):
                    continue
                if trigger.when is not None and not trigger.when.holds(self._trigger_facts(event, order)):
                    continue
            started |= self._begin(flow, held, subject, event, order)
        return started

    def _trigger_facts(self, event: Event, order: OrderPlay | None) -> dict[str, Any]:
        facts = order.facts if order else self._own_facts()
        if self.cast.asks_for_history:
            facts = {**facts, "history": self._history(order)}
        parcel = facts["parcels"].get(str(event.parcel)) if event.parcel else None
        return {**facts, "parcel": parcel, "event": {"kind": event.kind, **event.data}}

    def _own_facts(self) -> dict[str, Any]:
        """Of a run that is about the person, not about one order."""
        base = assemble(
            shop=self.theatre.shop,
            settings=self.theatre.settings,
            order=None,
            speaks_with=self.person.orders[-1].row.contact if self.person.orders else None,
            started=any(Purpose.UTILITY in each.granted for each in self.addresses),
            handed_off=self.handed_off,
        )
        return {**base, "contact": self.contact, "consent": self.consent}

    def _history(self, order: OrderPlay | None) -> dict[str, Any]:
        """As facts._history, of this moment."""
        kept = [
            each.past.row.placed_at
            for each in self.orders
            if each.past.row.placed_at <= self.now and not each.past.row.test and not each.facts["order"]["cancelled"]
        ]
        placed = [*self.person.bought_before, *kept]
        known = {
            "orders": len(placed),
            "reviews": len(self.ratings),
            "last_rating": self.ratings[-1] if self.ratings else None,
        }
        return known | rhythm_of(placed, order.past.row if order else None, self.now)

    def _subject(self, about: str, event: Event, order: OrderPlay | None) -> str:
        match about:
            case "parcel":
                return f"parcel:{event.parcel}" if event.parcel else ""
            case "contact":
                return self.person.key
            case "review":
                return f"review:{event.data['review']}" if event.data.get("review") else ""
            case _:
                return f"order:{order.pk}" if order else ""

    def _begin(self, flow: PlayedFlow, held: Held, subject: str, event: Event, order: OrderPlay | None) -> bool:
        trigger = flow.document.trigger
        base = (flow.key, subject)
        if trigger.again_after is not None:
            last = self.last_start.get(base)
            if last is not None and last > self.now - trigger.again_after:
                return False
            subject = f"{subject}@{event.key}"
        if trigger.if_running != "passive":
            others = [run for run in self.runs if run.flow is flow and run.state.status == ACTIVE]
            others = [run for run in others if run.subject != subject]
            if others and trigger.if_running == "skip":
                self._not_started(flow, "a run of the same flow was under way for the same person")
                return False
            for other in others:
                self._not_started(flow, "an older run gave way to a newer one of the same flow")
                reason = {"reason": "A newer run of the same flow took over"}
                self._apply(other, Event(INTERRUPT, f"{INTERRUPT}:newer:{event.key}", self.now, reason), None)
        if (flow.key, subject) in self.by_subject:
            return False
        run = Run(flow, held, subject, self.chance.number(flow.key, subject), order)
        facts = order.facts if order else self._own_facts()
        run.facts = {**facts, "run": {"id": run.id}}
        self.by_subject[flow.key, subject] = run
        self.last_start[base] = self.now
        self.runs.append(run)
        self.outcome.started[flow.key] = self.outcome.started.get(flow.key, 0) + 1
        if self.watcher is not None:
            self.watcher.happened(self.now, "run_started", flow.name)
        began = Event(START, f"{START}:{event.key}", self.now, {"by": event.kind}, event.parcel)
        self._apply(run, began, None)
        return True

    def _not_started(self, flow: PlayedFlow, why: str) -> None:
        key = (flow.key, why)
        self.outcome.not_started[key] = self.outcome.not_started.get(key, 0) + 1

    def _apply(self, run: Run, event: Event, by: Address | None) -> None:
        if run.state.status != ACTIVE:
            return
        before = run.state
        if "history" in run.flow.document.asks_for:
            run.facts["history"] = self._history(run.order)
        run.state, wanted, _ = holes.advance(run.flow.document, before, event, run.facts, self.now)
        fresh: list[Pending] = []
        for effect in wanted:
            self._perform(effect, run, by, fresh)
        self._set_timers(run)
        if self.watcher is not None and run.state.status != ACTIVE:
            self.watcher.happened(self.now, "run_ended", f"{run.flow.name}: {run.state.reason}")
        for pending in fresh:
            if pending.open:
                self._judge(pending)

    def _set_timers(self, run: Run) -> None:
        wanted = {thread.mark: thread.due_at for thread in run.state.threads if thread.due_at is not None}
        for mark, due_at in wanted.items():
            if run.timers.get(mark) != due_at:
                self._later(max(due_at, self.now), 2, partial(self._timer, run, mark, due_at))
        run.timers = wanted

    def _timer(self, run: Run, mark: str, due_at: datetime) -> None:
        if run.timers.get(mark) != due_at:
            return
        del run.timers[mark]
        self._apply(run, Event(TIMER, f"{TIMER}:{mark}:{due_at.isoformat()}", self.now, {"timer": mark}), None)

    def _perform(self, effect: wants.Effect, run: Run, by: Address | None, fresh: list[Pending]) -> None:
        match effect:
            case wants.Say():
                self._say(effect, run, by, fresh)
            case wants.Unsaid():
                self._leave_out(effect, run)
            case wants.Skip():
                where = (effect.message or effect.step).replace("_", " ")
                self.outcome.missing.append((run.flow.key, f"{where}: {effect.reason}"))
            case wants.Park():
                self.outcome.problems.append((run.flow.key, effect.problem))
            case wants.CancelWaiting():
                self._cancel(run, effect.reason)
            case wants.SaveReview():
                self.outcome.count("reviews")
                self.ratings.append(effect.rating)
                self.memory.rated = (effect.rating, self.now)
                data = {"review": f"{run.id}:{effect.key}", "run": run.id, "rating": effect.rating}
                self.without_photo[run.id] = data
                self._soon(EventKind.REVIEW_GIVEN, run, data, key=effect.key)
            case wants.AddPhotos():
                self.outcome.count("photos")
                if (review := self.without_photo.pop(run.id, None)) is not None:
                    self._soon(EventKind.REVIEW_PHOTO_ADDED, run, review, key=effect.step)
            case wants.RequestReward():
                self._reward(effect, run)
            case wants.FindProducts():
                found = product_found(run.id, effect.key, effect.limit, self.assumed, self.chance)
                data = {"run": run.id, "for": effect.key, "products": found}
                self._soon(EventKind.PRODUCTS_FOUND, run, data, key=effect.key, only=run)
            case wants.Tag():
                if effect.tag not in self.contact["tags"]:
                    self.contact["tags"] = [*self.contact["tags"], effect.tag]
            case wants.SetField():
                self.contact["fields"] = {**self.contact["fields"], effect.name: effect.value}
            case wants.GiveConsent():
                self._give_consent(effect, run, by)
            case wants.HandOff():
                self._hand_off(run, effect.reason)
            case wants.StartFlow():
                self._soon(EventKind.STARTED_BY_HAND, run, {"flow": effect.flow}, key=effect.key)
            case wants.CallWebhook() | wants.TriggerShopifyFlow() | wants.WriteNote() | wants.CloseConversation():
                self.outcome.count(effect.kind)

    def _soon(
        self,
        kind: EventKind,
        run: Run,
        data: dict[str, Any],
        *,
        key: str,
        only: Run | None = None,
        after: timedelta = timedelta(0),
    ) -> None:
        """What an effect brings about comes as an event of its own, as FlowEvent rows do."""
        name = f"{kind}:{run.id}:{key}"
        self._later(self.now + after, 1, partial(self._hear, kind, run.order, None, data, key=name, run=only))

    def _give_consent(self, effect: wants.GiveConsent, run: Run, by: Address | None) -> None:
        if by is None:
            return
        self.outcome.count("consents")
        by.granted = by.granted | {Purpose(effect.purpose)}
        self._refresh_consent()
        self._soon(EventKind.CONSENT_GIVEN, run, {"purpose": effect.purpose}, key=effect.key)

    def _reward(self, effect: wants.RequestReward, run: Run) -> None:
        self.outcome.count("rewards")
        reward = run.facts["reward"]
        ends = (self.now + timedelta(days=int(reward["valid_days"]))).isoformat()
        data = {"code": "THANKS-7F3K9-XXXXX", "percentage": reward["percentage"], "ends_at": ends, "run": run.id}
        self._soon(EventKind.REWARD_ISSUED, run, data, key=effect.key, only=run, after=CODE_MADE)

    def _hand_off(self, run: Run, reason: str) -> None:
        self.outcome.count("hand_offs")
        if self.handed_off:
            return
        self._set_handed_off(True)
        if self.watcher is not None:
            self.watcher.happened(self.now, "handed_off", reason)
        self._later(
            self.now, 1, partial(self._hear, EventKind.HANDED_OFF, None, key=f"handed_off:{run.id}:{self.turn}")
        )
        self._later(self.now + timedelta(hours=self.assumed.team_within), 1, partial(self._set_handed_off, False))

    def _set_handed_off(self, on: bool) -> None:
        self.handed_off = on
        for order in self.orders:
            order.facts["conversation"]["handed_off"] = on

    def _cancel(self, run: Run, reason: str) -> None:
        for pending in run.waiting:
            if pending.open:
                self._close(pending, "not_sent", reason)


__all__ = ["Outcome", "Player", "Run", "Told", "Watcher"]
