"""What every ready-made flow promises, whatever it is about."""

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.definition import load
from post_purchase.flows.preview import sample_facts
from post_purchase.flows.templates import specs_of
from post_purchase.flows.triggers import says
from post_purchase.flows.understanding import choice_in
from post_purchase.services.templates import why_unfit
from post_purchase.words import Purpose

KEYS = list(shelf.library())
PROMOTES = {
    key for key in KEYS if any(spec["purpose"] == "marketing" for spec in shelf.library()[key]["messages"].values())
}
ASKS_A_FAVOUR = {"photo_review", "check_in", "referral"}
NEWS_OF_THE_PARCEL = {"thank_you", "shipped", "out_for_delivery", "delivery_trouble", "delivered"}
AFTER_THE_TALK = {"csat"}
DELIVERED = {"order_delivered", "review_given", "purchase_aged", "contact_silent"}


def document(key: str):
    return shelf.ready_made(key)


def test_there_are_eighteen_in_the_order_in_which_an_order_meets_them():
    assert len(KEYS) == 18
    assert KEYS[0] == "thank_you"
    assert set(shelf.FIRST) < set(KEYS)
    assert {"goes_with", "replenish", "referral", "win_back"} == PROMOTES


@pytest.mark.parametrize("key", KEYS)
def test_each_has_a_reason_for_each_delay_and_says_what_it_is(key):
    flow = document(key)
    assert flow.key == key
    assert 20 < len(flow.description) < 300
    for name, step in flow.steps.items():
        if step.waits and step.kind in ("wait", "ask", "digest", "collect_review"):
            assert len(step.why) > 15, (key, name)


@pytest.mark.parametrize("key", KEYS)
def test_each_ends_when_the_order_is_off_and_when_a_person_takes_over(key):
    """Parcel news goes on while a person talks; the question about the talk comes after it."""
    flow, facts = document(key), sample_facts("en")

    def ends(path: str, value: object) -> bool:
        root, name = path.split(".")
        changed = {**facts, "answers": {}, "seen": {}, root: {**facts[root], name: value}}
        return any(way.when is not None and way.when.holds(changed) for way in flow.exits)

    about_an_order = key not in {"win_back", "return_help", "csat"}
    assert ends("order.cancelled", True) == about_an_order
    assert ends("order.fully_refunded", True) == about_an_order
    assert ends("conversation.handed_off", True) == (key not in NEWS_OF_THE_PARCEL | AFTER_THE_TALK)
    if key in PROMOTES | {"photo_review", "check_in", "first_use", "low_rating"} - {"win_back"}:
        assert ends("order.return_open", True) == (key != "win_back")


@pytest.mark.parametrize("key", sorted(PROMOTES | ASKS_A_FAVOUR))
def test_nothing_is_wanted_before_delivery_and_nothing_offered_without_a_yes(key):
    flow = document(key)
    assert set(flow.trigger.news) - DELIVERED <= {"parcel_delivered", "review_wanted"}  # the latter: asked for by a tap
    facts = {
        **sample_facts("en"),
        "event": {"rating": 5},
        "history": {"orders": 3, "last_rating": 5},
        "consent": {"marketing": True},
    }
    facts["order"] |= {"delivered": True, "delivered_at": "2026-03-03T10:00:00+00:00"}
    assert flow.trigger.when.holds(facts)
    if key in PROMOTES:
        assert not flow.trigger.when.holds({**facts, "consent": {"marketing": False}})
        assert not flow.trigger.when.holds({**facts, "consent": {}})
    if "parcel_delivered" in flow.trigger.news:  # one of several parcels is not the order
        assert not flow.trigger.when.holds({**facts, "order": {**facts["order"], "delivered": False}})
    if key != "win_back":
        assert not flow.trigger.when.holds({**facts, "order": {**facts["order"], "gift": True}})


def test_no_reward_hangs_on_a_rating():
    """Who rates high and who rates low goes the same way to the reward; the code for a friend asks for no stars."""
    assert "event" not in str(document("referral").trigger.when)
    assert "review_given" not in document("referral").trigger.news
    rewarding = [key for key in KEYS if any(step.kind == "reward" for step in document(key).steps.values())]
    assert sorted(rewarding) == ["photo_review", "referral"]
    way = {"is_rewarded": document("photo_review").steps["is_rewarded"].cases[0].when.model_dump(exclude_unset=True)}
    assert way == {"is_rewarded": {"fact": "reward.offered", "equals": True}}


@pytest.mark.parametrize("key", KEYS)
def test_what_is_typed_instead_of_a_tap_is_understood_and_never_as_two_things(key):
    flow = document(key)
    for language, spoken in flow.texts.items():
        for message, wording in spoken.messages.items():
            titles = flow.titles.choices(message)
            for choice, title in wording.choices.items():
                assert choice_in(title, titles) == choice, (language, message)
                assert choice_in(f" {title.upper()}! ", titles) == choice, (language, message)


def test_yes_is_enough_for_yes_please():
    titles = document("sale_alerts").titles.choices("ask")
    assert (choice_in("YES", titles), choice_in("no.", titles)) == ("agree", "decline")
    assert choice_in("yes I think so", titles) is None
    assert choice_in("Yes", {"a": ["yes, now"], "b": ["yes, later"]}) is None


@pytest.mark.parametrize("key", KEYS)
def test_each_can_be_edited_exported_and_loaded_again(key):
    raw = shelf.library()[key]
    assert load(raw).to_json() == raw
    assert {spec["purpose"] for spec in raw["messages"].values()} <= {purpose.value for purpose in Purpose}


@pytest.mark.parametrize(
    ("said", "starts"),
    [
        ("I want to send it back", True),
        ("The mug came BROKEN :(", True),
        ("Ich möchte das umtauschen.", True),
        ("返品したいです", True),
        ("Where is my order?", False),
        ("When do you return from holiday?", False),
    ],
)
def test_words_that_ask_for_a_return(said, starts):
    assert says(said, document("return_help").trigger.words) is starts


def test_every_template_may_be_submitted_and_no_words_are_submitted_twice():
    seen = {}
    for key in shelf.library():
        for spec in specs_of(shelf.ready_made(key), []):
            assert why_unfit(spec) == "", (key, spec)
            assert seen.setdefault((spec.language, spec.body), spec.name) == spec.name
    assert seen
