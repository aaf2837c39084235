"""The editor's writes: what is typed is kept at once, two people are noticed, the path changes its shape."""

import re
from copy import deepcopy
from html import unescape

import pytest
from django.http import QueryDict

from post_purchase.flows.editing import problems_of
from post_purchase.web.pages.flow_editor import mark
from tests.pages.seed import Seed
from tests.pages.visitor import Visitor

LIST = r'<s-(?:select|choice-list) [^>]*name="([^"]*)"[^>]*>(.*?)</s-(?:select|choice-list)>'


@pytest.fixture
def rows(kept_rows: Seed, db: None, at: object) -> Seed:
    return deepcopy(kept_rows)


@pytest.fixture
def owner(rows: Seed) -> Visitor:
    return Visitor(rows.shop.domain)


def draft(rows: Seed) -> dict:
    rows.flow.refresh_from_db()
    return rows.flow.draft


def shown(owner, rows: Seed, step: str, language: str = "en") -> str:
    return owner.get(f"/app/flows/{rows.flow.pk}?step={step}&language={language}").content.decode()


def seen(owner, rows: Seed, step: str, language: str = "en") -> str:
    return re.search(r'name="seen" value="(\w+)"', shown(owner, rows, step, language)).group(1)


def save(owner, rows: Seed, step: str, fields: dict[str, object], language: str = "en", **more: object):
    form = {"seen": seen(owner, rows, step, language), "language": language, "ticks": "1"} | fields | more
    return owner.post(f"/app/flows/{rows.flow.pk}/steps/{step}", form)


def change(owner, rows: Seed, do: str, **fields: object):
    return owner.post(f"/app/flows/{rows.flow.pk}/change", {"do": do, "language": "en"} | fields)


def test_words_and_settings_are_kept_as_they_are_typed(owner, rows):
    answer = save(owner, rows, "review", {
        "texts.de.messages.ask_rating.text": "Wie gefällt es?\r\nEhrlich.",
        "texts.de.messages.ask_rating.choices.5": "Super",
        "texts.de.messages.ask_photo.text": "",
        "step.title": "Ask for the review",
        "step.timeout#number": "5", "step.timeout#unit": "days",
        "step.low_rating": "3",
    }, "de")  # fmt: skip
    assert answer.status_code == 200
    assert answer.json()["errors"] == {}
    document = draft(rows)
    wording = document["texts"]["de"]["messages"]["ask_rating"]
    assert (wording["text"], wording["choices"]["5"]) == ("Wie gefällt es?\nEhrlich.", "Super")
    assert "ask_photo" not in document["texts"]["de"]["messages"]
    step = document["steps"]["review"]
    assert (step["title"], step["timeout"], step["low_rating"]) == ("Ask for the review", "P5D", 3)
    assert step["photo_timeout"] == "PT20H"
    assert problems_of(document) == []
    assert "Ask for the review" in answer.json()["path"]


def test_one_network_gets_its_own_words_and_loses_them_when_they_are_emptied(owner, rows):
    field = "texts.en.messages.ask_rating.forms.sms"
    assert save(owner, rows, "review", {field: "Short?\r\nPlease"}).json()["errors"] == {}
    assert draft(rows)["texts"]["en"]["messages"]["ask_rating"]["forms"] == {"sms": "Short?\nPlease"}
    assert "SMS: own words" in shown(owner, rows, "review")
    look = {"language": "en", "phone": "sms", field: "Tell us"}
    phone = owner.post(f"/app/flows/{rows.flow.pk}/steps/review/preview", look).content.decode()
    assert "Tell us" in phone
    assert "Short?" not in phone
    assert field in save(owner, rows, "review", {field: "x" * 4001}).json()["errors"]
    assert save(owner, rows, "review", {field: " "}).json()["errors"] == {}
    assert "forms" not in draft(rows)["texts"]["en"]["messages"]["ask_rating"]


