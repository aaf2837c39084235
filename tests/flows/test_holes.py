"""No text goes out with a hole: what it names is known, or it has words for that case, or it is left out."""

from datetime import datetime, timedelta

import pytest

from post_purchase.flows import editing, hole_lint, holes, known_values, shelf, value_names
from post_purchase.flows.definition import FlowDocument, load
from post_purchase.flows.describing import VALUES
from post_purchase.flows.effects import Say
from post_purchase.flows.facts import assemble, settings_of
from post_purchase.flows.preview import preview
from post_purchase.flows.sample import sample_answers, sample_facts, text_problems, without_much
from post_purchase.flows.state import START, Event, RunState
from post_purchase.flows.wording import variables
from post_purchase.jobs import flows as jobs
from post_purchase.jobs.rehearsals import rehearse
from post_purchase.models import FlowRun, Message, RunStatus
from post_purchase.services import rehearsals, texts
from post_purchase.services.events import record_event
from post_purchase.words import EventKind, MessageStatus
from shopapp.lib import clock
from tests.factories import bind, make_contact, make_conversation, make_order, make_point, make_shop

from .past_shop import flow_of, make_past
from .replaying import assert_replays

NOW = datetime.fromisoformat("2026-03-03T10:00:00+00:00")
QUESTION = {"kind": "ask", "message": "hello", "choices": {"yes": "more"}, "timeout": "P2D", "on_timeout": "more"}


def document(text: str, *, step: dict | None = None, news: str = "order_paid", **wording: object) -> dict:
    return {
        "schema": 1, "key": "own", "name": "Own", "trigger": {"news": [news], "subject": "order"}, "start": "hello",
        "steps": {
            "hello": step or {"kind": "send", "message": "hello", "next": "more"},
            "more": {"kind": "send", "message": "more"},
        },
        "messages": {"hello": {"purpose": "service"}, "more": {"purpose": "service"}},
        "texts": {"en": {
            "messages": {"hello": {"text": text, **wording}, "more": {"text": "And more."}},
            "words": {"carrier": "the carrier"},
        }},
    }  # fmt: skip


def lacks(text: str, **wording: object) -> list[str]:
    say = Say(key="hello:1:1", step="hello", message="hello", parcel=1)
    return holes.holes_of(load(document(text, **wording)), say, without_much(sample_facts("en")), {})


def test_what_is_written_out_and_not_there_is_a_hole():
    assert lacks("Hi {{ contact.first_name }}, {{ parcel.carrier }} has {{ order.name }}") == [
        "contact.first_name",
        "parcel.carrier",
    ]
    assert lacks("On {{ parcel.day_expected | day }}: {{ answers.colour | number }}") == [
        "parcel.day_expected",
        "answers.colour",
    ]
    assert lacks("{% for each in news %}{{ each.carrier }}{% endfor %}") == ["each.carrier"]


@pytest.mark.parametrize("place", ["subject", "preheader"])
def test_so_it_is_in_a_subject_and_in_the_words_of_one_network(place):
    assert lacks("Hello", **{place: "By {{ parcel.carrier }}"}) == ["parcel.carrier"]
    assert lacks("Hello", forms={"sms": "By {{ parcel.carrier }}"}) == ["parcel.carrier"]


@pytest.mark.parametrize(
    "text",
    [
        '{{ parcel.carrier | default: "the carrier" }}',
        "{{ parcel.carrier | default: words.carrier }}",
        'A{{ parcel.carrier | default: "" }}',
        "A{% if parcel.carrier %} by {{ parcel.carrier }}{% endif %}",
        "A{% unless parcel.carrier %}{% else %}{{ parcel.carrier }}{% endunless %}",
        "{% capture by %}{{ parcel.carrier }}{% endcapture %}A{% if by != '' %} by {{ by }}{% endif %}",
    ],
)
def test_words_for_that_case_are_no_hole(text):
    assert lacks(text) == []


def test_a_stand_in_that_is_not_there_either_is_a_hole():
    assert lacks("{{ parcel.carrier | default: words.nobody }}") == ["parcel.carrier"]


def test_why_it_is_left_out_stands_in_plain_words():
    assert value_names.reason(["parcel.carrier"]) == (
        "The parcel's carrier is not known, and the text has no words for that case"
    )
    assert value_names.reason(["contact.first_name", "order.day_expected", "frist"]) == (
        "The shopper's first name, the order's expected day and “frist” are not known, "
        "and the text has no words for that case"
    )


