"""What a rehearsal is played with: the shop, its flows, and the people with their orders. No queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from post_purchase.flows.definition import FlowDocument
from post_purchase.flows.wording import template_language
from post_purchase.models import Channel, ContactPoint, Order, ShopSettings
from post_purchase.services.template_words import digest_of
from post_purchase.words import Purpose
from shopapp.models import Shop

from .history import News


@dataclass(frozen=True)
class PlayedFlow:
    key: str
    name: str
    document: FlowDocument
    rehearsed: bool = False  # the one that the rehearsal is about

    def begins_again(self, news: str) -> bool:
        """Such news may begin a further run about the same thing."""
        trigger = self.document.trigger
        return trigger.again_after is not None and news in trigger.news


@dataclass
class Theatre:
    """The shop as the rehearsal sees it."""

    shop: Shop
    settings: ShopSettings
    since: datetime
    until: datetime
    channels: dict[str, Channel]  # by kind; the first connected one, or made up where none is
    made_up: bool = False  # no channel is connected yet
    refused_templates: frozenset[str] = frozenset()  # the words that the network has refused, by their digests


@dataclass
class Address:
    """One way to a person. `row` is unsaved where the past knows of none."""

    row: ContactPoint
    channel: Channel
    granted: frozenset[Purpose] = frozenset()
    withdrawn: frozenset[Purpose] = frozenset()
    blocked: str = ""
    bound: set[int] = field(default_factory=set)  # orders that it has proved


@dataclass
class Chat:
    """A chat that really was opened for an order."""

    at: datetime
    address: Address
    touchpoint: str = ""


@dataclass
class OrderPast:
    row: Order
    facts: dict[str, Any]  # as they are now
    news: list[News]
    chat: Chat | None = None


@dataclass
class Person:
    """One contact, or an order that names nobody."""

    key: str  # "contact:12", "order:99"
    contact_id: int | None
    orders: list[OrderPast]  # oldest first
    addresses: list[Address] = field(default_factory=list)
    has_stopped: bool = False
    bought_before: tuple[datetime, ...] = ()  # when, before these weeks
    fields: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = ""
    own_quiet: tuple[time, time] | None = None
    closed: tuple[tuple[datetime, dict[str, Any]], ...] = ()  # when the team closed a talk, and what was said of it
    country: str = ""
    province: str = ""


@lru_cache(maxsize=20_000)
def _spoken(document: int, message: str, language: str, default: str, _held: "Held") -> tuple[str, str] | None:
    found = _held.document.wording(message, language, default)
    if found is None:
        return None
    spoken = template_language(_held.document, message, language, default)
    return found[0], digest_of(_held.document.texts[spoken].messages[message].template) if spoken else ""


class Held:
    """A document as a key of a cache: hashing the document itself would read all of it each time."""

    __slots__ = ("document",)

    def __init__(self, document: FlowDocument):
        self.document = document

    def spoken(self, message: str, language: str, default: str) -> tuple[str, str] | None:
        """(the language that the message is written in for this reader, its template's digest). None: no words."""
        return _spoken(id(self.document), message, language, default, self)


class Cast:
    """The flows that play together, found by the news that start them."""

    def __init__(self, flows: Sequence[PlayedFlow]):
        self.flows = [(flow, Held(flow.document)) for flow in flows]
        self.asks_for_history = any("history" in flow.document.asks_for for flow in flows)
        self._by_news: dict[str, list[tuple[PlayedFlow, Held]]] = {}
        for flow, held in self.flows:
            for news in flow.document.trigger.news:
                self._by_news.setdefault(news.value, []).append((flow, held))

    def started_by(self, news: str) -> list[tuple[PlayedFlow, Held]]:
        return self._by_news.get(news, [])