def test_a_panel_that_is_sent_back_untouched_changes_nothing(owner, rows):
    """Every field of every panel, as it was drawn: the form and the document mean the same."""
    before = draft(rows)
    for step in [*before["steps"], "@start", "@path.0"]:
        html = shown(owner, rows, step)
        form = html.split('id="edit"')[1].split("</form>")[0]
        fields = QueryDict(mutable=True)
        for tag in re.findall(r"<(?:s-text-field|s-text-area|s-number-field|input)\b[^>]*>", form):
            name, value = re.search(r'\bname="([^"]*)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
            fields.appendlist(unescape(name.group(1)), unescape(value.group(1)) if value else "")
        for tag in re.findall(r"<s-checkbox [^>]*checked[^>]*>", form):
            fields[re.search(r'name="([^"]*)"', tag).group(1)] = "1"
        for name, inside in re.findall(
            r'<s-(?:select|choice-list) [^>]*name="([^"]*)"[^>]*>(.*?)</s-(?:select|choice-list)>', form, re.S
        ):
            chosen = re.findall(r'<s-(?:option|choice) value="([^"]*)" selected', inside)
            for value in chosen or ([""] if "s-option" in inside else []):
                fields.appendlist(unescape(name), unescape(value))
        response = owner.post(f"/app/flows/{rows.flow.pk}/steps/{step}", dict(fields.lists()))
        assert response.json()["errors"] == {}, step
        assert draft(rows) == before, step


def test_what_is_wrong_is_named_at_its_field_and_the_rest_is_kept(owner, rows):
    answer = save(owner, rows, "good_hour", {"step.between": "late", "step.why": "Because"})
    assert answer.json()["errors"] == {"step.between": "Write two hours of one day, like 10:00-19:00."}
    step = draft(rows)["steps"]["good_hour"]
    assert (step["between"], step["why"]) == (["10:00:00", "19:00:00"], "Because")


@pytest.mark.parametrize("hours", ["25:00-26:00", "10-19", "19:00-10:00", "²²:00-23:00", "10:00-10:00", ""])
def test_hours_that_are_none_are_refused(owner, rows, hours):
    assert "step.between" in save(owner, rows, "good_hour", {"step.between": hours}).json()["errors"]


def test_a_broken_text_is_kept_and_its_trouble_stands_at_the_step(owner, rows):
    answer = save(owner, rows, "thanks", {"texts.en.messages.thanks.text": "Hi {{ order.name"}).json()
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Hi {{ order.name"
    card = answer["path"].split('id="at-thanks"')[1].split("</a>")[0]
    assert 'class="wrong"' in card
    assert "Before this can be published" in answer["bar"]


def test_who_did_not_see_the_newest_words_is_told_and_may_insist(owner, rows):
    old = seen(owner, rows, "thanks")
    save(owner, rows, "thanks", {"texts.en.messages.thanks.text": "Hers"})
    mine = {"seen": old, "language": "en", "texts.en.messages.thanks.text": "Mine"}
    answer = owner.post(f"/app/flows/{rows.flow.pk}/steps/thanks", mine)
    words = "You, in another window, changed the same part meanwhile. Your words are still here."
    assert (answer.status_code, answer.json()["conflict"]) == (409, words)
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Hers"
    assert owner.post(f"/app/flows/{rows.flow.pk}/steps/thanks", mine | {"force": "1"}).status_code == 200
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Mine"


def test_who_saved_and_published_is_you_or_a_colleague(owner, rows):
    bar = save(owner, rows, "thanks", {"texts.en.messages.thanks.text": "Mine"}).json()["bar"]
    assert re.search(r"Saved [^·]* · You<", bar)
    assert owner.post(f"/app/flows/{rows.flow.pk}/publishing", {"share": "100", "inside": "finish"}).status_code == 200
    versions = owner.get(f"/app/flows/{rows.flow.pk}/versions").content.decode()
    assert re.search(r"\d\d:\d\d · You[ <]", versions)
    assert "another window" not in bar + versions
    rows.flow.draft_saved_by = "7001"
    rows.flow.save(update_fields=["draft_saved_by"])
    page = owner.get(f"/app/flows/{rows.flow.pk}").content.decode()
    assert re.search(r"Saved [^·]* · A colleague \(staff 7001\)<", page)


def test_a_flow_that_is_started_is_called_by_its_name(owner, rows):
    flow = rows.shop.flows.get(key="check_in")
    rows.shop.flows.filter(key="goes_with").update(name="What else fits")
    page = owner.get(f"/app/flows/{flow.pk}").content.decode()
    assert '<span class="sum" dir="auto">What else fits</span>' in page


@pytest.mark.parametrize(
    ("edge", "card"),
    [("start", "@start"), ("steps.use_time.next", "use_time"), ("listeners.0.goto", "@path.0")],
)
def test_who_does_not_add_a_step_is_led_back_to_the_card_above(owner, rows, edge, card):
    page = owner.get(f"/app/flows/{rows.flow.pk}?add={edge}").content.decode()
    assert f'data-focus="at-{card}">Cancel<' in page


def test_two_people_in_two_places_do_not_disturb_each_other(owner, rows):
    here, there = seen(owner, rows, "thanks"), seen(owner, rows, "use_time")
    for step, mark_, fields in (
        ("thanks", here, {"texts.en.messages.thanks.text": "One"}),
        ("use_time", there, {"step.for#number": "3", "step.for#unit": "days"}),
    ):
        form = {"seen": mark_, "language": "en"} | fields
        assert owner.post(f"/app/flows/{rows.flow.pk}/steps/{step}", form).status_code == 200
    document = draft(rows)
    assert document["texts"]["en"]["messages"]["thanks"]["text"] == "One"
    assert document["steps"]["use_time"]["for"] == "P3D"


def test_words_of_other_steps_cannot_be_changed_from_here(owner, rows):
    before = draft(rows)
    save(owner, rows, "thanks", {"texts.en.messages.ask_rating.text": "Stolen", "step.kind": "end", "key": "x"})
    assert draft(rows) == before


def test_a_step_is_added_moved_copied_deleted_and_all_is_taken_back(owner, rows):
    before = draft(rows)
    added = change(owner, rows, "add", edge="steps.use_time.next", kind="send").json()
    assert added["go"] == f"/app/flows/{rows.flow.pk}?step=send&language=en"
    assert draft(rows)["steps"]["send"]["next"] == "good_hour"
    assert change(owner, rows, "move", step="send", edge="start").status_code == 200
    assert draft(rows)["start"] == "send"
    assert change(owner, rows, "down", step="send").status_code == 200
    assert draft(rows)["start"] == "how"
    assert change(owner, rows, "copy", step="thanks").json()["toast"] == "Copied “Thanks”"
    deleted = change(owner, rows, "delete", step="reward").json()
    assert deleted["toast"] == "Deleted “Reward” and 1 step that only it led to. Undo brings it back."
    for _ in range(5):
        draft(rows)
        answer = change(owner, rows, "undo", place=rows.flow.draft_place)
        assert answer.status_code == 200, answer.json()
    assert draft(rows) == before
    assert (
        change(owner, rows, "redo", place=rows.flow.draft_place).json()["toast"] == "Done again: Added: Send a message"
    )
    assert "send" in draft(rows)["steps"]


@pytest.mark.parametrize(
    ("do", "fields"),
    [
        ("add", {"edge": "start", "kind": "rm -rf"}),
        ("add", {"edge": "steps.gone.next", "kind": "send"}),
        ("move", {"step": "thanks", "edge": ""}),
        ("delete", {"step": "gone"}),
        ("explode", {}),
        ("undo", {"place": "x"}),
        ("undo", {"place": "77"}),
        ("drop_part", {"place": "steps.review"}),
        ("add_part", {"place": "texts"}),
        ("listen", {"news": "doomsday"}),
        ("unlisten", {"step": "@path.9"}),
        ("drop_message", {"step": "review", "field": "question"}),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(owner, rows, do, fields):
    before = draft(rows)
    answer = change(owner, rows, do, **fields)
    assert answer.status_code in (409, 422)
    assert answer.json()["message"]
    assert draft(rows) == before


def test_a_wait_becomes_another_kind_of_wait(owner, rows):
    answer = save(owner, rows, "use_time", {"step.#mode": "date"}).json()
    assert answer["redraw"] is True
    step = draft(rows)["steps"]["use_time"]
    assert step == {
        "kind": "wait",
        "date": "order.day_expected",
        "on_missing": None,
        "next": "good_hour",
        "why": step["why"],
    }
    save(owner, rows, "use_time", {"step.#mode": "date", "step.offset": "-2", "step.@on_missing": "thanks"})
    step = draft(rows)["steps"]["use_time"]
    assert (step["offset"], step["on_missing"]) == ("-P2D", "thanks")
    assert problems_of(draft(rows)) == []


def test_conditions_are_written_in_rows(owner, rows):
    name = "step.cases.0.if"
    form = {
        f"{name}#both": "any",
        f"{name}#0#fact": "order.total", f"{name}#0#is": "at_least", f"{name}#0#value": "49,50",
        f"{name}#1#fact": "order.country", f"{name}#1#is": "one_of", f"{name}#1#value": "DE, AT",
    }  # fmt: skip
    assert save(owner, rows, "is_rewarded", form).json()["errors"] == {}
    assert draft(rows)["steps"]["is_rewarded"]["cases"][0]["if"] == {
        "any": [{"fact": "order.total", "at_least": 49.5}, {"fact": "order.country", "one_of": ["DE", "AT"]}]
    }
    wrong = save(owner, rows, "is_rewarded", form | {f"{name}#0#value": "much"}).json()["errors"]
    assert wrong == {f"{name}#0#value": "Write a number."}


def test_a_condition_that_does_not_fit_into_rows_is_written_as_text(owner, rows):
    news = {"listeners.0.news": ["media_stored"]}
    save(owner, rows, "@path.0", news | {"listeners.0.if#yaml": "{not: {any: [{fact: order.paid, equals: true}]}}"})
    assert draft(rows)["listeners"][0]["if"] == {"not": {"any": [{"fact": "order.paid", "equals": True}]}}
    assert "listeners.0.if#yaml" in shown(owner, rows, "@path.0")
    for bad in (
        "{fact: order.paid}",
        "!!python/object/apply:os.system [ls]",
        "[" * 3000,
        "x: [",
        "{all: [&a {fact: x}, *a]}",
    ):
        answer = save(owner, rows, "@path.0", news | {"listeners.0.if#yaml": bad}).json()
        assert list(answer["errors"]) == ["listeners.0.if#yaml"], bad


def test_what_starts_and_ends_a_flow_is_set(owner, rows):
    answer = save(owner, rows, "@start", {
        "name": "Reviews", "trigger.news": ["order_delivered", "contact_silent"], "trigger.subject": "contact",
        "trigger.if_running": "skip", "trigger.again_after#number": "30", "trigger.again_after#unit": "days",
    })  # fmt: skip
    assert answer.json()["redraw"] is True
    trigger = draft(rows)["trigger"]
    assert (trigger["news"], trigger["subject"], trigger["again_after"]) == (
        ["order_delivered", "contact_silent"], "contact", "P30D",
    )  # fmt: skip
    assert [str(one) for one in problems_of(draft(rows))] == ["trigger: contact_silent needs after"]
    save(owner, rows, "@start", {
        "trigger.news": trigger["news"], "trigger.after#number": "60", "trigger.after#unit": "days", "name": "",
    })  # fmt: skip
    assert (draft(rows)["name"], problems_of(draft(rows))) == ("Reviews", [])


def test_a_draft_that_is_broken_can_still_be_opened_and_mended(owner, rows):
    rows.flow.draft = {"steps": {"a": {"kind": "wait"}, "b": 4, "c": {"kind": "magic"}}, "start": "a"}
    rows.flow.save()
    for step in ("a", "c", "@start"):
        assert owner.get(f"/app/flows/{rows.flow.pk}?step={step}").status_code == 200
    assert save(owner, rows, "a", {"step.for#number": "2", "step.for#unit": "days"}).status_code == 200
    assert draft(rows)["steps"]["a"] == {"kind": "wait", "for": "P2D"}


def test_the_mark_is_of_the_part_alone(rows):
    document = draft(rows)
    before = mark(document, "thanks", "en")
    document["texts"]["de"]["messages"]["thanks"]["text"] = "Anders"
    assert mark(document, "thanks", "en") == before
    document["texts"]["en"]["messages"]["thanks"]["text"] = "Different"
    assert mark(document, "thanks", "en") != before


def look(owner, rows: Seed, **fields: object) -> str:
    form = {"language": "en"} | fields
    return owner.post(f"/app/flows/{rows.flow.pk}/steps/review/preview", form).content.decode()
