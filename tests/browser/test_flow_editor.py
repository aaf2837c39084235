"""The flow editor in a real browser: by keyboard alone, saving by itself, and with two people at one flow."""

import pytest

from post_purchase.flows import drafts
from post_purchase.flows.editing import install_library
from post_purchase.models import FlowRun, RunMove
from tests.browser.conftest import SIZES
from tests.browser.test_pages_look import problems
from tests.browser.test_pages_work import focused, tab_to
from tests.pages.seed import seed

pytestmark = pytest.mark.browser


def draft(rows):
    rows.flow.refresh_from_db()
    return rows.flow.draft


def test_a_step_is_added_moved_and_deleted_by_keyboard_alone(admin, shop):
    rows = seed(shop)
    page = admin.open(f"/app/flows/{rows.flow.pk}")
    page.locator("#at-use_time").focus()
    page.keyboard.press("a")
    page.wait_for_selector("#panel .kinds")
    page.keyboard.press("Tab")
    assert focused(page) == "Cancel"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'at-use_time'")
    page.keyboard.press("a")
    page.wait_for_selector("#panel .kinds")
    tab_to(page, "Send a message")
    page.keyboard.press("Enter")
    page.wait_for_selector("#at-send.chosen")
    assert draft(rows)["steps"]["use_time"]["next"] == "send"
    page.locator("#at-send").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.wait_for_selector("#stand-in-toasts >> text=Moved “Send” up")
    admin.settle()
    assert draft(rows)["steps"]["wait_for_chat"]["next"] == "send"
    assert page.evaluate("document.activeElement.id") == "at-send"
    page.keyboard.press("ArrowDown")
    assert "Use time" in focused(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Delete")
    page.wait_for_selector("#stand-in-toasts >> text=Deleted “Send”")
    admin.settle()
    assert page.evaluate("document.activeElement.id") == "at-nobody_came"  # the card above
    assert "send" not in draft(rows)["steps"]
    page.keyboard.press("Control+z")
    page.wait_for_selector("#at-send")
    assert draft(rows)["steps"]["wait_for_chat"]["next"] == "send"


def test_words_are_saved_by_themselves_and_taken_back(admin, shop):
    rows = seed(shop)
    page = admin.open(f"/app/flows/{rows.flow.pk}?step=thanks")
    before = draft(rows)["texts"]["en"]["messages"]["thanks"]["text"]
    page.locator('[name="texts.en.messages.thanks.text"] textarea').fill("Many thanks!")
    page.wait_for_selector("#at-thanks >> text=Many thanks!")
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Many thanks!"
    page.locator("s-button", has_text="Undo").click()
    page.wait_for_selector(f"#at-thanks >> text={before}")
    assert page.locator('[name="texts.en.messages.thanks.text"] textarea').input_value() == before
    page.locator('[name="texts.en.messages.thanks.text"] textarea').fill("Typed, and at once away")
    page.locator("#at-reward").click()
    page.wait_for_selector("#at-reward.chosen")
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Typed, and at once away"


def test_when_two_people_edit_one_message_nobodys_words_are_lost(admin, shop):
    rows = seed(shop)
    page = admin.open(f"/app/flows/{rows.flow.pk}?step=thanks")
    hers = draft(rows)
    hers["texts"]["en"]["messages"]["thanks"]["text"] = "Hers"
    drafts.change(rows.flow, lambda _: hers, user="77", what="Changed")
    page.locator('[name="texts.en.messages.thanks.text"] textarea').fill("Mine")
    page.wait_for_selector("#conflict:not([hidden]) >> text=staff 77")
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Hers"
    assert page.locator('[name="texts.en.messages.thanks.text"] textarea').input_value() == "Mine"
    page.locator("[data-mine]").click()
    page.wait_for_selector("#at-thanks >> text=Mine")
    assert draft(rows)["texts"]["en"]["messages"]["thanks"]["text"] == "Mine"


def test_arrow_keys_go_along_the_path_and_to_the_way_beside_it(admin, shop):
    flow = next(one for one in install_library(shop) if one.key == "check_in")
    page = admin.open(f"/app/flows/{flow.pk}?step=ask")
    page.locator("#at-ask").focus()
    at = []
    for key in ("Down", "Right", "Down", "Right", "Right", "Right", "Left", "Up"):
        page.keyboard.press(f"Arrow{key}")
        at.append(page.evaluate("document.activeElement.dataset.step"))
    assert at == [
        "say_glad", "what_is_wrong", "bring_person", "bring_person_silent", "bring_reader", "bring_reader",
        "what_is_wrong", "what_goes_with_it",
    ]  # fmt: skip
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"


def test_the_language_is_chosen_by_arrow_keys_and_the_focus_stays(admin, shop):
    rows = seed(shop)
    page = admin.open(f"/app/flows/{rows.flow.pk}?step=thanks")
    page.locator('[name="language"] select').focus()
    spoken = page.locator('[name="language"] select option').evaluate_all("all => all.map((one) => one.value)")
    before = page.locator('[name="language"] select').input_value()
    at = spoken.index(before)
    for steps, wanted in ((3, spoken[at + 3]), (1, spoken[at + 4])):
        for _ in range(steps):
            page.keyboard.press("ArrowDown")
        page.wait_for_selector(f'[name="texts.{wanted}.messages.thanks.text"]')
        admin.settle()
        assert f"language={wanted}" in page.url
        assert focused(page) == "Words in"
    assert page.evaluate("history.length") <= 4  # none for the languages that were passed


def test_whoever_undoes_and_moves_by_keyboard_stays_at_the_button(admin, shop):
    rows = seed(shop)
    page = admin.open(f"/app/flows/{rows.flow.pk}?step=use_time&language=en")
    order = [step.get_attribute("id") for step in page.locator("#flow-path .step").all()]
    page.locator('form[data-verb="down"] s-button').focus()
    for times in (1, 2):
        page.keyboard.press("Enter")
        page.wait_for_function(
            "([id, at]) => [...document.querySelectorAll('#flow-path .step')].findIndex((one) => one.id === id) > at",
            arg=["at-use_time", order.index("at-use_time") + times - 1],
        )
        admin.settle()
        assert focused(page) == "Move down"
    page.locator('form[data-key="undo"] s-button').focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#stand-in-toasts >> text=Taken back: Moved “Use time” down")
    admin.settle()
    assert page.evaluate("document.activeElement.closest('form').dataset.key") == "undo"
    page.keyboard.press("Enter")
    page.wait_for_selector('form[data-key="undo"] s-button[disabled]')
    assert [step.get_attribute("id") for step in page.locator("#flow-path .step").all()] == order


@pytest.mark.parametrize("size", SIZES)
def test_the_editor_fits_and_can_be_read_by_everybody(admin, shop, size):
    rows = seed(shop)
    admin.page.set_viewport_size(SIZES[size])
    troubles = []
    for name in ("review", "is_rewarded", "@start", "wait_for_chat"):
        admin.open(f"/app/flows/{rows.flow.pk}?step={name}")
        admin.photograph(f"editor-{name.strip('@')}-{size}")
        troubles += [f"{name}: {problem}" for problem in problems(admin.page)]
    admin.open(f"/app/flows/{rows.flow.pk}?add=start")
    admin.photograph(f"editor-add-{size}")
    troubles += problems(admin.page)
    assert troubles == []


@pytest.mark.parametrize("size", SIZES)
def test_a_draft_is_published_with_people_inside(admin, shop, size):
    rows = seed(shop)
    FlowRun.objects.filter(flow=rows.flow).update(at_steps="use_time")
    changed = draft(rows)
    changed["steps"]["use_time"]["for"] = "P3D"
    drafts.change(rows.flow, lambda _: changed, user="42", what="Changed")
    admin.page.set_viewport_size(SIZES[size])
    page = admin.open(f"/app/flows/{rows.flow.pk}")
    page.locator("s-button", has_text="Publish the draft").click()
    page.wait_for_selector("text=1 person is inside now")
    admin.photograph(f"publishing-{size}")
    troubles = problems(page)
    page.locator("s-choice-list[name=inside] label", has_text="reckon their waits").click()
    page.locator("s-button", has_text="Publish").first.click()
    page.wait_for_selector("#stand-in-toasts >> text=The people inside are being moved")
    assert RunMove.objects.get(flow=rows.flow).plan[str(FlowRun.objects.get(flow=rows.flow).version_id)]["shift"]
    page.locator("s-button", has_text="Versions").click()
    page.wait_for_selector("text=What it changed")
    admin.photograph(f"versions-{size}")
    assert troubles + problems(page) == []


@pytest.mark.parametrize("by_link", [False, True])
def test_each_condition_chooses_among_all_facts_and_keeps_what_was_chosen(admin, shop, by_link):
    rows = seed(shop)
    address = f"/app/flows/{rows.flow.pk}"
    page = admin.open(address if by_link else f"{address}?step=@start")
    if by_link:
        page.locator('#flow-path a[href*="step=%40start"], #flow-path a[href*="step=@start"]').first.click()
    choice = page.locator('[name="exits.0.if#0#fact"] select')
    assert choice.input_value() == "order.cancelled"
    with page.expect_response(lambda answer: "/steps/" in answer.url):
        choice.select_option("order.fully_refunded")
    assert draft(rows)["exits"][0]["if"] == {"fact": "order.fully_refunded", "equals": True}
