"""Which variant won: counted by version, told in a sentence, and never called before it is known."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from post_purchase.flows import editing
from post_purchase.flows.numbers import Tally
from post_purchase.flows.variants import Variant, by_chance, result, verdict
from post_purchase.models import Flow, FlowRun
from post_purchase.web.pages.flow_numbers import numbers_view
from shopapp.lib import clock
from tests.factories import make_contact, make_shop
from tests.pages.visitor import Visitor

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOCUMENT = {
    "key": "trial", "name": "Trial", "trigger": {"news": ["order_paid"]}, "start": "draw",
    "steps": {
        "draw": {"kind": "experiment", "goal": "wrote", "variants": [
            {"name": "short", "goto": "rest"}, {"name": "long", "goto": "rest"},
        ]},
        "rest": {"kind": "wait", "for": "P9D"},
    },
    "goals": [{"name": "wrote", "title": "They wrote", "news": ["message_received"], "ends": False}],
    "texts": {"en": {}},
}  # fmt: skip


def two(one: tuple[int, int], other: tuple[int, int]) -> tuple[Variant, Variant]:
    """(entered, reached) of each."""
    return Variant("short", *one), Variant("long", *other)


@pytest.mark.parametrize(
    ("one", "other", "chance"),
    # z = 2.3094 and 1.4289, worked out by hand; the rest is the normal distribution
    [((200, 60), (200, 40), 0.02092), ((1000, 120), (1000, 100), 0.1532), ((100, 50), (100, 50), 1.0)],
)
def test_the_chance_is_that_of_the_test_of_two_proportions(one, other, chance):
    assert by_chance(*two(one, other)) == pytest.approx(chance, rel=0.002)


def test_nobody_who_reached_it_is_no_difference():
    assert by_chance(*two((100, 0), (100, 0))) == 1.0


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ((0, 0), (0, 0), "Too early to tell: “short” has 0 of the 100 people that it takes."),
        ((99, 90), (100, 0), "Too early to tell: “short” has 99 of the 100 people that it takes."),
        ((500, 9), (500, 1), "Too early to tell: too few have reached the goal."),
        ((500, 491), (500, 499), "Too early to tell: too few have missed the goal."),
        ((200, 60), (200, 40), "No winner yet: a difference like this also comes by chance."),
        ((200, 70), (200, 40), "“short” reaches the goal more often, and by more than chance."),
        ((200, 40), (200, 70), "“long” reaches the goal more often, and by more than chance."),
    ],
)
def test_the_verdict_is_a_sentence(one, other, words):
    assert verdict(two(one, other)) == words


def test_of_three_the_best_has_to_beat_both():
    third = Variant("middle", 200, 66)
    assert verdict((*two((200, 70), (200, 40)), third)).startswith("No winner yet")
    assert verdict((*two((200, 90), (200, 40)), Variant("middle", 200, 44))).startswith("“short”")


def test_a_variant_that_nobody_drew_is_shown_with_nothing():
    found = result("Version 1", "wrote", "They wrote", ["short", "long"], {"short": Tally(4, Counter(wrote=1, x=3))})
    assert [(one.name, one.entered, one.reached, one.percent) for one in found.variants] == [
        ("short", 4, 1, "25.0%"),
        ("long", 0, 0, ""),
    ]


@pytest.fixture
def flow(db: None):
    with clock.frozen(NOW):
        made = Flow.objects.create(shop=make_shop(), key="trial", name="Trial", draft=DOCUMENT)
        yield editing.switch_on(made)


def runs(flow: Flow, drawn: str, *, entered: int, reached: int, version: int | None = None) -> None:
    contact = make_contact(flow.shop)
    FlowRun.objects.bulk_create(
        FlowRun(
            shop=flow.shop, flow=flow, version_id=version or flow.live_version_id, contact=contact,
            subject_key=f"contact:{contact.pk}@{number}", started_at=NOW - timedelta(days=1), at_steps="rest",
            state={"seen": {"draw": 1, "rest": 1}, "answers": {
                "variant_draw": drawn, **({"goals": {"wrote": "2026-11-24"}} if number < reached else {}),
            }},
        ) for number in range(entered)
    )  # fmt: skip


def test_the_step_and_the_path_say_which_variant_won(flow):
    runs(flow, "short", entered=200, reached=70)
    runs(flow, "long", entered=200, reached=40)
    page = Visitor(flow.shop.domain).get(f"/app/flows/{flow.pk}?step=draw").content.decode()
    won = "“short” reaches the goal more often, and by more than chance."
    assert page.count(won) == 2  # on the card, and beside it
    assert "200 came, 70 reached it (35.0%)" in page
    assert "200 came, 40 reached it (20.0%)" in page
    assert "Version 1: “They wrote”" in page
    assert "short <b>35.0%</b>" in page
    assert "Of the 400 who began in the last 90 days" in page


def test_a_version_is_counted_by_itself_and_by_the_goal_that_it_declared(flow):
    second = DOCUMENT | {"goals": [{**DOCUMENT["goals"][0], "title": "They answered"}]}
    newer = flow.versions.create(number=2, document=second, published_at=NOW)
    runs(flow, "short", entered=3, reached=2)
    runs(flow, "long", entered=5, reached=1, version=newer.pk)
    shown = numbers_view(flow, flow.draft).results["draw"]
    assert [(one.label, one.goal, [(each.entered, each.reached) for each in one.variants]) for one in shown] == [
        ("Version 2", "They answered", [(0, 0), (5, 1)]),
        ("Version 1", "They wrote", [(3, 2), (0, 0)]),
    ]


def test_a_version_on_trial_stands_beside_the_live_one(flow):
    flow.canary_version = flow.versions.create(number=2, document=DOCUMENT, published_at=NOW)
    flow.canary_share = 25
    flow.save()
    runs(flow, "short", entered=8, reached=4)
    runs(flow, "short", entered=4, reached=1, version=flow.canary_version_id)
    view = numbers_view(flow, flow.draft)
    assert [(label, found.entered) for label, found in view.cards["rest"]] == [("Version 1", 8), ("Version 2", 4)]
    [trial] = view.trial
    assert [(one.name, one.entered, one.reached) for one in trial.variants] == [
        ("Version 1", 8, 4),
        ("Version 2", 4, 1),
    ]
    page = Visitor(flow.shop.domain).get(f"/app/flows/{flow.pk}?step=rest").content.decode()
    assert "Version 1: 4 of 8 reached “They wrote” (50.0%). Version 2: 1 of 4" in page
    assert "Too early to tell: “Version 2” has 4 of the 100 people that it takes." in page
