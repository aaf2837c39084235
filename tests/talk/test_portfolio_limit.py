"""How many people a business writes to first in 24 hours: counted for the whole portfolio, and kept to."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from post_purchase.channels.base import OutMessage, Portfolio, TemplateUse
from post_purchase.intake import callbacks
from post_purchase.jobs.clean_up import clean_up
from post_purchase.jobs.messages import send_messages
from post_purchase.models import Channel, ConsentState, ContactPoint, FirstWord, Message, MessageTemplate
from post_purchase.services import portfolios
from post_purchase.services.consent import record_consent
from post_purchase.services.conversations import conversation_for
from post_purchase.services.messages import queue_message
from post_purchase.words import Author, ChannelKind, Purpose
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop
from tests import factories
from tests.network import SmallGraph, small_graph

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WABA, BUSINESS = "102290129340398", "506914307656634"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at() -> Iterator[Any]:
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.fixture
def graph(settings: Any) -> Iterator[SmallGraph]:
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


@pytest.fixture
def channel() -> Channel:
    return connected(factories.make_shop(), limit=2)


def connected(shop: Shop, *, limit: int, **fields: Any) -> Channel:
    options = {"waba_id": WABA, "portfolio": BUSINESS, "portfolio_limit": limit}
    channel = factories.make_channel(shop, options=options, **fields)
    MessageTemplate.objects.create(
        channel=channel, name="shipped", language="en", category="UTILITY", body="Order {{1}} left.", status="approved"
    )
    return channel


def news(channel: Channel, number: int, *, written: bool = False) -> Message:
    """News of an order for somebody who has not written, or has just."""
    contact = factories.make_contact(channel.shop)
    order = factories.make_order(channel.shop, contact, name=f"#{number}", shopify_id=number)
    point = factories.make_point(contact, address=f"49151000{number}", last_inbound_at=NOON if written else None)
    factories.bind(point, order)
    agree(point)
    return tell(point, order, str(number))


def tell(point: ContactPoint, order: Any, key: str) -> Message:
    return queue_message(
        conversation=conversation_for(point.contact),
        content=OutMessage(text="x", template=TemplateUse(name="shipped", language="en", parameters=["#1"])),
        dedupe_key=key,
        purpose=Purpose.UTILITY,
        author=Author.FLOW,
        order=order,
    )


def agree(point: ContactPoint) -> None:
    key = f"test:{point.pk}"
    record_consent(point=point, purpose=Purpose.UTILITY, state=ConsentState.GRANTED, method="test", dedupe_key=key)


def states(messages: list[Message]) -> list[str]:
    for message in messages:
        message.refresh_from_db()
    return [message.status for message in messages]


def test_what_is_one_too_many_waits_with_the_reason_and_goes_when_a_place_is_free(
    graph: SmallGraph, channel: Channel, at: Any
) -> None:
    messages = [news(channel, number) for number in (1, 2, 3)]
    send_messages()
    send_messages()
    assert states(messages) == ["sent", "sent", "held"]
    assert messages[2].reason == (
        "Held until Wed 25 Nov 13:00 in Berlin: the network lets your business write first to 2 people in 24 hours, "
        "and so many were written to"
    )
    at.move(hours=24, minutes=1)
    send_messages()
    assert states(messages) == ["sent", "sent", "sent"]


def test_who_counts_already_takes_no_second_place(graph: SmallGraph, channel: Channel, at: Any) -> None:
    first, other = news(channel, 1), news(channel, 2)
    send_messages()
    at.move(hours=5)
    first.refresh_from_db()
    assert first.point is not None
    again = tell(first.point, first.order, "again")
    send_messages()
    assert states([other, again]) == ["sent", "sent"]
    assert sorted(FirstWord.objects.values_list("said_at", flat=True)) == [NOON, NOON + timedelta(hours=5)]


def test_answers_and_news_inside_the_window_never_count(graph: SmallGraph, channel: Channel) -> None:
    messages = [news(channel, number, written=True) for number in (1, 2, 3)]
    send_messages()
    assert states(messages) == ["sent", "sent", "sent"]
    assert not FirstWord.objects.exists()


def test_a_full_portfolio_lets_news_go_by_another_channel(graph: SmallGraph, channel: Channel) -> None:
    full(channel)
    message = news(channel, 3)
    factories.make_channel(channel.shop, ChannelKind.MESSENGER)
    point = factories.make_point(message.contact, ChannelKind.MESSENGER, address="psid-3", last_inbound_at=NOON)
    assert message.order is not None
    factories.bind(point, message.order)
    agree(point)
    ContactPoint.objects.filter(contact=message.contact, kind=ChannelKind.WHATSAPP).update(
        last_inbound_at=NOON - timedelta(days=2)
    )
    message.contact.preferred_kind = ChannelKind.WHATSAPP
    message.contact.save()
    send_messages()
    message.refresh_from_db()
    assert [call["recipient"] for call in graph.calls] == [{"id": "psid-3"}]
    assert message.detour == (
        "By Messenger: the network lets your business write first to 2 people in 24 hours, and so many were written to"
    )


def full(channel: Channel) -> None:
    for number in (1, 2):
        point = factories.make_point(factories.make_contact(channel.shop), address=f"4917000{number}")
        FirstWord.objects.create(portfolio=BUSINESS, point=point, said_at=NOON - timedelta(hours=1))


def test_numbers_of_one_business_share_one_count(graph: SmallGraph, channel: Channel) -> None:
    rival = connected(factories.make_shop("second.myshopify.com"), limit=2, account_id="207")
    messages = [news(channel, 1), news(rival, 2), news(rival, 3)]
    send_messages()
    send_messages()
    assert states(messages) == ["sent", "sent", "held"]


def hear(field: str, value: dict[str, Any]) -> None:
    body = {"entry": [{"id": WABA, "changes": [{"field": field, "value": value}]}]}
    row = IncomingWebhook.objects.create(
        source="whatsapp", topic="callback", event_id=field, body=json.dumps(body).encode(), received_at=NOON
    )
    callbacks.handle(row, still_here=lambda: None)


def test_metas_word_of_a_higher_limit_sends_who_waited(graph: SmallGraph, channel: Channel) -> None:
    full(channel)
    message = news(channel, 3)
    send_messages()
    assert states([message]) == ["held"]
    hear("business_capability_update", {"max_daily_conversations_per_business": "TIER_2K"})
    channel.refresh_from_db()
    assert channel.options["portfolio_limit"] == 2000
    send_messages()
    assert states([message]) == ["sent"]


@pytest.mark.parametrize(
    ("field", "value", "limit"),
    [
        ("business_capability_update", {"max_daily_conversations_per_business": 2000}, 2000),
        ("business_capability_update", {"max_daily_conversation_per_phone": -1}, -1),
        ("phone_number_quality_update", {"event": "FLAGGED", "current_limit": "TIER_1K"}, 1000),
        ("phone_number_quality_update", {"max_daily_conversations_per_business": "TIER_UNLIMITED"}, -1),
        ("business_capability_update", {"max_daily_conversations_per_business": "TIER_OF_TOMORROW"}, 2),
        ("business_capability_update", {"max_daily_conversations_per_business": ["TIER_2K"]}, 2),
        ("business_capability_update", {"max_phone_numbers_per_waba": 25}, 2),
    ],
)
def test_every_form_of_the_limit_is_read(channel: Channel, field: str, value: dict[str, Any], limit: int) -> None:
    hear(field, value)
    channel.refresh_from_db()
    assert channel.options["portfolio_limit"] == limit


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_nobody_told_or_that_is_none_holds_nothing(graph: SmallGraph, limit: int) -> None:
    channel = connected(factories.make_shop(), limit=limit)
    messages = [news(channel, number) for number in (1, 2, 3)]
    send_messages()
    assert states(messages) == ["sent", "sent", "sent"]
    assert not FirstWord.objects.exists()


def test_the_warning_comes_at_eighty_percent(channel: Channel) -> None:
    assert [portfolios.Use(Portfolio(BUSINESS, 250), people).is_near for people in (199, 200)] == [False, True]


def test_old_first_words_are_forgotten(channel: Channel, at: Any) -> None:
    full(channel)
    at.move(hours=24)
    clean_up()
    assert FirstWord.objects.count() == 2
    at.move(hours=24)
    clean_up()
    assert not FirstWord.objects.exists()
