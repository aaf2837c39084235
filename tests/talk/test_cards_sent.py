"""Cards through the outbox: to a network that has them, to one that has not, and outside the window."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from post_purchase.channels.base import OutMessage, TemplateUse
from post_purchase.channels.cards import Card
from post_purchase.jobs.messages import send_messages
from post_purchase.models import Message, MessageTemplate
from post_purchase.services.conversations import conversation_for
from post_purchase.services.messages import queue_message
from post_purchase.web.pages.thread import bubble
from post_purchase.words import Author, ChannelKind, Purpose
from shopapp.lib import clock
from tests import factories
from tests.network import SmallGraph, small_graph
from tests.talk.test_delivery import grant

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SHOP = "https://fern.example.com/products"
CARDS = [
    Card(title=name, button="View", image_url=f"https://cdn.example.com/{name}.jpg", url=f"{SHOP}/{name}")
    for name in ("mug", "pot")
]
IN_WORDS = f"These fit\n\nmug: {SHOP}/mug\npot: {SHOP}/pot"
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


def send(kind: ChannelKind, *, address: str, wrote_at: datetime = NOON, template: TemplateUse | None = None) -> Message:
    shop = factories.make_shop()
    channel = factories.make_channel(shop, kind)
    MessageTemplate.objects.create(
        channel=channel,
        name="fits",
        language="en",
        category="UTILITY",
        body="We found {{1}} for you.",
        status="approved",
    )
    contact = factories.make_contact(shop)
    order = factories.make_order(shop, contact)
    point = factories.make_point(contact, kind, address=address, last_inbound_at=wrote_at)
    factories.bind(point, order)
    grant(point, Purpose.UTILITY)
    message = queue_message(
        conversation=conversation_for(contact),
        content=OutMessage(text="These fit", cards=CARDS, template=template),
        dedupe_key="cards",
        purpose=Purpose.UTILITY,
        author=Author.FLOW,
        order=order,
    )
    send_messages()
    message.refresh_from_db()
    return message


def test_whatsapp_gets_a_carousel_and_the_team_sees_what_is_in_it(graph: SmallGraph) -> None:
    message = send(ChannelKind.WHATSAPP, address="4917012345678")
    assert [call["interactive"]["type"] for call in graph.calls] == ["carousel"]
    assert (message.status, message.text, bubble(message)["cards"]) == ("sent", "These fit", ["mug", "pot"])


def test_outside_the_window_the_template_goes_without_cards(graph: SmallGraph) -> None:
    use = TemplateUse(name="fits", language="en", parameters=["two things"])
    message = send(ChannelKind.WHATSAPP, address="4917012345678", wrote_at=NOON - timedelta(days=2), template=use)
    assert [call["type"] for call in graph.calls] == ["template"]
    assert (message.text, bubble(message)["cards"]) == ("We found two things for you.", [])


def test_the_web_chat_has_them_in_its_words() -> None:
    message = send(ChannelKind.WEBCHAT, address="w" * 40)
    assert (message.status, message.text, bubble(message)["cards"]) == ("sent", IN_WORDS, [])


def test_a_mail_has_a_block_for_each_and_its_plain_part_a_line() -> None:
    send(ChannelKind.EMAIL, address="maria@example.com")
    [letter] = mail.outbox
    assert f"mug: {SHOP}/mug" in letter.body
    html = letter.alternatives[0][0]
    for card in CARDS:
        assert f'<img src="{card.image_url}"' in html
        assert f'<a href="{card.url}">View</a>' in html
