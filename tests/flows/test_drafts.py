"""The draft's history: undo, redo, two people at once."""

from datetime import UTC, datetime

import pytest

from post_purchase.flows import drafts
from post_purchase.flows.editing import install_library
from post_purchase.models import Flow
from shopapp.lib import clock
from tests.factories import make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> Flow:
    return install_library(make_shop())[0]


def named(flow: Flow, name: str, user: str = "42", part: str = "") -> Flow:
    return drafts.change(flow, lambda document: {**document, "name": name}, user=user, what=f"Named {name}", part=part)


def undo(flow: Flow, by: int = -1) -> str:
    flow.refresh_from_db()
    return drafts.step_through(flow, by, place=flow.draft_place, user="42")


def name_of(flow: Flow) -> str:
    flow.refresh_from_db()
    return flow.draft["name"]


def test_changes_are_taken_back_and_done_again(flow):
    first = flow.draft["name"]
    named(flow, "A")
    named(flow, "B")
    assert (undo(flow), name_of(flow)) == ("Named B", "A")
    assert (undo(flow), name_of(flow)) == ("Named A", first)
    assert undo(flow) == ""
    assert (undo(flow, 1), name_of(flow)) == ("Named A", "A")
    flow.refresh_from_db()
    assert drafts.can_step(flow) == ("Named A", "Named B")


def test_a_new_change_ends_what_could_be_done_again(flow):
    named(flow, "A")
    named(flow, "B")
    undo(flow)
    named(flow, "C")
    assert undo(flow, 1) == ""
    assert (undo(flow), name_of(flow)) == ("Named C", "A")


def test_typing_in_one_place_is_one_change_and_after_a_pause_another(flow):
    with clock.frozen(datetime(2026, 11, 24, 12, tzinfo=UTC)) as at:
        for name in ("H", "He", "Hel"):
            named(flow, name, part="start")
        at.move(minutes=3)
        named(flow, "Hello", part="start")
        named(flow, "Other", user="43", part="start")
    assert (undo(flow), name_of(flow)) == ("Named Other", "Hello")
    assert (undo(flow), name_of(flow)) == ("Named Hello", "Hel")
    undo(flow)
    assert undo(flow) == ""


def test_only_the_newest_changes_are_kept(flow):
    for number in range(drafts.KEPT + 10):
        named(flow, f"N{number}")
    assert flow.drafts.count() == drafts.KEPT + 1


def test_who_did_not_see_the_newest_part_changes_nothing(flow):
    look = lambda document: drafts.mark_of(document["name"])  # noqa: E731
    seen = look(flow.draft)
    named(flow, "Hers", user="43")
    with pytest.raises(drafts.Stale) as stale:
        drafts.change(flow, lambda _: {"name": "His"}, user="42", what="x", seen=seen, look=look)
    assert (stale.value.by, name_of(flow)) == ("43", "Hers")
    with pytest.raises(drafts.Stale):
        drafts.step_through(flow, -1, place=0, user="42")


def test_the_same_again_is_no_change_and_too_much_is_refused(flow):
    named(flow, flow.draft["name"])
    flow.refresh_from_db()
    assert flow.draft_place == 0
    with pytest.raises(drafts.TooLarge):
        named(flow, "x" * drafts.MAX_BYTES)
    assert name_of(flow) != "x" * drafts.MAX_BYTES