@pytest.mark.parametrize("key", sorted(shelf.library()))
def test_no_ready_made_message_is_lost_for_want_of_data_in_any_language(key):
    flow = load(shelf.library()[key])
    found = {
        (message, language): names
        for language, spoken in flow.texts.items()
        for message in spoken.messages
        if (names := hole_lint.may_lack(flow, message, language))
    }
    assert len(flow.texts) == 12
    assert found == {}


def test_the_step_warns_of_what_not_every_order_has():
    found = hole_lint.lint(document("By {{ parcel.carrier }} for {{ order.name }}", news="parcel_shipped"), ["en"])
    assert [str(problem) for problem in found] == [
        "texts.en.messages.hello.text: The parcel's carrier is not always known, and then this message is left out. "
        'Add words for that case: {{ parcel.carrier | default: "..." }}, or {% if parcel.carrier %} around the sentence'
    ]


def test_what_there_is_not_at_all_is_a_problem_and_no_warning_beside_it():
    text = "{{ contact.frist_name }} {{ parcel.carier }} {{ reward.code }}"
    text += "{% for each in news %}{{ each.carrier }}{% endfor %}"
    found = hole_lint.lint(document(text, news="parcel_shipped"), ["en"])
    assert [problem.message.partition(" is not")[0] for problem in found] == ["The parcel's carrier"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ contact.frist_name }}", "There is no value “contact.frist_name”, but there is “contact.first_name”"),
        ("{{ parcel.carier }}", "There is no value “parcel.carier”, but there is “parcel.carrier”"),
        ("{{ order.trackng }}", "There is no value “order.trackng”, but there is “parcel.tracking_url”"),
        ("{% if order.xyzzy %}A{% endif %}", "There is no value “order.xyzzy”"),
        ("{{ words.carier }}", "There is no value “words.carier”, but there is “words.carrier”"),
        (
            "Code {{ reward.code }}",
            "“reward.code” is known only after a step that gives a reward, and this flow has none",
        ),
        (
            "{{ products[0].title }}",
            "“products[0].title” is known only after a step that finds a product, and this flow has none",
        ),
    ],
)
def test_a_name_that_there_is_not_is_a_problem_at_its_field_and_the_nearest_is_named(text, said):
    found = text_problems(load(document(text)))
    assert [(problem.path, problem.message) for problem in found] == [("texts.en.messages.hello.text", said)]


def test_what_a_shop_remembers_of_a_person_may_be_named():
    for text in (
        "{{ contact.shoe_size }} {{ contact.nick_name }} {{ order.items[0].title }} {{ order.items.size }}",
        "{{ bought.metafields.custom.care }} {{ history.orders }} {{ news[0].name }}",
    ):
        assert text_problems(load(document(text))) == []


def test_the_ready_made_texts_name_nothing_unknown():
    assert {key: found for key, raw in shelf.library().items() if (found := text_problems(load(raw)))} == {}


@pytest.mark.django_db
def test_the_made_up_order_has_all_that_an_order_has():
    order = make_order(make_shop())
    facts = assemble(
        shop=order.shop,
        settings=settings_of(order.shop),
        order=order,
        speaks_with=None,
        started=False,
        handed_off=False,
    )
    assert sample_facts("en")["order"].keys() == facts["order"].keys()


def test_the_preview_makes_up_nothing_that_the_flow_has_no_step_for():
    raw = document("Code {{ reward.code }}, {{ answers.rating }} stars")
    shown = preview(FlowDocument.model_validate(raw), "en")[0]
    assert (shown.text, shown.missing) == ("Code ,  stars", ["reward.code", "answers.rating"])


def test_only_what_the_flow_can_know_is_offered_for_picking():
    plain, review = document("Hello"), shelf.library()["photo_review"]
    names = [name for _, name in known_values.offered(plain, VALUES)]
    assert "Reward in per cent" in names
    assert not {"Reward code", "Reward's last day", "Their rating"} & set(names)
    assert known_values.offered(review, VALUES) == list(VALUES.items())


def test_a_question_that_is_left_out_is_not_waited_for():
    flow, facts = load(document("Hi {{ contact.first_name }}", step=QUESTION)), without_much(sample_facts("en"))
    state, wanted, told = holes.advance(flow, RunState(), Event(START, "a", NOW, {}), facts, NOW)
    assert [(effect.kind, getattr(effect, "message", "")) for effect in wanted] == [
        ("unsaid", ""),
        ("say", "more"),
        ("end", ""),
    ]
    assert (state.status, told["holes"]) == ("ended", {"hello:1:1": ["contact.first_name"]})


