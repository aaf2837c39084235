"""One person's weeks, event by event, through the real engine and the real arbiter, with a virtual clock.

What flows/triggers, flows/runs and flows/timers do with rows is done here in memory, in the same order.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, Protocol

from post_purchase.channels.registry import driver_for
from post_purchase.flows import effects as wants
from post_purchase.flows import engine
from post_purchase.flows.facts import assemble, rhythm_of
from post_purchase.flows.state import ACTIVE, INTERRUPT, PARKED, START, TIMER, Event, RunState
from post_purchase.flows.step import Claim
from post_purchase.flows.triggers import ASKED_FOR, says
from post_purchase.flows.watching import ASSUMED_AFTER, ON_THE_WAY, add_working_days, zone_of
from post_purchase.flows.wording import fact_of
from post_purchase.models import ContactPoint
from post_purchase.services import arbiter
from post_purchase.services.history import may_travel
from post_purchase.services.messages import USEFUL_FOR
from post_purchase.services.reach import caps_of
from post_purchase.services.timezones import zones_in
from post_purchase.touchpoints.choose import choose
from post_purchase.words import ChannelKind, EventKind, Mode, Purpose

from .assumptions import Assumptions, Chance
from .history import News, beginning
from .memory import Memory
from .shopper import Reply, product_found, reply_to
from .world import Address, Cast, Chat, Held, OrderPast, Person, PlayedFlow, Theatre

THANK_YOU = timedelta(minutes=3)  # after the order: who opens the chat on the thank-you page
UNPACKED = timedelta(hours=2)  # after delivery: who finds the card in the parcel
CODE_MADE = timedelta(seconds=2)  # by Shopify
PHOTO_STORED = timedelta(seconds=5)
MOST_EVENTS = 5_000  # for one person: two flows that start each other would never end
STARTED_BY_CHAT = frozenset({Purpose.SERVICE, Purpose.UTILITY})
ALL = frozenset(Purpose)


@dataclass(slots=True)
class Told:
    """What became of one message."""

    flow: str
    message: str
    step: str
    purpose: Purpose
    language: str
    order_id: int | None
    contact_id: int | None
    country: str
    queued_at: datetime
    at: datetime | None = None  # when it went; None: not
    outcome: str = "waiting"  # sent, waiting, not_sent
    reason: str = ""  # why not, or why it still waits
    held: str = ""  # why it was held first
    kind: str = ""
    mode: str = ""
    run: int = 0
    text: str = ""


class Watcher(Protocol):
    """Hears what happens. All of it is optional."""

    def happened(self, at: datetime, what: str, about: str) -> None: ...

    def said(self, told: Told, run: "Run", say: wants.Say, facts: dict[str, Any], answers: dict[str, Any]) -> None: ...


@dataclass(slots=True)
class Outcome:
    """What came of one person's weeks."""

    told: list[Told] = field(default_factory=list)
    opened: int = 0
    started: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)  # (flow, what)
    missing: list[tuple[str, str]] = field(default_factory=list)  # (flow, what is not known)
    not_started: dict[tuple[str, str], int] = field(default_factory=dict)  # (flow, why): clashes of runs
    other: dict[str, int] = field(default_factory=dict)  # rewards, reviews, hand-offs ...

    def count(self, name: str) -> None:
        self.other[name] = self.other.get(name, 0) + 1


class Run:
    __slots__ = ("facts", "flow", "held", "id", "order", "state", "subject", "timers", "waiting")

    def __init__(self, flow: PlayedFlow, held: Held, subject: str, number: int, order: "OrderPlay | None"):
        self.flow, self.held, self.subject, self.id, self.order = flow, held, subject, number, order
        self.state = RunState()
        self.timers: dict[str, datetime] = {}
        self.waiting: list[_Pending] = []
        self.facts: dict[str, Any] = {}


@dataclass(slots=True)
class _Pending:
    told: Told
    proposal: arbiter.Proposal
    run: Run
    say: wants.Say
    order: "OrderPlay | None"
    has_template: bool
    due: datetime
    fact: str = ""
    open: bool = True


