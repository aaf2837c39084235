"""What the rehearsal shows is what the real rows, jobs and judge would have done with the same weeks."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from post_purchase.flows import editing, shelf
from post_purchase.flows.rehearsal import past, show
from post_purchase.flows.rehearsal.assumptions import Assumptions
from post_purchase.flows.rehearsal.player import Player
from post_purchase.flows.rehearsal.show import Script
from post_purchase.flows.rehearsal.world import PlayedFlow
from post_purchase.flows.versions import document_of
from post_purchase.flows.watching import add_working_days, watch
from post_purchase.models import Contact, FlowRun, Message, Product
from post_purchase.services.guides import save_guide
from shopapp.lib import clock
from shopapp.models import Shop
from tests.factories import make_shop

from .real_weeks import RealWeeks

pytestmark = pytest.mark.django_db
START = datetime.fromisoformat("2026-03-03T10:00:00+00:00")
UNTIL = START + timedelta(days=30)
SILENT = Assumptions(opens=0, answers=0, stops=0)
STARS = {"five_stars": 100, "four_stars": 0, "three_stars": 0, "two_stars": 0}


@pytest.fixture
def at():
    with clock.frozen(START) as moment:
        yield moment


def begin(domain: str, more: tuple[str, ...] = ()) -> RealWeeks:
    shop = make_shop(domain, installed_at=START - timedelta(days=1), backfill_finished_at=START)
    weeks = RealWeeks(shop, UNTIL)
    for flow in editing.install_library(shop):
        if flow.key in (*shelf.FIRST, *more):
            editing.switch_on(flow)
    weeks.channel.templates.update(status="approved")
    return weeks


def plain_weeks(weeks: RealWeeks) -> None:
    weeks.order(START)
    weeks.open_chat(START + timedelta(minutes=3))
    weeks.parcel(START + timedelta(hours=11, minutes=30))  # 22:30 in Berlin
    weeks.scan(START + timedelta(days=2), "in_transit")
    weeks.scan(START + timedelta(days=2, hours=3), "delayed")
    weeks.scan(START + timedelta(days=3, hours=-2), "out_for_delivery")
    weeks.scan(START + timedelta(days=3, hours=2), "delivered")


def two_orders(weeks: RealWeeks) -> None:
    plain_weeks(weeks)
    later = START + timedelta(days=1, hours=3)
    weeks.order(later, 1002)
    weeks.parcel(later + timedelta(days=1), 1002, 10)
    weeks.scan(later + timedelta(days=2), "delivered", 1002, 10)
    weeks.open_chat(later + timedelta(days=2, hours=3), 1002)


def never_opened(weeks: RealWeeks) -> None:
    plain_weeks(weeks)
    weeks.plans = [plan for plan in weeks.plans if plan[0] != START + timedelta(minutes=3)]


def script_of(shop: Shop, assumed: Assumptions) -> Script:
    flows = tuple(
        PlayedFlow(flow.key, flow.name, document_of(flow.live_version_id))
        for flow in shop.flows.filter(status="on").order_by("pk")
    )
    return Script(flows, None, assumed, seed=1)


def rehearsed(shop: Shop, assumed: Assumptions) -> Any:
    theatre = past.theatre_of(shop, START - timedelta(days=1), UNTIL)
    contact = Contact.objects.get(shop=shop)
    found = show.journey(theatre, script_of(shop, assumed), (contact.pk, None))
    assert found is not None
    moments = [moment for moment in found[1] if moment.told is not None]
    sent = [(m.told.at, m.told.step, m.text, m.told.held) for m in moments if m.told.at]
    return sent, [(m.told.step, m.told.reason) for m in moments if m.told.outcome == "not_sent"]


@pytest.mark.parametrize("happens", [plain_weeks, two_orders, never_opened])
def test_the_same_weeks_give_the_same_messages(at, happens):
    weeks = begin("fern-and-field.myshopify.com")
    happens(weeks)
    weeks.play(at)
    sent, suppressed = rehearsed(weeks.shop, SILENT)
    assert sent == weeks.sent
    assert suppressed == weeks.suppressed
    held = [why for _, _, _, why in sent if why]
    night = "Held until 08:00 in Berlin: quiet hours"
    second_review = "Held until Sat 14 Mar 13:00 in Berlin: 1 request or offer in a day already"
    assert held == {plain_weeks: [night], two_orders: [night, second_review], never_opened: []}[happens]


LAST_SCAN, ARRIVED = START + timedelta(days=2), START + timedelta(days=11)
WATCHED = {  # key: (what starts it, when that becomes true)
    "aged": ({"news": ["purchase_aged"], "subject": "order", "after": "P10D"}, ARRIVED + timedelta(days=10)),
    "stalled": ({"news": ["parcel_stalled"], "subject": "parcel", "working_days": 3}, add_working_days(LAST_SCAN, 3)),
    "silent": (
        {"news": ["contact_silent"], "subject": "contact", "after": "P14D"}, START + timedelta(days=14, minutes=3),
    ),
    "date": (
        {"news": ["date_reached"], "subject": "contact", "date": "03-20"},
        datetime.fromisoformat("2026-03-19T23:00:00+00:00"),
    ),
}  # fmt: skip


def watching(weeks: RealWeeks) -> None:
    """A flow for each thing that time alone brings; each names what was bought and its guide."""
    tags, material = "{{ bought.tags | join: ', ' | default: '-' }}", "bought.metafields.custom.material"
    said = f"{tags}|{{{{ {material} | join: ', ' | default: '-' }}}}|{{{{ guide.text | default: '-' }}}}"
    parameter = {"name": "key", "value": "now", "sample": "now"}
    for key, (trigger, _) in WATCHED.items():
        template = {"name": f"watch_{key}", "category": "UTILITY", "parameters": [parameter]}
        document = {
            "schema": 1, "key": key, "name": key.title(), "trigger": trigger, "start": key,
            "steps": {key: {"kind": "send", "message": "hello"}},
            "messages": {"hello": {"purpose": "utility", "template": template}},
            "texts": {"en": {"messages": {"hello": {
                "text": f"{key}: {said}", "template": "We have some news for you: {{1}} it is, and all is well.",
            }}}},
        }  # fmt: skip
        editing.switch_on(editing.add_flow(weeks.shop, document))
    weeks.channel.templates.update(status="approved")


def test_time_brings_the_same_news_with_the_same_facts_of_products(at):
    """The watch looks once a day, and at each moment at which something becomes true."""
    weeks = begin("fern-and-field.myshopify.com")
    for flow in weeks.shop.flows.filter(status="on"):
        editing.switch_off(flow)
    watching(weeks)
    product = {"shopify_id": 7, "title": "Stoneware mug", "handle": "mug", "shopify_updated_at": START}
    facts = {"tags": ["handmade"], "product_type": "Tableware", "metafields": {"custom.material": ["clay"]}}
    Product.objects.create(shop=weeks.shop, **product, **facts)
    guide = {"kind": "tag", "value": "handmade", "name": "handmade", "language": "en", "text": "Rinse it first."}
    save_guide(shop=weeks.shop, **guide)
    weeks.order(START)
    weeks.open_chat(START + timedelta(minutes=3))
    weeks.parcel(START + timedelta(hours=11, minutes=30))
    weeks.scan(LAST_SCAN, "in_transit")
    weeks.scan(ARRIVED, "delivered")
    for moment in [START + timedelta(days=day) for day in range(31)] + [when for _, when in WATCHED.values()]:
        weeks.plan(moment, watch)
    weeks.play(at)
    sent, suppressed = rehearsed(weeks.shop, SILENT)
    assert sent == weeks.sent
    assert suppressed == weeks.suppressed
    assert {step for _, step, _, _ in sent} == set(WATCHED)
    assert {text for _, step, text, _ in sent if step in ("aged", "stalled")} == {
        f"{key}: handmade|clay|Rinse it first." for key in ("aged", "stalled")
    }


@pytest.mark.parametrize(
    ("more", "stars", "also"),
    [
        ((), STARS, {"thanks_with_code"}),
        (("sale_alerts", "check_in"), STARS, {"confirm", "say_glad"}),
        # Nothing is left to chance: it goes by the order's key, and so by the database.
        (("low_rating",), dict.fromkeys(STARS, 0) | {"two_stars": 100, "wants_help": 100}, {"hand_over"}),
    ],
)
def test_the_same_answers_give_the_same_messages(at, monkeypatch, more, stars, also):
    """A rehearsal says when the shopper answers what; the same answers are then given in real rows."""
    assumed = Assumptions(opens=0, answers=100, photos=0, words=100, stops=0, first_choice=100, **stars)
    first = begin("fern-and-field.myshopify.com", more)
    plain_weeks(first)
    first.play(at)
    answers: list[Any] = []
    receive = Player._receive

    def note(player, reply, run, address, about):
        answers.append((player.now, run.flow.key, reply))
        receive(player, reply, run, address, about)

    monkeypatch.setattr(Player, "_receive", note)
    sent, suppressed = rehearsed(first.shop, assumed)

    at.to(START)
    second = begin("second.myshopify.com", more)
    plain_weeks(second)
    for moment, flow, reply in answers:
        second.write(moment, flow, reply.text, reply.tap)
    second.play(at)
    code = FlowRun.objects.get(shop=second.shop, flow__key="photo_review").state["answers"]["reward"]["code"]
    real = [(when, step, text.replace(code, "THANKS-7F3K9-XXXXX"), held) for when, step, text, held in second.sent]
    assert sent == real
    assert suppressed == second.suppressed
    assert {"say_enjoy", "review"} | also <= {step for _, step, _, _ in sent}
    assert Message.objects.filter(shop=first.shop, step_id="thanks_with_code").count() == 0  # a rehearsal sends nothing
