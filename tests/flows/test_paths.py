"""The path as it is drawn: from top to bottom, each step once; and what changes its shape."""

import pytest
from pydantic import TypeAdapter

from post_purchase.flows import describing, paths, reshaping, shelf
from post_purchase.flows.definition import load
from post_purchase.flows.editing import problems_of
from post_purchase.flows.registry import KINDS, AnyStep
from post_purchase.flows.troubles import by_place, warnings
from post_purchase.services.template_words import state_key
from post_purchase.words import EventKind

STEP = TypeAdapter(AnyStep)


def chain(*names: str, **more: dict[str, object]) -> dict[str, object]:
    steps = {
        name: {"kind": "tag", "tag": name, "next": after} for name, after in zip(names, [*names[1:], None], strict=True)
    }
    return {
        "key": "chain",
        "name": "Chain",
        "trigger": {"news": ["order_paid"]},
        "start": names[0],
        "steps": steps | more,
        "texts": {"en": {}},
    }


def drawn(line: paths.Line) -> list[object]:
    """["a", ("b", [way, way])], "-> x" where it goes on elsewhere."""
    found: list[object] = [
        (block.step, [drawn(way.line) for way in block.ways]) if block.ways else block.step for block in line.blocks
    ]
    return [*found, *(["↓"] if line.joins else [f"-> {line.goes_to}"] if line.goes_to else [])]


def order_of(document: dict[str, object]) -> list[object]:
    return drawn(paths.lines(document)[0])


@pytest.mark.parametrize("key", shelf.library())
def test_every_step_of_the_library_is_drawn_exactly_once(key):
    document = shelf.library()[key]
    seen: list[str] = []

    def walk(line: paths.Line) -> None:
        for block in line.blocks:
            seen.append(block.step)
            for way in block.ways:
                walk(way.line)

    for line in paths.lines(document):
        walk(line)
    assert sorted(seen) == sorted(document["steps"])


@pytest.mark.parametrize("key", shelf.library())
def test_the_ways_drawn_are_the_ways_that_the_engine_takes(key):
    document = load(shelf.library()[key])
    for name, step in document.steps.items():
        raw = paths.steps_of(document.to_json())[name]
        assert {target for _, target in paths.ways_of(raw) if target} == {
            target for _, target in step.targets() if target
        }, name


def test_ways_that_meet_again_go_on_below_and_an_exception_stays_at_the_side():
    assert order_of(shelf.library()["photo_review"]) == [
        (
            "how",
            [
                ["↓"],
                [
                    ("wait_for_chat", [["nobody_came"]]),
                    ("use_time", [["-> review"]]),
                    ("good_hour", [["↓"]]),
                    "↓",
                ],
            ],
        ),
        ("review", [["no_answer"], ["hand_over", "↓"]]),
        (
            "is_rewarded",
            [[("reward", [["reward_late", "-> late_photos"]]), "thanks_with_code", "↓"], ["thanks", "↓"]],
        ),
        "late_photos",
    ]


def test_a_circle_and_a_way_to_nowhere_are_drawn_as_pointers():
    circle = chain("a", "b")
    circle["steps"]["b"]["next"] = "a"
    assert order_of(circle) == ["a", "b", "-> a"]
    broken = chain("a")
    broken["steps"]["a"]["next"] = "gone"
    assert order_of(broken) == ["a", "-> gone"]


def test_what_nothing_leads_to_is_shown_as_such():
    document = chain("a", lost={"kind": "tag", "tag": "x", "next": "lost_2"}, lost_2={"kind": "end"})
    assert [drawn(line) for line in paths.lines(document)] == [["a"], ["lost", "lost_2"]]
    found = warnings(document, ["en"], {}, {})
    assert [str(one) for one in found] == [
        "steps.lost: Nothing leads to this step",
        "steps.lost_2: Nothing leads to this step",
    ]


