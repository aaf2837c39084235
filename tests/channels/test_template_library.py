"""A template's life: written, submitted, judged, paused, re-classed; and what a re-classing costs."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from post_purchase.channels.base import Outcome, TemplateUpdate
from post_purchase.channels.drivers.whatsapp.parse import ERRORS, parse_callback
from post_purchase.flows.template_costs import at_stake
from post_purchase.jobs.templates import submit_templates
from post_purchase.models import Channel, MessageTemplate
from post_purchase.services.template_library import (
    CannotSubmit,
    add_own,
    ask_network,
    reclassed,
    submit_again,
    templates_of,
)
from post_purchase.services.templates import TemplateSpec, apply_update, save_spec, template_for
from shopapp.lib import clock
from tests import factories
from tests.channels.graph_server import GraphServer

WABA = "102290129340398"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SPEC = TemplateSpec("order_shipped", "de", "UTILITY", "Bestellung {{1}} ist unterwegs.", ["#1001"])
CREATE, LIST = f"POST /{WABA}/message_templates", f"GET /{WABA}/message_templates"
STATUS, QUALITY, CATEGORY = (
    "message_template_status_update",
    "message_template_quality_update",
    "template_category_update",
)


def told(field: str, **value: Any) -> TemplateUpdate:
    """As Meta's webhook reference writes it."""
    named = {
        "message_template_id": 9,
        "message_template_name": "order_shipped",
        "message_template_language": "de",
    } | value
    entry = {"id": WABA, "changes": [{"field": field, "value": named}]}
    [update] = parse_callback(json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode())
    assert isinstance(update, TemplateUpdate)
    return update


@pytest.fixture
def channel(db: None) -> Any:
    with clock.frozen(NOON):
        channel = factories.make_channel(factories.make_shop())
        save_spec(channel, SPEC)
        MessageTemplate.objects.update(status="approved")
        yield channel


def row() -> MessageTemplate:
    return MessageTemplate.objects.get()


def test_pauses_quality_and_categories_are_told_in_words(channel: Channel) -> None:
    apply_update(told(QUALITY, previous_quality_score="GREEN", new_quality_score="YELLOW"))
    pause = told(STATUS, event="PAUSED", reason="NONE", other_info={"title": "FIRST_PAUSE", "description": "x"})
    assert apply_update(pause) == 1
    assert apply_update(pause) == 1  # twice changes nothing
    assert (row().status, row().quality) == ("paused", "YELLOW")
    assert row().status_reason.startswith("Paused for 3 hours")
    assert template_for(channel, "order_shipped", "de") is None  # the planner looks for another way
    apply_update(told(STATUS, event="APPROVED", reason="NONE"))
    assert template_for(channel, "order_shipped", "de") is not None
    apply_update(told(STATUS, event="DISABLED", reason="NONE", other_info={"title": "DISABLED"}))
    assert [each["what"].split(":")[0] for each in row().history] == [
        "Quality yellow",
        "Paused",
        "Approved",
        "Disabled",
    ]
    assert ERRORS.error(code=132015).outcome == Outcome.OTHER_CHANNEL
    assert ERRORS.error(code=131063).outcome == Outcome.OTHER_CHANNEL


def test_an_announced_change_is_not_yet_one(channel: Channel) -> None:
    """Meta: `correct_category` is what it becomes, `new_category` what it still is."""
    soon = int((NOON + timedelta(days=1)).timestamp())
    apply_update(
        told(CATEGORY, correct_category="MARKETING", new_category="UTILITY", category_update_timestamp=str(soon))
    )
    assert (row().category, row().coming_category, row().coming_at) == (
        "UTILITY",
        "MARKETING",
        NOON + timedelta(days=1),
    )
    assert row().is_reclassed
    assert [each.pk for each in reclassed(channel.shop)] == [row().pk]
    apply_update(told(CATEGORY, previous_category="UTILITY", new_category="MARKETING"))
    assert (row().category, row().coming_category, row().coming_at) == ("MARKETING", "", None)
    assert row().is_reclassed
    save_spec(channel, SPEC)  # what the flow says is no reason to submit it again
    assert row().status == "approved"
    apply_update(told(CATEGORY, previous_category="MARKETING", new_category="UTILITY"))
    assert not reclassed(channel.shop).exists()


