"""What a flow says: proposed, judged by the real arbiter, sent, held or dropped."""

from datetime import UTC, datetime
from functools import partial

from post_purchase.channels.registry import driver_for
from post_purchase.flows import effects as wants
from post_purchase.flows import value_names
from post_purchase.flows.state import PARKED
from post_purchase.flows.wording import fact_of
from post_purchase.services import arbiter
from post_purchase.services.history import may_travel
from post_purchase.services.messages import USEFUL_FOR
from post_purchase.services.reach import caps_of
from post_purchase.services.timezones import zones_in
from post_purchase.words import ChannelKind, Mode, Purpose

from .record import Pending, Run, Told
from .weeks import Weeks
from .world import Address


class Speaking(Weeks):
    def _say(self, say: wants.Say, run: Run, by: Address | None, fresh: list[Pending]) -> None:
        if not self.contact.get("known"):
            return
        facts = run.facts
        spec = run.flow.document.messages.get(say.message)
        spoken = run.held.spoken(say.message, facts["language"], facts["default_language"])
        if spec is None or spoken is None:
            run.state.status, run.state.reason = PARKED, f"There is no text for the message {say.message!r}"
            self.outcome.problems.append((run.flow.key, run.state.reason))
            return
        told = self._told(say, run, say.purpose(spec.purpose), spoken[0])
        purpose = told.purpose
        fixed = by if say.answers_shopper else None
        proposal = arbiter.Proposal(
            purpose=purpose,
            fixed_point_id=id(fixed) if fixed is not None else None,
            use_by_at=self.now + (spec.useful_for or USEFUL_FOR[purpose]),
            run_id=run.id,
            keeps_channel=purpose in self.theatre.settings.kept_purposes,
        )
        has_template = bool(spoken[1]) and spec.template is not None and spoken[1] not in self.theatre.refused_templates
        fact = fact_of(spec, say, facts)
        pending = Pending(told, proposal, run, say, run.order, has_template, self.now, fact)
        self.outcome.told.append(told)
        run.waiting.append(pending)
        fresh.append(pending)
        if self.watcher is not None:
            self.watcher.said(told, run, say, facts, run.state.answers)

    def _told(self, say: wants.Say, run: Run, purpose: Purpose, language: str) -> Told:
        row = run.order.past.row if run.order else None
        return Told(
            run.flow.key,
            say.message,
            say.step,
            purpose,
            language,
            row.pk if row else None,
            self.person.contact_id,
            (row.shipping_country if row else "") or self.person.country,
            self.now,
            run=run.id,
        )

    def _leave_out(self, unsaid: wants.Unsaid, run: Run) -> None:
        """As services/messages keeps it: with the reason, and not sent."""
        say = unsaid.say
        spec = run.flow.document.messages.get(say.message)
        spoken = run.held.spoken(say.message, run.facts["language"], run.facts["default_language"])
        if spec is None or spoken is None or not self.contact.get("known"):
            return
        told = self._told(say, run, say.purpose(spec.purpose), spoken[0])
        told.outcome, told.reason = "not_sent", value_names.reason(unsaid.missing)
        self.outcome.told.append(told)
        for path in unsaid.missing:
            what = f"{say.message.replace('_', ' ')}: {value_names.called(path)} is not known, so it was not sent"
            self.outcome.missing.append((run.flow.key, what))
        if self.watcher is not None:
            self.watcher.said(told, run, say, run.facts, run.state.answers)

    def _judge(self, pending: Pending) -> None:
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

    def _close(self, pending: Pending, outcome: str, reason: str) -> None:
        pending.open = False
        pending.run.waiting.remove(pending)
        pending.told.outcome, pending.told.reason = outcome, reason

    def _situation(self, pending: Pending) -> arbiter.Situation:
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
            own_quiet=self.person.own_quiet,
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

    def _ahead(self, pending: Pending) -> tuple[arbiter.Other, ...]:
        """What else waits and was not asked for."""
        if not pending.proposal.is_unasked_promotion:
            return ()
        return tuple(
            arbiter.Other(each.proposal.purpose, each.due, waiting=True, run_id=run.id)
            for run in self.runs
            for each in run.waiting
            if each is not pending and each.proposal.fixed_point_id is None and each.proposal.purpose != Purpose.SERVICE
        )

    def _about_to_tell(self, pending: Pending) -> tuple[arbiter.Told, ...]:
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

    def _has_arrived(self, pending: Pending) -> bool:
        """As services/history: of its own order, and for an offer of every order."""
        if pending.proposal.purpose not in arbiter.PROMOTIONS:
            return True
        about = [pending.order] if pending.order else []
        if pending.proposal.purpose == Purpose.MARKETING:
            about += [order for order in self.orders if order.past.row.placed_at <= self.now]
        return not any(
            may_travel(order.past.row, now=self.now) and not order.facts["order"]["delivered"] for order in about
        )

    def _candidates(self, pending: Pending, order: int | None) -> list[arbiter.Candidate]:
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
