"""What the shopper does: opens the chat, answers, sends a photo, writes STOP."""

from datetime import timedelta
from functools import partial

from post_purchase.flows import engine
from post_purchase.flows.state import ACTIVE, Event
from post_purchase.flows.step import Claim
from post_purchase.models import ContactPoint
from post_purchase.services import arbiter
from post_purchase.touchpoints.choose import choose
from post_purchase.words import EventKind, Purpose

from .record import OrderPlay, Pending, Run
from .shopper import Reply, reply_to
from .speaking import Speaking
from .world import Address

THANK_YOU = timedelta(minutes=3)  # after the order: who opens the chat on the thank-you page
UNPACKED = timedelta(hours=2)  # after delivery: who finds the card in the parcel
PHOTO_STORED = timedelta(seconds=5)
STARTED_BY_CHAT = frozenset({Purpose.SERVICE, Purpose.UTILITY})
ALL = frozenset(Purpose)


class Chatting(Speaking):
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

    def _answered(self, pending: Pending) -> None:
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

    def _used(self, pending: Pending) -> Address | None:
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