def test_the_money_at_stake_is_counted_from_what_went_with_it(channel: Channel) -> None:
    contact = factories.make_contact(channel.shop, country="US")
    talk = factories.make_conversation(contact)

    def sent(country: str = "", *, detour: str = "As an approved template: late", days: int = 3, **use: str) -> None:
        template = {"name": "order_shipped", "language": "de-AT", "parameters": ["#1"]} | use
        order = factories.make_order(channel.shop, contact, shipping_country=country) if country else None
        content = {"text": "x", "template": template}
        at = NOON - timedelta(days=days)
        factories.make_message(talk, channel=channel, order=order, content=content, detour=detour, sent_at=at)

    for country in ("DE", "DE", "", "FR"):
        sent(country)
    sent("DE", detour="")  # inside the 24 hours
    sent("DE", days=31)
    sent("DE", name="other")
    sent("DE", language="en")
    [stake] = at_stake([row()], now=NOON)
    # Two to Germany, one to the United States; for France no price of an offer is known.
    assert (stake.messages, stake.unpriced) == (4, 1)
    assert stake.extra == 2 * (Decimal("0.1365") - Decimal("0.0550")) + Decimal("0.0250") - Decimal("0.0034")


def test_ones_own_is_checked_submitted_and_may_be_submitted_again(channel: Channel, graph: GraphServer) -> None:
    question = TemplateSpec("question", "en", "UTILITY", "About your order {{1}}: may we ask something?", ["#1001"])
    with pytest.raises(CannotSubmit, match="already"):
        add_own(channel=channel, spec=SPEC)
    with pytest.raises(CannotSubmit, match="Every value needs an example"):
        add_own(channel=channel, spec=TemplateSpec("q", "en", "UTILITY", "About {{1}}: may we?"))
    add_own(channel=channel, spec=question)
    graph.answers |= {LIST: (200, {"data": []}), CREATE: (400, {"error": {"code": 100, "message": "No"}})}
    submit_templates()
    own = MessageTemplate.objects.get(name="question")
    assert (own.status, own.is_own) == ("rejected", True)
    graph.answers[CREATE] = (200, {"id": "77", "status": "PENDING", "category": "MARKETING"})
    assert submit_again(own)
    assert not submit_again(own)
    submit_templates()
    own.refresh_from_db()
    assert (own.status, own.category, own.is_reclassed) == ("pending", "MARKETING", True)


def test_the_network_is_asked_how_all_stand(channel: Channel, graph: GraphServer) -> None:
    save_spec(channel, TemplateSpec("draft", "de", "UTILITY", "Ein Entwurf."))
    rows = [
        {"id": "9", "name": "order_shipped", "language": "de", "status": "PAUSED", "quality_score": {"score": "RED"}},
        {"id": "8", "name": "draft", "language": "de", "status": "REJECTED"},
        {"id": "7", "name": "of_another_app", "language": "de", "status": "APPROVED"},
    ]
    graph.answers[LIST] = (200, {"data": rows})
    assert ask_network(channel) == 1
    assert [(each.name, each.status, each.quality) for each in templates_of(channel.shop)] == [
        ("draft", "draft", ""),
        ("order_shipped", "paused", "RED"),
    ]


WORDS = st.text(max_size=6) | st.none() | st.integers() | st.sampled_from(["PAUSED", "MARKETING", "RED", "9" * 25])
PARTS = ["event", "reason", "new_category", "correct_category", "category_update_timestamp", "new_quality_score"]
NAMES = st.sampled_from([*PARTS, "other_info", "message_template_name", "message_template_language"])


@given(value=st.dictionaries(NAMES, WORDS | st.dictionaries(st.just("title"), WORDS)))
@effort(max_examples=40)
def test_no_news_of_a_template_can_break_the_parser(value: dict[str, Any]) -> None:
    for field in (STATUS, QUALITY, CATEGORY):
        entry = {"id": WABA, "changes": [{"field": field, "value": value}]}
        assert parse_callback(json.dumps({"entry": [entry]}).encode())
