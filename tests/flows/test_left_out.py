"""Where no message goes, the run says why in plain words: at its end, on the path and in the rehearsal."""

from typing import Any

import pytest

from post_purchase.flows import effects
from tests.flows.test_steps import SEND, Walk

WAIT = {"kind": "wait", "for": "P9D"}
RICH, PAID = {"fact": "order.total", "at_least": 5000}, {"fact": "order.paid", "equals": False}


def ended(steps: dict[str, Any], **facts: Any) -> Walk:
    walk = Walk(steps)
    for root, values in facts.items():
        walk.facts[root] = walk.facts[root] | values
    walk.start()
    return walk


def why(walk: Walk) -> list[tuple[str, str]]:
    return [(one.step, one.why) for one in walk.state.left_out]


def test_a_branch_that_leads_to_the_end_names_its_condition():
    walk = ended({"rich": {"kind": "branch", "cases": [{"if": RICH, "goto": "say"}]}, "say": SEND})
    reason = "It ended there, as this was not so: the order's total is at least 5000"
    assert why(walk) == [("rich", reason)]
    assert walk.state.reason == f"No message went. {reason}"
    walk = ended({"rich": {"kind": "branch", "cases": [{"if": PAID, "goto": None}], "next": "say"}, "say": SEND},
                 order={"paid": False})  # fmt: skip
    assert walk.state.reason == "No message went. It ended there: the order is not paid"


def test_an_end_step_without_words_of_its_own_says_it_too():
    steps = {"rich": {"kind": "branch", "cases": [{"if": RICH, "goto": "say"}], "next": "stop"}, "say": SEND}
    assert ended(steps | {"stop": {"kind": "end"}}).state.reason.startswith("No message went. It ended there")
    named = ended(steps | {"stop": {"kind": "end", "reason": "Too small"}})
    assert (named.state.reason, len(named.state.left_out)) == ("Too small", 1)


def test_after_a_message_an_end_is_just_an_end():
    rich = {"kind": "branch", "cases": [{"if": RICH, "goto": "more"}]}
    steps = {"say": {**SEND, "next": "rich"}, "rich": rich, "more": SEND}
    walk = ended(steps)
    assert (walk.state.reason, why(walk)) == ("Finished", [])
    steps |= {"say": {**SEND, "next": "settle"}, "settle": {**WAIT, "next": "rich"}}
    walk = ended(steps)
    walk.ring(days=9)
    assert (walk.state.reason, why(walk)) == ("Finished", [])  # also when it was said long before


@pytest.mark.parametrize(
    ("wait", "reason"),
    [
        ({"date": "contact.fields.birthday"}, "The day to wait for is not known: contact fields birthday"),
        ({"until": RICH, "timeout": "P3D"}, "It waited in vain for this: the order's total is at least 5000"),
    ],
)
def test_a_wait_in_vain_says_what_for(wait, reason):
    walk = ended({"wait": {"kind": "wait", "next": "say", **wait}, "say": SEND})
    if walk.state.status == "active":
        walk.ring(days=3)
    assert walk.state.reason == f"No message went. {reason}"


def test_a_wait_that_news_cut_short_names_the_news():
    walk = ended({"wait": {**WAIT, "next": "say", "cut_short_by": ["order_refunded"]}, "say": SEND})
    walk.hear("order_refunded")
    assert walk.state.reason == "No message went. Its wait ended because an order is refunded"


def test_a_digest_says_where_the_parcel_was_by_then_and_the_effect_is_told():
    steps = {"gather": {"kind": "digest", "for": "PT15M", "news": ["parcel_shipped"], "states": ["in_transit"],
                        "next": "say"}, "say": SEND}  # fmt: skip
    walk = Walk(steps)
    walk.facts["parcels"] = {"1": {"state": "delivered"}}
    walk.hear("start", parcel=1)
    reason = "Its news was old by then (the parcel: delivered)"
    assert walk.ring(minutes=15) == [effects.Skip(step="gather", message="", reason=reason)]
    assert walk.state.reason == f"No message went. {reason}"


def test_a_product_and_a_code_that_are_not_there_are_told_beside_what_is_sent_instead():
    walk = ended({"look": {"kind": "recommend", "next": "say", "on_none": "say"}, "say": SEND})
    walk.hear("products_found", **{"for": "look:1", "products": []})
    assert (why(walk), walk.state.reason) == ([("look", "No product was found that fits")], "Finished")
    walk = ended({"code": {"kind": "reward", "timeout": "PT1H", "next": "say", "on_failure": None}, "say": SEND})
    walk.ring(hours=1)
    assert walk.state.reason == "No message went. The discount code was not ready in time"


def test_a_way_drawn_by_lot_without_a_message_is_told():
    ways = [{"weight": 1, "goto": None}, {"weight": 1, "goto": None}]
    assert ended({"lot": {"kind": "split", "ways": ways}}).state.reason == (
        "No message went. It was drawn for the way without a message"
    )


def test_only_the_newest_reasons_are_kept():
    round_and_round = {"kind": "send_guide", "message": "hello", "on_none": "wait"}
    asks = {"kind": "ask", "message": "hello", "timeout": "P9D", "on_timeout": "guide"}
    walk = Walk({"guide": round_and_round, "wait": asks})
    walk.facts["guide"] = None
    walk.start()
    for _ in range(20):
        walk.ring(days=9)
    assert len(walk.state.left_out) == 12
    assert walk.state.left_out[-1].at == walk.now
