"""What time alone brings, as flows/watching tells it: silence, a day of the year, a parcel that nobody scans."""

from datetime import UTC, datetime, time, timedelta
from functools import partial

from post_purchase.flows.watching import ASSUMED_AFTER, ON_THE_WAY, add_working_days, zone_of
from post_purchase.words import EventKind

from .chatting import Chatting
from .record import OrderPlay
from .world import PlayedFlow


class Passing(Chatting):
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