def test_a_reminder_that_is_left_out_does_not_end_the_wait():
    step = QUESTION | {"message": "more", "reminder": "hello", "reminder_after": "P1D"}
    flow = load(document("Hi {{ contact.first_name }}", step=step))
    facts = without_much(sample_facts("en"))
    state, wanted, _ = holes.advance(flow, RunState(), Event(START, "a", NOW, {}), facts, NOW)
    later = NOW + timedelta(days=1)
    state, wanted, _ = holes.advance(flow, state, Event("timer", "b", later, {"timer": "hello:1"}), facts, later)
    assert [effect.kind for effect in wanted] == ["unsaid"]
    assert [thread.step for thread in state.threads] == ["hello"]


@pytest.fixture
def at(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.mark.django_db
def test_it_is_kept_with_the_reason_and_not_sent_and_the_run_goes_on(at):
    shop = make_shop()
    flow = editing.add_flow(shop, document("Hi {{ contact.first_name }}, how is it?", step=QUESTION))
    editing.switch_on(flow)
    contact = make_contact(shop, first_name="")
    order, point = make_order(shop, contact), make_point(contact)
    make_conversation(contact)
    bind(point, order)
    record_event(shop=shop, kind=EventKind.ORDER_PAID, key="paid", order=order, contact=contact)
    jobs.handle_events()
    left_out, more = Message.objects.order_by("pk")
    assert (left_out.status, left_out.next_attempt_at) == (MessageStatus.SUPPRESSED, None)
    assert left_out.reason == "The shopper's first name is not known, and the text has no words for that case"
    assert (more.text, more.status) == ("And more.", MessageStatus.QUEUED)
    run = FlowRun.objects.get()
    assert run.status == RunStatus.ENDED
    assert_replays(run)


@pytest.mark.django_db
def test_the_rehearsal_counts_it_under_missing_data(at):
    shop = make_past(NOW, orders=6)
    flow = flow_of(shop, "delivered")
    draft = document("Hi {{ contact.nick_name }}, order {{ order.name }}.", news="conversation_started")
    editing.save_draft(flow, draft | {"key": flow.key})
    row = rehearsals.ask(flow=flow, assumptions={"opens": 100, "opens_at_delivery": 0}, days=90)
    rehearse()
    row.refresh_from_db()
    told = {(one["message"], one["sent"], one["not_sent"]) for one in row.result["messages"]}
    assert told == {("hello", 0, 6), ("more", 6, 0)}
    lacking = "hello: the shopper's nick name is not known, so it was not sent"
    assert row.result["missing"] == [["Delivered", lacking, 6]]
    assert not Message.objects.exists()


@pytest.mark.parametrize("little", [False, True])
def test_what_is_taken_as_whole_without_filling_it_in_has_no_hole(little):
    """The short cut of holes_of against the long way, over all ready-made texts in twelve languages."""
    wrong, short_cuts = [], 0
    for key, raw in shelf.library().items():
        flow = load(raw)
        for language, spoken in flow.texts.items():
            facts = without_much(sample_facts(language)) if little else sample_facts(language)
            values = variables(facts, sample_answers(facts, flow), 1, spoken.words, (1,))
            for message, wording in spoken.messages.items():
                for part in filter(None, holes.parts_of(wording)):
                    missing: list[str] = []
                    texts.render(part, values, language=language, missing=missing)
                    short_cuts += holes._is_whole(part, values)
                    if missing and holes._is_whole(part, values):
                        wrong.append((key, language, message, missing))
    assert wrong == []
    assert short_cuts > 1000


@pytest.mark.parametrize(
    "text",
    [
        "{% if order.paid %}A{% endif %}{{ parcel.carrier }}",
        "{% if parcel.carrier %}A{% else %}{{ parcel.carrier }}{% endif %}",
        "{% if parcel.carrier or order.paid %}{{ parcel.carrier }}{% endif %}",
        "{% unless parcel.carrier %}{{ parcel.carrier }}{% endunless %}",
        "{% for parcel in parcels %}{{ parcel.carrier }}{% endfor %}",
        "{% for each in news %}{% if each.carrier %}A{% endif %}{{ each.carrier }}{% endfor %}",
        "{% assign a = parcel.carrier %}{{ a }}",
        "{% assign order = parcel %}{{ order.carrier }}",
        "{% if parcel.carrier and order.xy or order.paid %}A{% endif %}{{ parcel.carrier }}",
        "{% for each in order.items %}{{ each.title }}{% endfor %}{% for each in news %}{{ each.carrier }}{% endfor %}",
    ],
)
def test_a_condition_near_by_that_does_not_guard_is_no_short_cut(text):
    assert lacks(text) != []