@pytest.mark.parametrize("broken", [{}, {"steps": []}, {"start": 4, "steps": {"a": 1}}, {"listeners": "x"}])
def test_a_draft_that_is_no_flow_is_drawn_all_the_same(broken):
    assert all(isinstance(line, paths.Line) for line in paths.lines(broken))


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_step_of_each_kind_stands_where_it_was_put_and_leads_on(kind):
    document, step = reshaping.add(chain("a", "b"), "steps.a.next", kind)
    assert document["steps"]["a"]["next"] == step
    ways = dict(paths.ways_of(document["steps"][step]))
    assert kind == "end" or "b" in ways.values()
    assert describing.kind_name(kind) != f"An unknown kind of step: {kind}"
    assert [kind in members for members in describing.GROUPS.values()].count(True) == 1
    unfinished = {"experiment", "add_photo", "call_webhook", "start_flow", "give_consent"}
    found = problems_of(document)
    if kind not in unfinished:
        assert [str(one) for one in found if kind != "collect_review"] == []
        assert STEP.validate_python(document["steps"][step]).kind == kind


def test_a_step_moves_alone_and_what_stood_after_it_closes_up():
    document = reshaping.move(chain("a", "b", "c"), "b", "start")
    assert order_of(document) == ["b", "a", "c"]
    assert order_of(reshaping.shift(document, "a", 1)) == ["b", "c", "a"]
    assert order_of(reshaping.shift(document, "a", -1)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("step", "edge", "words"),
    [
        ("b", "steps.b.next", "cannot stand behind itself"),
        ("b", "steps.x.next", "not there any more"),
        ("b", "__class__", "not there any more"),
        ("x", "start", "not there any more"),
    ],
)
def test_a_move_that_cannot_be_is_refused(step, edge, words):
    with pytest.raises(reshaping.CannotReshape, match=words):
        reshaping.move(chain("a", "b"), step, edge)


def test_the_first_and_the_last_step_do_not_move_out_of_the_path():
    with pytest.raises(reshaping.CannotReshape, match="first step"):
        reshaping.shift(chain("a", "b"), "a", -1)
    with pytest.raises(reshaping.CannotReshape, match="last step"):
        reshaping.shift(chain("a", "b"), "b", 1)


def test_a_copy_has_words_and_a_template_of_its_own():
    before = shelf.library()["photo_review"]
    document, copied = reshaping.copy(before, "thanks_with_code")
    assert document["steps"]["thanks_with_code"]["next"] == copied
    message = document["steps"][copied]["message"]
    assert message != "thanks_with_code"
    assert document["texts"]["de"]["messages"][message] == before["texts"]["de"]["messages"]["thanks_with_code"]
    assert document["messages"][message]["template"]["name"] != "doorstep_review_reward"
    assert problems_of(document) == []


def test_a_deleted_step_takes_along_what_only_it_led_to_and_the_words_that_nobody_says():
    document, gone = reshaping.delete(shelf.library()["photo_review"], "reward")
    assert sorted(gone) == ["reward", "reward_late"]
    assert "reward_late" not in document["messages"]
    assert "reward_late" not in document["texts"]["de"]["messages"]
    assert document["steps"]["is_rewarded"]["cases"][0]["goto"] == "thanks_with_code"
    named = {problem.message.partition(" is known only after")[0] for problem in problems_of(document)}
    assert named == {"“reward.code”", "“reward.ends_at”"}  # its thanks still name what no step gives any more


def test_a_path_for_news_comes_and_goes_with_its_steps():
    before = chain("a")
    document, at = reshaping.listen(before, "parcel_delayed")
    assert (at, problems_of(document)) == (0, [])
    after = reshaping.stop_listening(document, 0)
    assert (after["listeners"], after["steps"], after["messages"]) == ([], before["steps"], {})


def test_answers_ways_and_ends_are_added_and_taken_out():
    document, step = reshaping.add(chain("a"), "start", "ask")
    document = reshaping.add_part(document, f"steps.{step}.choices", "Später!", "en")
    assert list(document["steps"][step]["choices"]) == ["yes", "no", "sp_ter"]
    assert document["texts"]["en"]["messages"][step]["choices"]["sp_ter"] == "Später!"
    document = reshaping.drop_part(document, f"steps.{step}.choices.no")
    assert "no" not in document["texts"]["en"]["messages"][step]["choices"]
    document = reshaping.add_part(document, "exits")
    document = reshaping.add_part(document, "goals")
    assert problems_of(document) == []
    assert reshaping.drop_part(document, "exits.0")["exits"] == []
    for place in ("exits.7", "exits.x", "exits.²", "steps.a.cases.0", "key", "steps.a.choices.x", "texts.en"):
        with pytest.raises(reshaping.CannotReshape):
            reshaping.drop_part(document, place)
    with pytest.raises(reshaping.CannotReshape):
        reshaping.add_part(document, "steps.a.cases")


