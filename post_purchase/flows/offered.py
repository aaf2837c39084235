"""Templates that a person may send when free text cannot go: those that are true of the order now, filled in.

What each template of the library claims stands in data/true_templates.yaml; `_Talk.truths` says which claims hold.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from post_purchase.models import (
    Channel,
    ContactPoint,
    Conversation,
    ConversationState,
    FlowStatus,
    MessageTemplate,
    Review,
    TemplateStatus,
)
from post_purchase.services import texts
from post_purchase.services.consent import consents_in, newest_states
from post_purchase.services.talk_language import language_of
from post_purchase.services.templates import nearest
from post_purchase.words import Direction, ParcelState, Purpose
from shopapp.lib import clock, data_file

from .facts import gather, load_order
from .team_templates import team_templates
from .wording import variables

RULES = Path(__file__).resolve().parent / "data" / "true_templates.yaml"
MOVING = (ParcelState.CONFIRMED, ParcelState.IN_TRANSIT, ParcelState.DELAYED, ParcelState.OUT_FOR_DELIVERY)
LOW = 3  # stars, and fewer
RECENT = timedelta(days=30)  # a question older than this is no talk to go on with
_GAP = re.compile(r"\{\{(\d+)\}\}")
OWN_WORDS = re.compile(r"_[0-9a-f]{8}(_[0-9]+)?$")  # template_words.names_for: the same message in other words
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Gap:
    name: str
    sample: str
    value: str  # "": a person must say it


@dataclass(frozen=True)
class Offered:
    template: MessageTemplate
    gaps: tuple[Gap, ...]
    purpose: Purpose
    fits: bool  # known to be true of the order now

    @property
    def text(self) -> str:
        """As the shopper will read it; a value that is not known stands as its sample, in brackets."""
        return filled(self.template.body, [gap.value or f"[{gap.sample or gap.name}]" for gap in self.gaps])

    @property
    def is_complete(self) -> bool:
        return all(gap.value for gap in self.gaps)


@dataclass(frozen=True)
class _Source:
    """How a flow fills a template."""

    values: Mapping[str, str]  # by the name of the gap
    purpose: Purpose
    words: Mapping[str, Mapping[str, str]]  # by language


def filled(body: str, values: list[str]) -> str:
    return _GAP.sub(lambda found: values[int(found[1]) - 1] if 0 < int(found[1]) <= len(values) else found[0], body)


def offered(
    *, conversation: Conversation, point: ContactPoint, channel: Channel, known: Mapping[str, str]
) -> list[Offered]:
    """What may go now: the true ones first, most fitting first; then those that nobody can check but a person.

    `known`: values by name for templates that the merchant wrote (composing.known_by_name).
    """
    talk = _Talk(conversation)
    sources, allowed, places = _sources(conversation), _allowed(point), list(_needs())
    found: list[tuple[int, str, Offered]] = []
    for template in _spoken(channel, talk.language, talk.facts["default_language"]):
        plain = _plain(template)
        needs = _needs().get(plain)
        if needs is not None and not talk.truths.issuperset(needs):
            continue
        source = sources.get(plain)
        purpose = source.purpose if source else _purpose_of(template)
        gaps = talk.gaps_of(template, source) if source else _known_gaps(template, known)
        if gaps is None or purpose not in allowed:
            continue
        one = Offered(template=template, gaps=gaps, purpose=purpose, fits=needs is not None)
        found.append((places.index(plain) if one.fits else len(places), one.text, one))
    return [one for _, _, one in sorted(found, key=lambda each: each[:2])]


class _Talk:
    """One conversation as it stands: its facts, the newest parcel, and what is true."""

    def __init__(self, conversation: Conversation):
        contact = conversation.contact
        order = conversation.order or contact.orders.order_by("-pk").first()
        self.order = load_order(order.pk) if order else None
        self.language = language_of(contact, self.order)
        more = frozenset({"guide"})
        facts = gather(shop=conversation.shop, order=self.order, contact=contact, more=more)
        self.facts = facts | {"language": self.language}
        parcels = self.order.parcels.all() if self.order else ()
        there = [each for each in parcels if each.state != ParcelState.CANCELLED]
        self.parcel = max(there, key=lambda each: (each.state_at, each.pk), default=None)
        self.truths = frozenset(self._truths(conversation, clock.now()))

    def _truths(self, conversation: Conversation, now: datetime) -> Iterable[str]:
        order = self.facts["order"]
        yield "order" if order else "no order"
        if has_asked(conversation, now):
            yield "asked"
        if self.order is None or order["cancelled"] or order["fully_refunded"]:
            return
        if order["return_open"]:
            yield "return asked"
        if (self.facts.get("guide") or {}).get("text"):
            yield "guide"
        ratings = Review.objects.filter(contact=conversation.contact_id, order=self.order).order_by("-pk")
        if (ratings.values_list("rating", flat=True).first() or LOW + 1) <= LOW:
            yield "rated low"
        if self.parcel is not None:
            yield from (f"parcel {each}" for each in self._of_parcel(now))
        elif order["requires_shipping"] and not order["delivered"]:
            yield "not packed"
            if now - self.order.placed_at >= timedelta(days=_rules()["late_after_days"]):
                yield "late"

    def _of_parcel(self, now: datetime) -> Iterable[str]:
        if self.parcel is None:
            return
        zone, seen = ZoneInfo(self.facts["timezone"]), self.parcel.state_at
        yield self.parcel.state
        if seen.astimezone(zone).date() == now.astimezone(zone).date():
            yield "today"
        if self.parcel.state not in MOVING:
            return
        yield "moving"
        if now - seen >= timedelta(days=_rules()["still_after_days"]):
            yield "still"
        expected = self.parcel.estimated_delivery_at
        if expected and now - expected >= timedelta(days=_rules()["assumed_after_days"]):
            yield "overdue"

    def gaps_of(self, template: MessageTemplate, source: _Source) -> tuple[Gap, ...] | None:
        """None where a fact is missing: then the template says nothing."""
        language = template.language.replace("_", "-")
        words = {**source.words.get("en", {}), **source.words.get(language, {})}
        parcel = self.parcel.pk if self.parcel else None
        values = variables(self.facts, {}, parcel, words, (parcel,) if parcel else ())
        gaps = []
        for parameter in template.parameters:  # each language has its own order
            wanted = source.values.get(str(parameter.get("name", "")))
            if wanted is None:
                return None
            try:
                value = texts.render(wanted, values, language=language, timezone=self.facts["timezone"])
            except texts.TextError:
                return None
            if not value.strip():
                return None
            gaps.append(Gap(str(parameter.get("name", "")), "", _SPACES.sub(" ", value).strip()))
        return tuple(gaps)


def has_asked(conversation: Conversation, now: datetime) -> bool:
    """Whether there is a talk to go on with: not only the code that opened the chat."""
    if conversation.last_inbound_at is None or now - conversation.last_inbound_at > RECENT:
        return False
    if conversation.handed_off_at or conversation.answer_promised_at:
        return True
    if conversation.state in (ConversationState.TEAM, ConversationState.SHOPPER, ConversationState.SNOOZED):
        return True
    said = conversation.messages.filter(direction=Direction.IN, happened_at__gte=now - RECENT).exclude(text="")
    return len(said[:2]) > 1


def _plain(template: MessageTemplate) -> str:
    """Its name in the flow; what the merchant wrote on the page of templates has only one."""
    return template.name if template.is_own else OWN_WORDS.sub("", template.name)


def _spoken(channel: Channel, language: str, own: str) -> Iterable[MessageTemplate]:
    """Each approved template once: in the shopper's language, else the nearest."""
    by_name: dict[str, dict[str, MessageTemplate]] = {}
    for row in channel.templates.filter(status=TemplateStatus.APPROVED).order_by("pk"):
        by_name.setdefault(_plain(row), {})[row.language] = row  # the newest words of a message
    found = (nearest(each, language=language, own=own) for each in by_name.values())
    return [template for template in found if template is not None]


