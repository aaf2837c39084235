import pytest

from post_purchase.flows import engine, shelf
from post_purchase.flows.definition import DocumentError, FlowDocument, load
from post_purchase.flows.effects import Park
from post_purchase.flows.state import START, Event, RunState
from post_purchase.flows.step import format_duration, parse_duration

from .journey import T0, Journey


def document(**changes):
    base = {
        "schema": 1,
        "key": "small",
        "name": "Small",
        "trigger": {"news": ["order_paid"]},
        "start": "hello",
        "steps": {"hello": {"kind": "send", "message": "hello", "next": None}},
        "messages": {"hello": {"purpose": "utility"}},
        "texts": {"en": {"messages": {"hello": {"text": "Hello"}}}},
    }
    return base | changes


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"start": "nowhere"}, "start: there is no step 'nowhere'"),
        (
            {"steps": {"hello": {"kind": "send", "message": "hello", "next": "gone"}}},
            "steps.hello.next: there is no step 'gone'",
        ),
        ({"steps": {"hello": {"kind": "send", "message": "bye"}}}, "steps.hello.message: there is no message 'bye'"),
        (
            {"steps": {"hello": {"kind": "dance"}}},
            "steps.hello: unknown kind of step 'dance'; known are "
            "add_photo, ask, branch, call_webhook, close, collect_review, digest, end, experiment, give_consent, "
            "hand_off, note, recommend, reward, send, send_guide, set_field, split, start_flow, tag, "
            "trigger_shopify_flow, wait",
        ),
        (
            {"steps": {"hello": {"kind": "send", "message": "hello", "next": "hello"}}},
            "steps.hello: goes round without waiting: hello -> hello",
        ),
        (
            {"steps": {"hello": {"kind": "wait", "for": "7 days"}}},
            "steps.hello.for: '7 days' is not a duration; write P7D for 7 days, PT20H for 20 hours",
        ),
        (
            {"steps": {"hello": {"kind": "send", "message": "hello", "color": "red"}}},
            "steps.hello.color: there is no such setting",
        ),
        ({"trigger": {}}, "trigger.news: is missing"),
        (
            {"steps": {"hello": {"kind": "send", "message": "hello", "title": "x" * 81}}},
            "steps.hello.title: “title” is too long: 80 characters at most",
        ),
        (
            {"steps": {"hello": {"kind": "split", "ways": [{"weight": one, "goto": None} for one in (0, 1, 1)]}}},
            "steps.hello.ways.0.weight: “weight” must be at least 1",
        ),
        ({"texts": {"en": {"messages": {"hello": {"text": ""}}}}}, "texts.en.messages.hello.text: “text” is empty"),
        (
            {"exits": [{"reason": "x", "if": {"fact": "weather.rain", "equals": True}}]},
            "exits.0.if: nothing is known of 'weather'; known are answers, bought, consent, contact, conversation, "
            "event, guide, history, language, order, parcel, review, reward, run, seen, shop",
        ),
        (
            {"texts": {"en": {"messages": {"hello": {"text": "Hello {{ name"}}}}},
            "texts.en.messages.hello.text: A value is not closed: write }} after it (line 1)",
        ),
        ({"texts": {"en": {}}}, "messages.hello: has no text in any language"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes, problem):
    with pytest.raises(DocumentError) as error:
        load(document(**changes))
    assert [str(found) for found in error.value.problems] == [problem]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{{1}} is here", "may not begin or end with a value"),
        ("Here is {{1}}.", "may not begin or end with a value"),
        ("No values", "must use each of {{1}} to {{1}}"),
        ("Take {{1}} and {{2}} home", "must use each of {{1}} to {{1}}"),
    ],
)
def test_templates_keep_to_metas_rules(body, problem):
    changed = document(
        messages={
            "hello": {
                "purpose": "utility",
                "template": {
                    "name": "hello",
                    "parameters": [{"name": "a", "value": "{{ order.name }}", "sample": "1"}],
                },
            }
        },
        texts={"en": {"messages": {"hello": {"text": "Hello", "template": body}}}},
    )
    with pytest.raises(DocumentError) as error:
        load(changed)
    assert str(error.value.problems[0]) == f"texts.en.messages.hello.template: {problem}"


def test_a_broken_document_parks_the_run_and_says_where():
    broken = FlowDocument.model_validate(document(start="gone"))
    state, effects = engine.advance(broken, RunState(), Event(START, "start", T0), Journey("thank_you").facts, T0)
    assert state.status == "parked"
    assert effects == [Park(problem="Step 'gone': there is no such step")]


def test_the_library_is_sound_and_survives_json():
    for key, raw in shelf.library().items():
        assert load(raw).to_json() == raw
        assert raw["key"] == key


def test_no_language_of_the_library_says_what_english_does_not():
    for raw in shelf.library().values():
        english = raw["texts"]["en"]
        for language, spoken in raw["texts"].items():
            assert spoken.get("words", {}).keys() <= english.get("words", {}).keys(), language
            assert spoken["messages"].keys() <= english["messages"].keys(), language
            for message, theirs in spoken["messages"].items():
                wording = english["messages"][message]
                assert theirs.keys() <= wording.keys(), (language, message)
                assert theirs.get("choices", {}).keys() == wording.get("choices", {}).keys(), (language, message)
                assert all(len(title) <= 20 for title in theirs.get("choices", {}).values()), (language, message)


def test_languages_fall_back():
    flow = FlowDocument.model_validate(
        document(texts={tag: {"messages": {"hello": {"text": tag}}} for tag in ("en", "de", "pt-BR", "fr")})
    )
    chosen = {tag: flow.wording("hello", tag, "fr")[0] for tag in ("de-AT", "pt-PT", "pt-BR", "en-GB", "nl", "")}
    assert chosen == {"de-AT": "de", "pt-PT": "pt-BR", "pt-BR": "pt-BR", "en-GB": "en", "nl": "fr", "": "fr"}


@pytest.mark.parametrize("text", ["P7D", "PT20H", "P1DT12H", "PT30M", "PT0S", "P14D"])
def test_durations_are_read_and_written(text):
    assert format_duration(parse_duration(text)) == text