def test_a_problem_is_told_at_the_step_that_says_the_words():
    document = shelf.library()["photo_review"]
    del document["texts"]["fr"]["messages"]["ask_rating"]["template"]
    document["texts"]["de"]["messages"]["thanks"]["text"] = "Danke {{ order.name"
    body = document["texts"]["de"]["messages"]["ask_rating"]["template"]
    category = document["messages"]["ask_rating"]["template"].get("category", "UTILITY")
    states = {"WhatsApp": ("rejected", "Promotional words"), "Messenger": ("paused", "")}
    templates = {state_key("de", category, body): states}
    found = by_place(
        document, [*problems_of(document), *warnings(document, ["en", "de", "fr"], templates, {"fr": "French"})]
    )
    assert [one.message for one in found["review"]] == [
        "Meta has paused the Messenger template in de",
        "Meta has refused the WhatsApp template in de: Promotional words",
        "This WhatsApp text has no template in French",
    ]
    assert [one.path for one in found["thanks"]] == ["texts.de.messages.thanks.text"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"fact": "order.total", "at_least": 50}, "the order's total is at least 50"),
        ({"fact": "order.point_of_sale", "equals": False}, "it was not bought in the store"),
        ({"fact": "parcel.state", "one_of": ["in_transit", "ready_for_pickup"]},
         "the parcel's state is one of on its way or ready for pick-up"),
        ({"fact": "parcel.state", "equals": "delivered"}, "the parcel's state is delivered"),
        ({"fact": "answers.arrived", "one_of": ["a", "b"]}, "the answer “arrived” is one of a or b"),
        ({"fact": "seen.receipt", "at_least": 1}, "“receipt” was passed"),
        ({"any": [{"fact": "order.paid", "equals": True}, {"not": {"fact": "guide.text", "exists": True}}]},
         "the order is paid or there is no guide for what was bought"),
        ({"fact": "guide.text", "exists": False}, "there is no guide for what was bought"),
        ({"fact": "order.day_expected", "exists": False}, "not known: the order is expected"),
        ({"not": {"any": [{"fact": "order.gift", "equals": True}, {"fact": "order.test", "equals": True}]}},
         "neither the order is a gift nor it is a test order"),
        ({"all": [{"not": {"all": [{"fact": "order.gift", "equals": True}, {"fact": "order.test", "equals": True}]}},
                  {"fact": "order.paid", "equals": True}]},
         "(not both at once: the order is a gift and it is a test order) and the order is paid"),
        ({"all": [{"fact": "order.point_of_sale", "equals": False}, {"fact": "conversation.started", "equals": True}]},
         "it was not bought in the store and the shopper has opened the chat"),
        ({"not": {"fact": "consent.marketing", "equals": True}}, "the shopper does not want offers"),
        ({"fact": "answers.gift", "equals": False}, "not: the answer “gift”"),
        (None, ""),
    ],
)  # fmt: skip
def test_conditions_are_told_in_words(raw, words):
    assert describing.condition(raw) == words


def test_a_text_is_shown_on_one_line_with_names_for_its_values():
    text = "{% if contact.first_name %}Thank you, {{ contact.first_name }}!\n{% else %}Thank you!\n{% endif %}"
    text += "Your receipt from {{ shop.name }}: {{ order.name }}, {{ order.total | money: order.currency }}"
    assert describing.readable(text) == "Thank you, [first name]! Your receipt from [shop]: [order number], [total]"
    note = {"kind": "note", "text": "Wants {{ answers.instead }}"}
    assert describing.summary(note, {}) == "Wants [instead]"


@pytest.mark.parametrize(
    ("iso", "words"), [("P7D", "7 days"), ("PT1H", "1 hour"), ("P1DT12H", "1 day 12 hours"), ("-P2D", "minus 2 days")]
)
def test_durations_are_told_in_words(iso, words):
    assert describing.length(iso) == words


@pytest.mark.parametrize("kind", EventKind)
def test_all_news_has_words(kind):
    assert describing.news([kind.value]) != kind.value


def test_what_began_a_run_is_said_in_words():
    raw = {"fact": "event.by", "equals": "parcel_delivered"}
    assert describing.condition(raw) == f"it began when {describing.NEWS['parcel_delivered']}"
