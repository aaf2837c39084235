"""Products inside a flow: conditions on them, and the code of a reward in the link that fills the cart."""

import pytest

from post_purchase.flows import effects, performing
from post_purchase.flows.conditions import Condition
from post_purchase.flows.definition import load
from post_purchase.flows.facts import gather, load_order
from post_purchase.models import Flow, FlowEvent, FlowRun, FlowVersion, Product
from tests import factories
from tests.products.conftest import NOON

pytestmark = pytest.mark.django_db
DOCUMENT = {
    "key": "fits",
    "name": "Fits",
    "trigger": {"news": ["order_paid"], "if": {"fact": "bought.tags", "contains": ["fragile"]}},
    "start": "end",
    "steps": {"end": {"kind": "end"}},
    "texts": {"en": {}},
}


def product(shop, number: int, **fields) -> Product:
    return Product.objects.create(
        shop=shop,
        shopify_id=number,
        title=f"Product {number}",
        handle=f"p{number}",
        variant_ids=[number * 10],
        shopify_updated_at=NOON,
        **fields,
    )


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"fact": "bought.tags", "contains": ["FRAGILE"]}, True),
        ({"fact": "bought.tags", "contains": ["washable"]}, False),
        ({"fact": "bought.types", "contains": ["tableware"]}, True),
        ({"fact": "bought.metafields.custom.material", "contains": ["clay", "glass"]}, True),
        ({"fact": "bought.metafields.custom.size", "exists": True}, False),
        ({"fact": "order.gift", "equals": False}, True),
        ({"fact": "order.return_open", "equals": True}, False),
    ],
)
def test_a_condition_asks_about_what_was_bought(shop, condition, holds):
    product(shop, 700, tags=["Fragile"], product_type="Tableware", metafields={"custom.material": ["clay"]})
    order = load_order(factories.make_order(shop).pk)
    facts = gather(shop=shop, order=order, contact=None, more=frozenset({"bought"}))
    assert Condition.model_validate(condition).holds(facts) is holds


def test_a_document_gathers_what_it_asks_about_and_nothing_else():
    assert load(DOCUMENT).asks_for == {"bought"}
    guide = {"guide": {"kind": "send_guide", "message": "care"}}
    words = {"messages": {"care": {"purpose": "utility"}}, "texts": {"en": {"messages": {"care": {"text": "Hi"}}}}}
    plain = {"trigger": {"news": ["order_paid"]}, "start": "guide", "steps": guide}
    assert load(DOCUMENT | plain | words).asks_for == {"guide"}


def test_the_rewards_code_goes_into_the_link_that_fills_the_cart(shop):
    product(shop, 700, chosen_ids=[11])
    product(shop, 11)
    order = load_order(factories.make_order(shop, factories.make_contact(shop)).pk)
    flow = Flow.objects.create(shop=shop, key="fits", name="Fits")
    version = FlowVersion.objects.create(flow=flow, number=1, document=DOCUMENT, published_at=NOON)
    run = FlowRun.objects.create(
        shop=shop, flow=flow, version=version, subject_key="o", order=order, contact=order.contact, started_at=NOON
    )
    for number, answers in enumerate(({}, {"reward": {"code": "THANKS-7F3K9"}})):
        scene = performing.Scene(run, load(DOCUMENT), {}, answers)
        effect = effects.FindProducts(key=f"look:{number}", step="look", by="compatible", limit=1)
        for _ in range(2):
            performing.perform(effect, scene)
    links = [event.data["products"][0]["cart_url"] for event in FlowEvent.objects.order_by("pk")]
    assert links == [
        "https://fern.example.com/cart/110:1",
        "https://fern.example.com/cart/110:1?discount=THANKS-7F3K9",
    ]
