"""A template is known by its words: what Meta has approved stays as it is, other words get a name of their own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from demo.world import DemoWorld
from post_purchase.channels.base import ChannelError
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, MessageTemplate
from post_purchase.services.channels import connect_channel
from post_purchase.services.template_library import CannotSubmit, add_own
from post_purchase.services.template_words import digest_of, filled, free_name, next_name, numbered
from post_purchase.services.templates import TemplateSpec, ensure_templates, save_specs
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from tests.channels.graph_server import GraphServer
from tests.factories import make_channel, make_shop
from tests.pretend_world import ENVIRONMENT

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WABA = "102290129340398"
CREATE, LIST, DELETE = (f"{method} /{WABA}/message_templates" for method in ("POST", "GET", "DELETE"))
OLD = TemplateSpec("order_shipped", "de", "UTILITY", "Bestellung {{1}} ist unterwegs.", ["#1001"])
NEW = TemplateSpec("order_shipped", "de", "UTILITY", "Ihre Bestellung {{1}} kommt bald.", ["#1001"])
OWN_NAME = f"order_shipped_{digest_of(NEW.body)[:8]}"


@pytest.fixture
def channel() -> Any:
    with clock.frozen(NOON):
        yield make_channel(make_shop())


def rows() -> list[tuple[str, str, str]]:
    return list(MessageTemplate.objects.order_by("pk").values_list("name", "body", "status"))


def created(graph: GraphServer) -> list[str]:
    return [each.json["name"] for each in graph.sent("/message_templates") if each.method == "POST"]


def test_new_words_are_submitted_beside_the_approved_ones(graph: GraphServer, channel: Channel) -> None:
    graph.answers |= {LIST: (200, {"data": []}), CREATE: (200, {"id": "9", "status": "APPROVED"})}
    ensure_templates(channel=channel, specs=[OLD])
    graph.answers[CREATE] = (200, {"id": "10", "status": "PENDING"})
    ensure_templates(channel=channel, specs=[NEW, OLD])
    ensure_templates(channel=channel, specs=[NEW, OLD])
    assert rows() == [("order_shipped", OLD.body, "approved"), (OWN_NAME, NEW.body, "pending")]
    assert created(graph) == ["order_shipped", OWN_NAME]


def test_refused_words_are_mended_in_place_unless_somebody_says_them(graph: GraphServer, channel: Channel) -> None:
    graph.answers |= {LIST: (200, {"data": []}), CREATE: (200, {"id": "9", "status": "REJECTED"})}
    graph.answers["POST /9"] = (200, {"success": True})
    ensure_templates(channel=channel, specs=[OLD])
    save_specs(channel, [NEW, OLD])
    assert [name for name, _, _ in rows()] == ["order_shipped", OWN_NAME]
    MessageTemplate.objects.filter(name=OWN_NAME).delete()
    ensure_templates(channel=channel, specs=[NEW])
    assert rows() == [("order_shipped", NEW.body, "pending")]
    assert graph.sent("/9")[0].json["components"][0]["text"] == NEW.body


def test_the_same_words_under_two_names_are_one_template(channel: Channel) -> None:
    """Meta refuses words that it has already."""
    copy = TemplateSpec("copy", "de", "UTILITY", f"{OLD.body}\n", ["#7"])
    save_specs(channel, [OLD, copy, NEW])
    save_specs(channel, [copy, OLD, NEW])
    assert rows() == [("order_shipped", OLD.body, "draft"), (OWN_NAME, NEW.body, "draft")]
    assert MessageTemplate.objects.first().parameters[0]["sample"] in ("#7", "#1001")
    with pytest.raises(CannotSubmit, match="“order_shipped” says the same already"):
        add_own(channel=channel, spec=TemplateSpec("mine", "de", "UTILITY", OLD.body, ["#1001"]))


def test_another_category_or_language_is_another_template(channel: Channel) -> None:
    save_specs(channel, [OLD, TemplateSpec("order_shipped", "de", "MARKETING", OLD.body, ["#1001"])])
    save_specs(channel, [TemplateSpec("order_shipped", "nl", "UTILITY", OLD.body, ["#1001"])])
    assert [name for name, _, _ in rows()] == [
        "order_shipped",
        f"order_shipped_{digest_of(OLD.body)[:8]}",
        "order_shipped",
    ]


def at_meta(name: str, body: str, status: str = "APPROVED", number: str = "9") -> dict[str, Any]:
    components = [{"type": "BODY", "text": body}]
    return {
        "id": number,
        "name": name,
        "language": "de",
        "status": status,
        "category": "UTILITY",
        "components": components,
    }


def test_what_the_network_has_under_another_name_is_adopted(graph: GraphServer, channel: Channel) -> None:
    graph.answers[LIST] = (200, {"data": [at_meta("order_shipped", OLD.body), at_meta(OWN_NAME, NEW.body, number="8")]})
    ensure_templates(channel=channel, specs=[NEW])
    assert rows() == [(OWN_NAME, NEW.body, "approved")]
    assert created(graph) == []


def test_a_name_that_others_use_or_that_was_deleted_is_left_alone(graph: GraphServer, channel: Channel) -> None:
    graph.answers |= {LIST: (200, {"data": [at_meta("order_shipped", "Von einer anderen App.")]})}
    deleted = (400, {"error": {"code": 100, "error_subcode": 2388023, "message": "is being deleted"}})
    graph.answers[CREATE] = [deleted, (200, {"id": "10", "status": "APPROVED"})]
    ensure_templates(channel=channel, specs=[NEW])
    assert created(graph) == [OWN_NAME, f"{OWN_NAME}_2"]
    assert rows() == [(f"{OWN_NAME}_2", NEW.body, "approved")]
    graph.answers |= {LIST: (200, {"data": []}), CREATE: deleted}
    ensure_templates(channel=channel, specs=[NEW, OLD])
    assert rows()[1][2] == "rejected"  # every name was tried, and then it is said


def test_old_words_are_let_go_once_nobody_can_need_them(graph: GraphServer, channel: Channel) -> None:
    graph.answers |= {LIST: (200, {"data": []}), CREATE: (200, {"id": "9", "status": "APPROVED"})}
    ensure_templates(channel=channel, specs=[OLD])
    add_own(channel=channel, spec=TemplateSpec("mine", "de", "UTILITY", "Dürfen wir etwas fragen?"))
    channel.refresh_from_db()
    graph.answers |= {CREATE: (200, {"id": "10", "status": "APPROVED"}), DELETE: (200, {"success": True})}
    ensure_templates(channel=channel, specs=[NEW], kept=[OLD])
    channel.refresh_from_db()
    assert channel.templates_due_at == NOON + timedelta(days=1)  # to look whether somebody still needs them
    assert {name for name, _, _ in rows()} == {"order_shipped", "mine", OWN_NAME}
    ensure_templates(channel=channel, specs=[NEW], kept=[NEW])
    channel.refresh_from_db()
    assert channel.templates_due_at is None
    assert {name for name, _, _ in rows()} == {"mine", OWN_NAME}
    [asked] = [each for each in graph.asked if each.method == "DELETE"]
    assert asked.path.endswith("message_templates?hsm_id=9&name=order_shipped")


def test_words_that_another_number_of_the_account_says_stay_at_meta(graph: GraphServer, channel: Channel) -> None:
    for each in (channel, make_channel(channel.shop, account_id="2")):
        fields = {"language": "de", "category": "UTILITY", "body": OLD.body, "status": "approved", "provider_id": "9"}
        MessageTemplate.objects.create(channel=each, name="order_shipped", **fields)
    ensure_templates(channel=channel, specs=[], kept=[])
    assert MessageTemplate.objects.get().channel_id != channel.pk
    assert [each.method for each in graph.asked] == []


def test_a_name_keeps_its_stem() -> None:
    own = f"a_{digest_of('x')[:8]}"
    assert free_name("a", "x", {"a"}) == own
    assert next_name("a", "x", set()) == own
    assert next_name(own, "x", {"a"}) == f"{own}_2"
    assert next_name(f"{own}_5", "x", set()) == ""
    assert len(free_name("a" * 190, "x", {"a" * 190})) <= 190


def test_gaps_are_filled_as_the_network_fills_them() -> None:
    assert filled("{{2}}, {{1}} and {{3}}: {{4}}", ["a", " b\nc ", ""]) == "b c, a and –: {{4}}"


def test_values_are_numbered_as_they_stand() -> None:
    assert numbered("An {{2}} zu {{1}}, ja {{2}}.") == ("An {{1}} zu {{2}}, ja {{3}}.", [2, 1, 2])
    assert digest_of(" An {{2}} zu {{1}}.") == digest_of("An {{1}} zu {{2}}.")


# Against the demo's Meta, which is as strict as Meta.


@pytest.fixture
def world(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoWorld]:
    """Its Meta decides when the test says so."""
    never = SimpleNamespace(Timer=lambda *_: SimpleNamespace(start=lambda: None))
    monkeypatch.setattr("demo.meta.accounts.threading", never)
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        settings.META_GRAPH_ORIGIN = f"{world.url}/graph"
        world.whatsapp.create_number(token="EAA-number")
        yield world


def listed(channel: Channel) -> list[tuple[str, str]]:
    driver = driver_for(channel.kind)
    return [(each.name, each.body) for each in driver.list_templates(channel=channel)]


def decide(world: DemoWorld, name: str, verdict: str) -> None:
    world.whatsapp.decide_template(f"{WABA}:{name}:de", verdict)


def test_two_versions_and_their_end_at_a_strict_meta(world: DemoWorld) -> None:
    with clock.frozen(NOON) as at:
        credentials = {"access_token": "EAA-number", "waba_id": WABA}
        kind, number = ChannelKind.WHATSAPP, "106540352242922"
        channel = connect_channel(shop=make_shop(), kind=kind, account_id=number, credentials=credentials)
        ensure_templates(channel=channel, specs=[OLD])
        decide(world, "order_shipped", "APPROVED")
        ensure_templates(channel=channel, specs=[NEW, OLD])
        decide(world, OWN_NAME, "APPROVED")
        ensure_templates(channel=channel, specs=[NEW, OLD])
        assert rows() == [("order_shipped", OLD.body, "approved"), (OWN_NAME, NEW.body, "approved")]
        ensure_templates(channel=channel, specs=[NEW], kept=[])
        assert listed(channel) == [(OWN_NAME, NEW.body)]
        ensure_templates(channel=channel, specs=[OLD, NEW])  # rolled back late: the name rests for 30 days
        assert [name for name, _ in listed(channel)] == [OWN_NAME, f"order_shipped_{digest_of(OLD.body)[:8]}"]
        approved = MessageTemplate.objects.get(name=OWN_NAME)
        approved.body = "Anders: {{1}}, und mehr."
        driver_for(channel.kind).submit_template(channel=channel, template=approved)
        with pytest.raises(ChannelError):  # being reviewed
            driver_for(channel.kind).submit_template(channel=channel, template=approved)
        decide(world, OWN_NAME, "APPROVED")
        with pytest.raises(ChannelError, match="once in 24 hours"):
            driver_for(channel.kind).submit_template(channel=channel, template=approved)
        at.move(days=2)
        driver_for(channel.kind).submit_template(channel=channel, template=approved)
