"""From the rehearsal over a trial to all, with a person inside who is moved at last."""

import pytest

from post_purchase.flows import drafts
from post_purchase.jobs.flows import move_runs
from post_purchase.models import FlowRun
from tests.browser.conftest import SIZES
from tests.browser.test_pages_look import problems
from tests.pages.seed import seed
from tests.pages.test_going_live import THREAD

pytestmark = pytest.mark.browser
TOAST = "#stand-in-toasts >> text="


@pytest.mark.parametrize("size", SIZES)
def test_a_rehearsed_draft_is_tried_given_to_all_and_whoever_stayed_is_moved(admin, shop, size):
    rows = seed(shop)
    state = {"threads": [THREAD], "seen": {"use_time": 1}}
    FlowRun.objects.filter(flow=rows.flow).update(at_steps="use_time", state=state)
    changed = {**rows.flow.draft, "name": "Photos, please"}
    drafts.change(rows.flow, lambda _: changed, user="42", what="Changed")
    admin.page.set_viewport_size(SIZES[size])
    page = admin.open(f"/app/flows/{rows.flow.pk}/rehearsal")
    page.locator("s-button", has_text="Publish the draft").click()
    page.wait_for_selector("text=1 person is inside now")
    page.locator("s-select[name=share] select").select_option("10")
    page.locator("s-choice-list[name=inside] label", has_text="reckon their waits").click()
    page.locator("s-button[type=submit]", has_text="Publish").click()
    page.wait_for_selector("s-choice-list[name=inside] >> text=or give the new version to all")
    page.locator("s-choice-list[name=inside] label", has_text="Let them finish").click()
    page.locator("s-button[type=submit]", has_text="Publish").click()
    page.wait_for_selector(f"{TOAST}goes to 10 of 100 new ones first")
    page.locator("s-button", has_text="Give it to all").click()
    page.wait_for_selector("text=1 person is inside now")
    admin.photograph(f"give-to-all-{size}")
    troubles = problems(page)
    page.locator("s-button[type=submit]", has_text="Give it to all").click()
    page.wait_for_selector(f"{TOAST}is live for all now")
    page.wait_for_selector("text=1 person is inside an older version")
    page.locator("s-button", has_text="Move them").click()
    page.wait_for_selector("text=What changes for those in version 1")
    admin.photograph(f"older-{size}")
    troubles += problems(page)
    page.locator("s-button[type=submit]", has_text="Move them").click()
    page.wait_for_selector(f"{TOAST}The people inside are being moved")
    move_runs()
    assert FlowRun.objects.get(flow=rows.flow).version.number == 2
    assert troubles == []
