"""Each way in which a version goes live asks about the people inside; they can be moved later too."""

from html import unescape

import pytest

from post_purchase.flows import drafts
from post_purchase.jobs.flows import move_runs
from post_purchase.models import Flow, FlowRun, RunMove
from shopapp.lib import clock
from tests.pages.test_flow_editor import owner, rows, save

__all__ = ["owner", "rows"]  # fixtures
THREAD = {"key": "main", "step": "use_time", "visit": 1, "phase": "", "since": None, "due_at": None, "said": 0,
          "parcel": None, "memory": {}}  # fmt: skip


@pytest.fixture
def run(rows) -> FlowRun:
    """Somebody waits at "use_time" in version 1."""
    found = FlowRun.objects.get(flow=rows.flow)
    found.state = {"threads": [THREAD], "seen": {"use_time": 1}}
    found.at_steps = "use_time"
    found.save()
    return found


@pytest.fixture
def changed(owner, rows, run) -> FlowRun:
    save(owner, rows, "use_time", {"step.for#number": "2", "step.for#unit": "days"})
    return run


def read(owner, rows, more: str = "") -> str:
    return unescape(owner.get(f"/app/flows/{rows.flow.pk}/publishing{more}").content.decode())


def go(owner, rows, **typed: str):
    return owner.post(f"/app/flows/{rows.flow.pk}/publishing", typed)


def listed(owner, rows) -> str:
    return unescape(owner.get(f"/app/flows/{rows.flow.pk}/versions").content.decode())


def number_of(run: FlowRun) -> int:
    run.refresh_from_db()
    return run.version.number


def test_publishing_shows_who_waits_where_and_moves_them(owner, rows, changed):
    html = read(owner, rows)
    assert "1 person is inside now" in html
    assert "“7 days” became “2 days”" in html
    name = f"to#{changed.version_id}#use_time"
    assert f'name="{name}"' in html
    form = {"inside": "retime", "share": "100", name: "use_time"}
    refused = go(owner, rows, **form | {"share": "25"})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["inside"])
    for wrong in ({"inside": "x"}, {"share": "7"}, {"share": "²"}):
        assert go(owner, rows, **form | wrong).status_code == 422
    answer = go(owner, rows, **form).json()
    assert answer["toast"] == "Version 2 is live for new orders. The people inside are being moved."
    move_runs()
    assert number_of(changed) == 2
    html = listed(owner, rows)
    assert "1 person was moved to version 2." in html


def test_nothing_goes_live_while_the_question_about_the_people_inside_is_skipped(owner, rows, changed):
    answer = go(owner, rows, share="100")
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("1 person is inside now.")
    assert owner.post(f"/app/flows/{rows.flow.pk}/publish").status_code == 404
    go(owner, rows, share="10")  # the trial itself asks nobody
    assert go(owner, rows, of="trial").status_code == 422
    assert owner.post(f"/app/flows/{rows.flow.pk}/share", {"share": "100"}).status_code == 422
    assert Flow.objects.get(pk=rows.flow.pk).live_version.number == 1
    assert go(owner, rows, of="trial", inside="finish").status_code == 200
    assert go(owner, rows, of="1").status_code == 422
    assert Flow.objects.get(pk=rows.flow.pk).live_version.number == 2
    assert not RunMove.objects.exists()


def test_with_nobody_inside_nothing_is_asked(owner, rows, changed):
    FlowRun.objects.update(status="ended")
    assert "Nobody is inside now" in read(owner, rows)
    assert go(owner, rows).json()["toast"] == "Version 2 is live for new orders."


def test_a_draft_that_has_changed_since_it_was_looked_at_is_not_published(owner, rows, changed):
    seen = drafts.mark_of(Flow.objects.get(pk=rows.flow.pk).draft)
    assert f'name="seen" value="{seen}"' in read(owner, rows)
    save(owner, rows, "use_time", {"step.for#number": "3", "step.for#unit": "days"})
    answer = go(owner, rows, inside="finish", seen=seen)
    assert answer.status_code == 422
    assert "has changed since you looked at it" in answer.json()["message"]
    assert Flow.objects.get(pk=rows.flow.pk).live_version.number == 1