@dataclass(slots=True)
class OrderPlay:
    past: OrderPast
    facts: dict[str, Any]
    opened: bool = False
    state_at: dict[int, datetime] = field(default_factory=dict)  # of parcels

    @property
    def pk(self) -> int:
        return self.past.row.pk


class Player:
    """Plays one person. `play()` once."""

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
        self.consent: dict[str, bool] = {}
        self.orders = [OrderPlay(past, beginning(past.facts)) for past in person.orders]
        self.contact: dict[str, Any] = {}
        self._share_facts()

    # -- the clock ---------------------------------------------------------------------------------------------------

    def play(self) -> Outcome:
        for order in self.orders:
            for news in order.past.news:
                self._later(news.at, 0, partial(self._news, order, news))
            self._plan_chat(order)
        self._plan_dates()
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

    def _later(self, at: datetime, rank: int, do: Callable[[], None]) -> None:
        self.turn += 1
        heapq.heappush(self.queue, (at, rank, self.turn, do))

    def _end(self) -> None:
        for run in self.runs:
            state = run.state.status
            counted = self.outcome.active if state == ACTIVE else self.outcome.ended
            counted[run.flow.key] = counted.get(run.flow.key, 0) + 1

    # -- facts -------------------------------------------------------------------------------------------------------

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

    # -- what happened -----------------------------------------------------------------------------------------------

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

    # -- runs --------------------------------------------------------------------------------------------------------

    def _apply(self, run: Run, event: Event, by: Address | None) -> None:
        if run.state.status != ACTIVE:
            return
        before = run.state
        if "history" in run.flow.document.asks_for:
            run.facts["history"] = self._history(run.order)
        run.state, wanted = engine.advance(run.flow.document, before, event, run.facts, self.now)
        fresh: list[_Pending] = []
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

    def _perform(self, effect: wants.Effect, run: Run, by: Address | None, fresh: list[_Pending]) -> None:
        match effect:
            case wants.Say():
                self._say(effect, run, by, fresh)
            case wants.Skip():
                self.outcome.missing.append((run.flow.key, f"{effect.message.replace('_', ' ')}: {effect.reason}"))
            case wants.Park():
                self.outcome.problems.append((run.flow.key, effect.problem))
            case wants.CancelWaiting():
                self._cancel(run, effect.reason)
            case wants.SaveReview():
                self.outcome.count("reviews")
                self.ratings.append(effect.rating)
                self.memory.rated = (effect.rating, self.now)
                data = {"review": f"{run.id}:{effect.key}", "run": run.id, "rating": effect.rating}
                self._soon(EventKind.REVIEW_GIVEN, run, data, key=effect.key)
            case wants.AddPhotos():
                self.outcome.count("photos")
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

    # -- messages ----------------------------------------------------------------------------------------------------

    def _say(self, say: wants.Say, run: Run, by: Address | None, fresh: list[_Pending]) -> None:
        if not self.contact.get("known"):
            return
        facts = run.facts
        spec = run.flow.document.messages.get(say.message)
        spoken = run.held.spoken(say.message, facts["language"], facts["default_language"])
        if spec is None or spoken is None:
            run.state.status, run.state.reason = PARKED, f"There is no text for the message {say.message!r}"
            self.outcome.problems.append((run.flow.key, run.state.reason))
            return
        row = run.order.past.row if run.order else None
        country = (row.shipping_country if row else "") or self.person.country
        told = Told(
            run.flow.key,
            say.message,
            say.step,
            spec.purpose,
            spoken[0],
            row.pk if row else None,
            self.person.contact_id,
            country,
            self.now,
            run=run.id,
        )
        fixed = by if say.answers_shopper else None
        proposal = arbiter.Proposal(
            purpose=spec.purpose,
            fixed_point_id=id(fixed) if fixed is not None else None,
            use_by_at=self.now + (spec.useful_for or USEFUL_FOR[spec.purpose]),
            run_id=run.id,
        )
        refused = spec.template is not None and spec.template.name in self.theatre.refused_templates
        fact = fact_of(spec, say, facts)
        pending = _Pending(told, proposal, run, say, run.order, spoken[1] and not refused, self.now, fact)
        self.outcome.told.append(told)
        run.waiting.append(pending)
        fresh.append(pending)
        if self.watcher is not None:
            self.watcher.said(told, run, say, facts, run.state.answers)

    def _judge(self, pending: _Pending) -> None:
        if not pending.open:
            return
        verdict = arbiter.judge(pending.proposal, self._situation(pending), self.now)
        told = pending.told
        if verdict.decision in (arbiter.Decision.SUPPRESS, arbiter.Decision.MERGE):
            self._close(pending, "not_sent", verdict.reason)
        elif verdict.decision == arbiter.Decision.HOLD and verdict.until is not None:
            told.held = told.held or verdict.reason
            told.reason = verdict.reason
            pending.due = verdict.until
            self._later(verdict.until, 3, partial(self._judge, pending))
        elif verdict.candidate is not None:
            told.kind, told.mode, told.at = verdict.candidate.kind.value, verdict.mode.value, self.now
            self._close(pending, "sent", "")
            self.memory.sent(pending.proposal, at=self.now, fact=pending.fact, by=pending.run.flow.name)
            self._answered(pending)

    def _close(self, pending: _Pending, outcome: str, reason: str) -> None:
        pending.open = False
        pending.run.waiting.remove(pending)
        pending.told.outcome, pending.told.reason = outcome, reason

    def _situation(self, pending: _Pending) -> arbiter.Situation:
        order = pending.order.past.row if pending.order else None
        theatre = self.theatre
        settings = theatre.settings
        zone = (order.timezone if order else "") or self.person.timezone
        return arbiter.Situation(
            candidates=tuple(self._candidates(pending, order.pk if order else None)),
            timezone=zone,
            country=pending.told.country,
            province=order.shipping_province if order and order.shipping_country else self.person.province,
            place=(order.shipping_city if order and order.timezone else "")
            or zone.rpartition("/")[2].replace("_", " "),
            quiet_from=settings.quiet_from,
            quiet_until=settings.quiet_until,
            others=self.memory.others(pending.proposal, now=self.now) + self._ahead(pending),
            told=self.memory.told(pending.proposal, pending.fact) + self._about_to_tell(pending),
            caps=caps_of(settings),
            delivered=self._has_arrived(pending),
            handed_off=self.handed_off,
            unhappy_until=self.memory.unhappy_until(days=settings.unhappy_days, now=self.now),
            wrote_at=self.wrote_at,
            shop_installed=True,
            fallback_zones=() if zone else zones_in(pending.told.country) or (theatre.shop.timezone,),
        )

    def _ahead(self, pending: _Pending) -> tuple[arbiter.Other, ...]:
        """What else waits and was not asked for."""
        if not pending.proposal.is_unasked_promotion:
            return ()
        return tuple(
            arbiter.Other(each.proposal.purpose, each.due, waiting=True, run_id=run.id)
            for run in self.runs
            for each in run.waiting
            if each is not pending and each.proposal.fixed_point_id is None and each.proposal.purpose != Purpose.SERVICE
        )

    def _about_to_tell(self, pending: _Pending) -> tuple[arbiter.Told, ...]:
        """The same fact, queued before by another run and not told yet."""
        if not pending.fact:
            return ()
        return tuple(
            arbiter.Told(at=each.due, by=run.flow.name, waiting=True)
            for run in self.runs
            if run is not pending.run
            for each in run.waiting
            if each.fact == pending.fact and (each.told.queued_at, run.id) < (pending.told.queued_at, pending.run.id)
        )

    def _has_arrived(self, pending: _Pending) -> bool:
        """As services/history: of its own order, and for an offer of every order."""
        if pending.proposal.purpose not in arbiter.PROMOTIONS:
            return True
        about = [pending.order] if pending.order else []
        if pending.proposal.purpose == Purpose.MARKETING:
            about += [order for order in self.orders if order.past.row.placed_at <= self.now]
        return not any(
            may_travel(order.past.row, now=self.now) and not order.facts["order"]["delivered"] for order in about
        )

    def _candidates(self, pending: _Pending, order: int | None) -> list[arbiter.Candidate]:
        fixed = pending.proposal.fixed_point_id
        found = []
        for address in self.addresses:
            if (fixed is not None and id(address) != fixed) or (
                fixed is None and order is not None and order not in address.bound
            ):
                continue
            kind = ChannelKind(address.row.kind)
            driver = driver_for(kind)
            can = driver.capability(
                point=address.row, channel=address.channel, purpose=pending.proposal.purpose, now=self.now
            )
            found.append(
                (
                    address.row.last_inbound_at,
                    arbiter.Candidate(
                        point_id=id(address),
                        channel_id=0,
                        kind=kind,
                        mode=Mode(can.mode),
                        mode_reason=can.reason,
                        blocked_reason=address.blocked,
                        granted=address.granted,
                        withdrawn=address.withdrawn,
                        has_template=pending.has_template and driver.has_templates,
                    ),
                )
            )
        if len(found) > 1:  # newest talk first, as services/reach
            silent = datetime.min.replace(tzinfo=UTC)
            found.sort(key=lambda one: one[0] or silent, reverse=True)
        return [candidate for _, candidate in found]

    # -- the shopper -------------------------------------------------------------------------------------------------

    def _plan_chat(self, order: OrderPlay) -> None:
        """When the shopper opens the chat: as it was, else as assumed."""
        row, chance = order.past.row, self.chance
        chat = order.past.chat
        if chat is not None:
            address = self.addresses[self.person.addresses.index(chat.address)]
            self._later(chat.at, 1, partial(self._open, order, address, chat.touchpoint))
            return
        if self.person.has_stopped or not chance.happens(self.assumed.opens, "opens", row.pk):
            return
        late = chance.happens(self.assumed.opens_at_delivery, "late", row.pk)
        if late and row.delivered_at is None:
            return
        at = row.delivered_at + UNPACKED if late and row.delivered_at else row.placed_at + THANK_YOU
        touchpoint = "package_insert" if late else "thank_you_page"
        self._later(at, 1, partial(self._open, order, None, touchpoint))

    def _address(self, order: OrderPlay) -> Address:
        """Where this person would talk with us: where they did before, else by country."""
        for address in self.addresses:
            if Purpose.UTILITY in address.granted and not address.blocked:
                return address
        row = order.past.row
        country = row.shipping_country or self.person.country
        kinds = list(self.theatre.channels)
        kind = choose(connected=kinds, merchant_order=self.theatre.settings.channel_order, country=country).ranked[0]
        mine = [each for each in self.addresses if each.row.kind == kind and not each.blocked]
        known = mine[0] if mine else None
        if known is not None:
            known.granted = known.granted | STARTED_BY_CHAT
            return known
        point = ContactPoint(kind=kind, address=f"{country or 'XX'}.rehearsal")
        address = Address(point, self.theatre.channels[kind], granted=STARTED_BY_CHAT)
        if self.chance.happens(self.assumed.agrees_to_offers, "offers", self.person.key):
            address.granted = address.granted | {Purpose.MARKETING}
        self.addresses.append(address)
        return address

    def _open(self, order: OrderPlay, address: Address | None, touchpoint: str) -> None:
        address = address or self._address(order)
        order.opened = True
        self.outcome.opened += 1
        address.bound.add(order.pk)
        if Purpose.UTILITY not in address.withdrawn:
            address.granted = address.granted | STARTED_BY_CHAT
        address.row.last_inbound_at = self.wrote_at = self.now
        self._refresh_consent()
        self._wrote_or_bought()
        if self.now < self.theatre.since:
            return
        data = {"kind": address.row.kind, "touchpoint": touchpoint}
        key = f"{EventKind.CONVERSATION_STARTED}:{order.pk}"
        self._hear(EventKind.CONVERSATION_STARTED, order, None, data, key=key, by=address)

    def _answered(self, pending: _Pending) -> None:
        """A message went out: does the shopper answer, or say STOP?"""
        told, run = pending.told, pending.run
        address = self._used(pending)
        if address is None:
            return
        about = (run.id, pending.say.key)
        if told.purpose in arbiter.PROMOTIONS and self.chance.happens(self.assumed.stops, "stop", *about):
            self._later(self.now + timedelta(minutes=5), 1, partial(self._stop, address))
            return
        step = run.flow.document.steps.get(pending.say.step)
        reply = reply_to(step, pending.say, run.id, self.assumed, self.chance)
        if reply is not None:
            self._later(self.now + reply.after, 1, partial(self._receive, reply, run, address, about))

    def _used(self, pending: _Pending) -> Address | None:
        order = pending.order.pk if pending.order else None
        for address in self.addresses:
            if address.row.kind == pending.told.kind and (order is None or order in address.bound):
                return address
        return None

    def _receive(self, reply: Reply, run: Run, address: Address, about: tuple[object, ...]) -> None:
        """As services/receiving and triggers._hand_to_one: one message answers one question."""
        address.row.last_inbound_at = self.wrote_at = self.now
        self._wrote_or_bought()
        self.outcome.count("answers")
        if self.watcher is not None:
            self.watcher.happened(self.now, "wrote", "Photo" if reply.photo else reply.text)
        key = f"message:{':'.join(map(str, about))}:{self.turn}"
        data = {"text": reply.text, "button_id": reply.tap, "has_media": reply.photo, "handled": False}
        event = Event(EventKind.MESSAGE_RECEIVED.value, key, self.now, data)
        taker = self._taker(event, run if reply.tap else None, address)
        if taker is not None:
            self._apply(taker, event, address)
        else:
            self._start(event, None)
        if reply.photo:
            number = self.chance.number("photo", *about)
            self._later(self.now + PHOTO_STORED, 1, partial(self._stored, address, number, key))

    def _taker(self, event: Event, tapped: Run | None, address: Address) -> Run | None:
        candidates = []
        for run in [tapped] if tapped is not None else self.runs:
            if run.state.status != ACTIVE or (run.order is not None and run.order.pk not in address.bound):
                continue
            verdict = engine.claim(run.flow.document, run.state, event, {}, self.now)
            if verdict != Claim.NO:
                asked = max((thread.since.timestamp() for thread in run.state.threads if thread.since), default=0.0)
                candidates.append((0 if verdict == Claim.YES else 1, -asked, run))
        return min(candidates, key=lambda one: one[:2])[2] if candidates else None

    def _stored(self, address: Address, number: int, key: str) -> None:
        event = Event(EventKind.MEDIA_STORED.value, f"media_stored:{key}", self.now, {"attachments": [number]})
        for run in [run for run in self.runs if run.order is None or run.order.pk in address.bound]:
            self._apply(run, event, address)
        self._start(event, None)

    def _stop(self, address: Address) -> None:
        self.outcome.count("stops")
        address.granted, address.withdrawn = frozenset(), ALL
        for run in self.runs:
            self._cancel(run, "The shopper wrote STOP")
        self._refresh_consent()
        self._hear(EventKind.OPTED_OUT, None, None, {"kind": address.row.kind}, key=f"opted_out:{self.turn}")

    # -- what time alone brings (flows/watching) -----------------------------------------------------------------------

    def _watching(self, kind: EventKind) -> list[PlayedFlow]:
        return [flow for flow, _ in self.cast.started_by(kind.value)]

    def _wrote_or_bought(self) -> None:
        self.last_word = word = self.now
        for flow in self._watching(EventKind.CONTACT_SILENT):
            after = flow.document.trigger.after or timedelta(0)
            self._later(word + after, 1, partial(self._silent, flow, word))

    def _silent(self, flow: PlayedFlow, word: datetime) -> None:
        if self.last_word == word and self.now >= self.theatre.since and self.person.contact_id is not None:
            after = flow.document.trigger.after or timedelta(0)
            data = {"flow": flow.key, "days": after.days}
            key = f"{EventKind.CONTACT_SILENT}:{flow.key}:{word.isoformat()}"
            self._hear(EventKind.CONTACT_SILENT, None, None, data, key=key)

    def _plan_aged(self, order: OrderPlay, at: datetime) -> None:
        for flow in self._watching(EventKind.PURCHASE_AGED):
            due = at + (flow.document.trigger.after or timedelta(0))
            self._later(due, 1, partial(self._aged, flow, order))

    def _aged(self, flow: PlayedFlow, order: OrderPlay) -> None:
        if order.facts["order"]["cancelled"] or order.past.row.test or self.now < self.theatre.since:
            return
        key = f"{EventKind.PURCHASE_AGED}:{flow.key}:{order.pk}"
        self._hear(EventKind.PURCHASE_AGED, order, None, {"flow": flow.key}, key=key)

    def _plan_parcel(self, order: OrderPlay, parcel: int, at: datetime) -> None:
        row = order.past.row
        facts = order.facts["parcels"][str(parcel)]
        if facts["state"] not in ON_THE_WAY:
            return
        for flow in self._watching(EventKind.PARCEL_STALLED):
            trigger = flow.document.trigger
            home = not row.shipping_country or row.shipping_country == self.theatre.shop.country
            days = (trigger.working_days or 3) if home else (trigger.working_days_abroad or trigger.working_days or 3)
            due = add_working_days(at, days)
            self._later(due, 1, partial(self._overdue, EventKind.PARCEL_STALLED, flow, order, parcel, at))
        if facts.get("day_expected"):
            due = datetime.fromisoformat(facts["day_expected"]) + ASSUMED_AFTER
            for flow in self._watching(EventKind.DELIVERY_ASSUMED):
                self._later(
                    max(due, at + ASSUMED_AFTER),
                    1,
                    partial(self._overdue, EventKind.DELIVERY_ASSUMED, flow, order, parcel, at),
                )

    def _overdue(self, kind: EventKind, flow: PlayedFlow, order: OrderPlay, parcel: int, at: datetime) -> None:
        still = order.state_at.get(parcel) == at and order.facts["parcels"][str(parcel)]["state"] in ON_THE_WAY
        if still and not order.facts["order"]["cancelled"] and self.now >= self.theatre.since:
            mark = at.isoformat() if kind == EventKind.PARCEL_STALLED else ""
            key = f"{kind}:{flow.key}:{parcel}:{mark}"
            self._hear(kind, order, parcel, {"flow": flow.key}, key=key)

    def _plan_dates(self) -> None:
        """A day of the year, or of the contact's own, begins at midnight in the shop's calendar."""
        zone = zone_of(self.theatre.shop.timezone)
        for flow in self._watching(EventKind.DATE_REACHED):
            trigger = flow.document.trigger
            wanted = trigger.date
            if wanted.startswith("contact."):
                wanted = str(self.person.fields.get(wanted.removeprefix("contact."), ""))[-5:]
            first, last = self.theatre.since - trigger.offset, self.theatre.until - trigger.offset
            day = first.astimezone(zone).date() + timedelta(days=1)
            while day <= last.astimezone(zone).date():
                if f"{day:%m-%d}" == wanted:
                    at = datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC) + trigger.offset
                    name = day.isoformat()
                    self._later(at, 1, partial(self._date, flow, name))
                day += timedelta(days=1)

    def _date(self, flow: PlayedFlow, day: str) -> None:
        if any(address.row.last_inbound_at for address in self.addresses):
            data = {"flow": flow.key, "date": day}
            self._hear(EventKind.DATE_REACHED, None, None, data, key=f"{EventKind.DATE_REACHED}:{flow.key}:{day}")


def _copy(row: ContactPoint) -> ContactPoint:
    """With the time of the last word taken off: the play sets it."""
    return ContactPoint(kind=row.kind, address=row.address, phone=row.phone, account_id=row.account_id)


__all__ = ["Chat", "Outcome", "Player", "Run", "Told", "Watcher"]
