"""Which texts for Meta a shop needs: of each version that somebody gets or is still in, and for a while of the last."""

from datetime import UTC, datetime
from typing import Any

import pytest

from post_purchase.flows import drafts, editing, runs, shelf
from post_purchase.flows.state import START, Event
from post_purchase.flows.team_templates import team_templates
from post_purchase.flows.templates import kept_specs, template_specs
from post_purchase.jobs.flows import handle_timers
from post_purchase.models import Flow, FlowRun, FlowVersion, Message, MessageTemplate
from post_purchase.services.template_words import digest_of, state_key
from post_purchase.services.templates import TemplateSpec
from post_purchase.web.pages.flow_editor import template_words
from shopapp.lib import clock
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = (f"About your order {{{{1}}}}: {word} news, thank you." for word in ("first", "second", "third"))


@pytest.fixture
def at():
    with clock.frozen(NOW) as at:
        yield at


def document(body: str) -> dict[str, Any]:
    parameter = {"name": "order", "value": "{{ order.name }}", "sample": "#1001"}
    message = {"purpose": "utility", "template": {"name": "care", "parameters": [parameter]}}
    return {
        "schema": 1,
        "key": "care",
        "name": "Care",
        "trigger": {"news": ["order_paid"]},
        "start": "settle",
        "steps": {
            "settle": {"kind": "wait", "for": "P7D", "why": "", "next": "say"},
            "say": {"kind": "send", "message": "say", "next": None},
        },
        "messages": {"say": message},
        "texts": {"en": {"messages": {"say": {"text": "About {{ order.name }}", "template": body}}}},
    }


@pytest.fixture
def flow(at) -> Flow:
    shop = factories.make_shop()
    factories.make_channel(shop)
    made = editing.switch_on(Flow.objects.create(shop=shop, key="care", name="Care", draft=document(FIRST)))
    MessageTemplate.objects.update(status="approved")
    return made


def publish(flow: Flow, body: str, share: int = 100) -> None:
    flow.refresh_from_db()
    drafts.keep(flow, document(body), user="42", what="Changed")
    editing.publish(flow, "42", share=share)


def begin(flow: Flow) -> FlowRun:
    order = factories.make_order(flow.shop, factories.make_contact(flow.shop))
    event = Event(START, f"start:{order.pk}", clock.now(), {"by": "order_paid"})
    return runs.start(flow=flow, subject_key=f"order:{order.pk}", order=order, event=event)


def of_flows(specs: list[TemplateSpec]) -> list[str]:
    return [spec.body for spec in specs if spec.name not in team_templates()]


def bodies(flow: Flow) -> list[str]:
    return of_flows(template_specs(flow.shop))


def rows() -> list[tuple[str, str, str]]:
    of_the_flows = MessageTemplate.objects.exclude(name__in=team_templates())
    return list(of_the_flows.order_by("pk").values_list("name", "body", "status"))


def named(body: str) -> str:
    return f"care_{digest_of(body)[:8]}"


def test_what_is_published_is_there_to_be_submitted_at_once_and_the_old_words_stay(flow):
    begin(flow)
    publish(flow, SECOND)
    assert rows() == [("care", FIRST, "approved"), (named(SECOND), SECOND, "draft")]
    assert bodies(flow) == [SECOND, FIRST]
    publish(flow, FIRST)
    assert rows()[0] == ("care", FIRST, "approved")
    assert len(rows()) == 2


def test_the_old_words_are_needed_while_somebody_is_in_the_old_version_or_its_message_waits(flow, at):
    begin(flow)
    publish(flow, SECOND)
    assert bodies(flow) == [SECOND, FIRST]
    editing.switch_off(flow)
    assert bodies(flow) == [FIRST]  # who is under way finishes
    at.move(days=8)
    handle_timers()
    assert FlowRun.objects.get().status == "ended"
    message = Message.objects.get()
    assert message.content["template"]["bodies"] == {"en": digest_of(FIRST)}
    assert bodies(flow) == [FIRST]
    message.next_attempt_at = None
    message.save()
    assert bodies(flow) == []


def test_a_share_gets_its_own_words(flow):
    publish(flow, SECOND, share=10)
    assert bodies(flow) == [FIRST, SECOND]
    assert rows() == [("care", FIRST, "approved"), (named(SECOND), SECOND, "draft")]
    flow.refresh_from_db()
    editing.set_share(flow, 0)
    assert bodies(flow) == [FIRST]


def test_the_last_words_can_be_had_again_for_thirty_days(flow, at):
    at.move(days=40)
    publish(flow, SECOND)
    editing.switch_off(flow)
    kept = of_flows(kept_specs(flow.shop))
    assert (bodies(flow), kept) == ([], [FIRST, SECOND])  # what is off keeps its words
    at.move(days=29)
    assert len(of_flows(kept_specs(flow.shop))) == 2
    at.move(days=2)
    assert of_flows(kept_specs(flow.shop)) == [SECOND]


def test_a_version_that_cannot_be_read_stops_no_other(flow):
    begin(flow)
    publish(flow, SECOND)
    broken = {"schema": 1, "key": "care"}
    FlowVersion.objects.filter(pk=flow.live_version_id).update(document=broken)
    publish(flow, THIRD)
    assert THIRD in bodies(flow)


def state(flow: Flow, body: str) -> str:
    return template_words(document(body), "say", "en", editing.template_states(flow.shop_id))


def test_the_state_is_that_of_the_words_not_of_the_name(flow):
    assert state(flow, FIRST) == "care: approved by Meta"
    assert state(flow, SECOND) == "care: new to Meta; it is sent for approval when you publish"
    publish(flow, SECOND)
    assert state(flow, SECOND) == "care: about to be handed to Meta"
    assert state(flow, FIRST) == "care: approved by Meta"
    assert state_key("en", "UTILITY", SECOND) in editing.template_states(flow.shop_id)


def test_a_copy_has_templates_of_its_own_and_shares_the_words_that_are_the_same(flow):
    copy = editing.add_flow(flow.shop, flow.draft)
    assert (copy.key, copy.draft["messages"]["say"]["template"]["name"]) == ("care_2", "care_2")
    again = editing.add_flow(flow.shop, flow.draft)
    assert again.draft["messages"]["say"]["template"]["name"] == "care_3"
    editing.switch_on(copy)
    assert rows() == [("care", FIRST, "approved")]  # Meta takes no words twice
    changed = document(SECOND) | {"key": "care_2"}
    changed["messages"]["say"]["template"]["name"] = "care_2"
    copy.refresh_from_db()
    drafts.keep(copy, changed, user="42", what="Changed")
    editing.publish(copy, "42")
    assert rows() == [("care", FIRST, "approved"), ("care_2", SECOND, "draft")]


def test_an_own_flow_with_names_that_nobody_has_keeps_them(at):
    shop = factories.make_shop()
    made = editing.add_flow(shop, shelf.library()["check_in"])
    assert made.draft == shelf.library()["check_in"]
    copy = editing.add_flow(shop, shelf.library()["check_in"])
    names = {
        message: spec["template"]["name"] for message, spec in copy.draft["messages"].items() if "template" in spec
    }
    assert names
    assert all(name.endswith("_2") for name in names.values())