def test_after_a_trial_whoever_is_inside_can_be_moved(owner, rows, changed):
    tried = go(owner, rows, inside="finish", share="10").json()["toast"]
    assert tried == "Version 2 goes to 10 of 100 new ones first."
    address = f"/app/flows/{rows.flow.pk}"
    editor = owner.get(address).content.decode()
    assert "Version 2 is on trial: 10 of 100 new ones get it" in editor
    assert f'href="{address}/publishing?of=trial&amp;' in editor
    assert owner.post(f"{address}/share", {"share": "50"}).status_code == 200
    assert owner.post(f"{address}/share", {"share": "33"}).status_code == 422
    html = read(owner, rows, "?of=trial")
    assert "Give version 2 to all" in html
    assert "1 person is inside now" in html
    assert "“7 days” became “2 days”" in html
    answer = go(owner, rows, of="trial", inside="move").json()["toast"]
    assert answer == "Version 2 is live for all now. The people inside are being moved."
    move_runs()
    assert number_of(changed) == 2
    assert owner.post(f"{address}/share", {"share": "0"}).status_code == 422
    assert owner.get(f"{address}/publishing?of=trial").status_code == 404


def test_whoever_was_let_finish_can_still_be_moved_later(owner, rows, changed):
    go(owner, rows, inside="finish")
    html = listed(owner, rows)
    assert "1 person is inside an older version" in html
    assert "(version 1): 1 person waits" in html
    assert "See who waits where" in read(owner, rows)
    html = read(owner, rows, "?of=older")
    assert "1 person is inside an older version" in html
    assert "Let them finish" not in html
    assert "What changes for those in version 1" in html
    assert "“7 days” became “2 days”" in html
    assert f'name="to#{changed.version_id}#use_time"' in html
    assert go(owner, rows, of="older").status_code == 422
    assert go(owner, rows, of="older", inside="retime").json()["toast"] == "The people inside are being moved."
    move_runs()
    assert number_of(changed) == 2
    assert "inside an older version" not in listed(owner, rows)
    assert "Nobody is inside an older version" in read(owner, rows, "?of=older")


def test_who_tries_the_new_version_is_not_moved_out_of_it(owner, rows, changed):
    go(owner, rows, inside="finish", share="10")
    flow = Flow.objects.get(pk=rows.flow.pk)
    trying = FlowRun.objects.create(
        shop=flow.shop, flow=flow, version=flow.canary_version, subject_key="trial", started_at=clock.now(),
        state=changed.state, at_steps="use_time",
    )  # fmt: skip
    html = listed(owner, rows)
    assert "inside an older version" not in html
    assert "Publish the draft" not in html  # it is what is on trial
    third = flow.draft | {"name": "Third"}
    drafts.keep(flow, third, user="42", what="Changed")
    flow.live_version = flow.versions.create(number=3, document=third, published_at=clock.now())
    flow.save()
    assert "1 person is inside an older version" in listed(owner, rows)
    go(owner, rows, of="older", inside="move")
    move_runs()
    assert (number_of(changed), number_of(trying)) == (3, 2)
    assert RunMove.objects.get().stayed == 0


def test_going_back_to_an_earlier_version_asks_too(owner, rows, changed):
    go(owner, rows, inside="move")
    move_runs()
    html = read(owner, rows, "?of=1")
    assert "Roll back to version 1" in html
    assert "“2 days” became “7 days”" in html
    assert "1 person is inside now" in html
    back = go(owner, rows, of="1", inside="retime").json()["toast"]
    assert back.startswith("Version 1 is live again for new orders, as version 3. The draft is as it was.")
    move_runs()
    assert number_of(changed) == 3
    assert Flow.objects.get(pk=rows.flow.pk).live_version.document["steps"]["use_time"]["for"] == "P7D"
    assert "Version 3 (version 1 again)" in listed(owner, rows)
    for wrong in ("99", "nothing", "²"):
        assert owner.get(f"/app/flows/{rows.flow.pk}/publishing?of={wrong}").status_code == 404
        assert go(owner, rows, of=wrong, inside="move").status_code == 404


def test_from_the_rehearsal_a_draft_goes_live_by_the_page_that_asks(owner, rows, changed):
    address = f"/app/flows/{rows.flow.pk}"
    html = owner.get(f"{address}/rehearsal").content.decode()
    assert f'href="{address}/publishing' in html
    assert "Publish the draft" in html
    assert f'action="{address}/publish' not in html


def test_a_changed_draft_of_a_flow_that_is_off_is_published_and_switched_on_there(owner, rows, changed):
    Flow.objects.filter(pk=rows.flow.pk).update(status="off")
    assert "Publish and switch on" in owner.get(f"/app/flows/{rows.flow.pk}/rehearsal").content.decode()
    assert 'value="1" label="Switch the flow on too"' in read(owner, rows)
    assert 'value="1" checked label="Switch the flow on too"' in read(owner, rows, "?on=1")
    assert go(owner, rows, inside="finish", on="1").json()["toast"] == "Version 2 is live for new orders."
    assert Flow.objects.get(pk=rows.flow.pk).status == "on"