def _sources(conversation: Conversation) -> dict[str, _Source]:
    """{template's name: how it is filled}, from the team's own and the flows that are on."""
    found = {
        name: _Source({part["name"]: part["value"] for part in each["parameters"]}, Purpose.SERVICE, {})
        for name, each in team_templates().items()
    }
    on = conversation.shop.flows.filter(status=FlowStatus.ON, live_version__isnull=False)
    for document in on.order_by("pk").values_list("live_version__document", flat=True):
        words = {language: spoken.get("words") or {} for language, spoken in (document.get("texts") or {}).items()}
        for spec in (document.get("messages") or {}).values():
            if template := spec.get("template"):
                parts = template.get("parameters") or ()
                values = {str(part.get("name", "")): str(part.get("value", "")) for part in parts}
                found.setdefault(template["name"], _Source(values, Purpose(spec["purpose"]), words))
    return found


def _known_gaps(template: MessageTemplate, known: Mapping[str, str]) -> tuple[Gap, ...]:
    names = [(str(part.get("name", "")), str(part.get("sample", ""))) for part in template.parameters]
    return tuple(Gap(name, sample, known.get(name, "")) for name, sample in names)


def _purpose_of(template: MessageTemplate) -> Purpose:
    return Purpose.MARKETING if template.category == "MARKETING" else Purpose.SERVICE


def _allowed(point: ContactPoint) -> frozenset[Purpose]:
    """Offers only to who has said yes to them; a review is asked for unless they have said no."""
    granted, withdrawn = consents_in(newest_states([point])[point.pk])
    unasked = frozenset({Purpose.SERVICE, Purpose.UTILITY, Purpose.REVIEW_REQUEST}) - withdrawn
    return unasked | (granted & {Purpose.MARKETING})


def _needs() -> dict[str, list[str]]:
    needs: dict[str, list[str]] = _rules()["needs"]
    return needs


@lru_cache(maxsize=1)
def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = data_file.read(RULES)
    return rules
