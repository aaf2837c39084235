import pytest

from post_purchase.flows import editing, shelf
from post_purchase.flows.definition import DocumentError
from post_purchase.flows.preview import preview
from post_purchase.models import FlowStatus
from tests.factories import make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db


def flow_of(shop, key="delivered"):
    return next(flow for flow in editing.install_library(shop) if flow.key == key)


def test_the_library_is_installed_once_and_off():
    shop = make_shop()
    first = editing.install_library(shop)
    flow = flow_of(shop)
    editing.save_draft(flow, flow.draft | {"name": "My updates"})
    again = editing.install_library(shop)
    assert [flow.pk for flow in again] == [flow.pk for flow in first]
    assert [flow.key for flow in again] == list(shelf.library())
    assert {flow.status for flow in again} == {"off"}
    assert shop.flows.get(key="delivered").draft["name"] == "My updates"


def test_publishing_makes_a_new_version_only_for_a_new_document():
    flow = flow_of(make_shop())
    first = editing.publish(flow, "42")
    assert (first.number, first.published_by) == (1, "42")
    assert editing.publish(flow).pk == first.pk
    flow.refresh_from_db()
    edited = editing.apply_edits(flow.draft, {"texts.en.messages.enjoy.text": "Lovely!"})
    assert editing.save_draft(flow, edited) == []
    second = editing.publish(flow)
    first.refresh_from_db()
    assert second.number == 2
    assert first.document["texts"]["en"]["messages"]["enjoy"]["text"] != "Lovely!"


def test_a_broken_draft_is_kept_and_cannot_be_published():
    flow = flow_of(make_shop())
    edited = editing.apply_edits(flow.draft, {"texts.en.messages.enjoy.text": "Lovely {{ name"})
    problems = editing.save_draft(flow, edited)
    assert [str(problem) for problem in problems] == [
        "texts.en.messages.enjoy.text: A value is not closed: write }} after it (line 1)"
    ]
    flow.refresh_from_db()
    assert flow.draft["texts"]["en"]["messages"]["enjoy"]["text"] == "Lovely {{ name"
    with pytest.raises(DocumentError):
        editing.publish(flow)
    flow.refresh_from_db()
    assert flow.live_version is None
    shown = {message.message: message for message in preview(flow, "en")}
    assert shown["enjoy"].error == "A value is not closed: write }} after it (line 1)"
    assert shown["delivered"].error == ""


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_text_that_cannot_be_filled_in_is_said_at_its_place_and_stops_no_order(language):
    flow = flow_of(make_shop())
    grows = "{% assign a = 9 %}" + "{% assign a = a | times: a %}" * 13 + "{{ a }}"
    place = f"texts.{language}.messages.enjoy.text"
    problems = editing.save_draft(flow, editing.apply_edits(flow.draft, {place: grows}))
    assert [str(problem) for problem in problems] == [f"{place}: times: the number is too large (line 1)"]
    with pytest.raises(DocumentError) as error:
        editing.publish(flow)
    assert [problem.path for problem in error.value.problems] == [place]
    with pytest.raises(DocumentError):
        editing.switch_on(flow)
    flow.refresh_from_db()
    assert (flow.live_version, flow.status) == (None, "off")
    shown = {message.message: message for message in preview(flow, language)}
    assert shown["enjoy"].error == "times: the number is too large (line 1)"


def test_all_texts_of_the_library_can_be_filled_in():
    shop = make_shop()
    for flow in editing.install_library(shop):
        assert editing.problems_of(flow.draft) == [], flow.key


def test_only_texts_and_times_can_be_edited():
    flow = flow_of(make_shop(), "photo_review")
    fields = {field.path: field for field in editing.editable_fields(flow.draft)}
    assert fields["steps.use_time.for"].value == "P7D"
    assert fields["steps.use_time.for"].help.startswith("A week to unpack")
    assert fields["steps.good_hour.between"].value == "10:00-19:00"
    changed = editing.apply_edits(flow.draft, {"steps.use_time.for": "p14d", "steps.good_hour.between": "11:00–18:00"})
    assert changed["steps"]["use_time"]["for"] == "P14D"
    assert changed["steps"]["good_hour"]["between"] == ["11:00", "18:00"]
    assert editing.problems_of(changed) == []
    with pytest.raises(DocumentError) as error:
        editing.apply_edits(flow.draft, {"steps.review.next": "thanks", "steps.use_time.for": "a week"})
    assert [problem.path for problem in error.value.problems] == ["steps.review.next", "steps.use_time.for"]


def test_switching_on_publishes_and_switching_off_keeps_the_version():
    flow = editing.switch_on(flow_of(make_shop()))
    assert (flow.status, flow.live_version.number) == (FlowStatus.ON, 1)
    flow = editing.switch_off(flow)
    assert (flow.status, flow.live_version.number) == (FlowStatus.OFF, 1)


def test_a_preview_shows_a_real_order():
    shop = make_shop()
    order = make_order(shop, lines=2)
    make_parcel(order)
    flows = [flow_of(shop, key) for key in ("thank_you", "shipped", "delivered")]
    shown = {message.message: message for flow in flows for message in preview(flow, "en", order)}
    assert (
        f"Order {order.name}\n1 × Stoneware mug: €49.00\n1 × Linen apron: €49.00\nTotal: €98.00"
        in shown["receipt"].text
    )
    assert shown["shipped"].text.endswith("https://tracking.example.test/00340434161094042557")
    assert shown["delivered"].buttons == ["Yes, all good", "Not here", "Damaged"]
    assert shown["receipt"].text.startswith("Thank you!")
