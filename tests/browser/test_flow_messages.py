"""What a message is for, its text for WhatsApp and a language more, in a real browser and by keyboard alone."""

import pytest

from post_purchase.flows.editing import add_flow
from post_purchase.web.pages.flow_files import scratch
from tests.browser.conftest import SIZES
from tests.browser.test_pages_look import problems
from tests.browser.test_pages_work import focused, tab_to

pytestmark = pytest.mark.browser
TEXT = '[name="texts.en.messages.hello.text"] textarea'
BODY = '[name="texts.en.messages.hello.template"] textarea'


@pytest.fixture
def flow(shop):
    return add_flow(shop, scratch("Weekend", "order_delivered"))


def draft(flow):
    flow.refresh_from_db()
    return flow.draft


def test_a_sale_is_stopped_as_it_is_typed_and_made_an_offer_by_keyboard(admin, flow):
    page = admin.open(f"/app/flows/{flow.pk}?step=hello")
    page.locator(TEXT).fill("Only this weekend: 30% off. Buy now!")
    page.wait_for_selector("#flow-troubles >> text=This reads like an offer")
    page.wait_for_selector("#at-hello.trouble >> text=This reads like an offer")
    page.locator("#panel").focus()
    tab_to(page, "Make it an offer")
    page.keyboard.press("Enter")
    page.wait_for_selector("#stand-in-toasts >> text=It is an offer now")
    admin.settle()
    assert draft(flow)["messages"]["hello"]["purpose"] == "marketing"
    assert page.locator("#flow-troubles >> text=This reads like an offer").count() == 0
    page.locator('input[type="radio"]:checked').focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_selector("#purpose-hello >> text=Asks for a review")
    page.wait_for_selector("#flow-troubles >> text=This reads like an offer")
    assert focused(page) == "What is it for?"
    page.locator("#at-hello").focus()
    page.keyboard.press("Control+z")
    page.wait_for_selector("#purpose-hello >> text=An offer")
    assert draft(flow)["messages"]["hello"]["purpose"] == "marketing"


def test_a_value_is_put_into_the_text_for_whatsapp_where_the_cursor_is(admin, flow):
    page = admin.open(f"/app/flows/{flow.pk}?step=hello")
    page.locator("#flow-troubles s-button", has_text="Write the text that WhatsApp approves").click()
    page.wait_for_selector(BODY)
    assert page.locator(BODY).input_value() == "Hello! This is about your order {{1}}. Answer here if you need us."
    page.locator(BODY).focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Total: ")
    page.locator("summary", has_text="Put in a value").last.click()
    page.locator('[data-into="texts.en.messages.hello.template"]', has_text="Total").click()
    page.wait_for_selector('[name="messages.hello.template.parameters.1.sample"]')
    page.keyboard.type(". ")
    page.wait_for_function("document.getElementById('saved').textContent.startsWith('Saved')")
    body = "Total: {{2}}. Hello! This is about your order {{1}}. Answer here if you need us."
    assert page.locator(BODY).input_value() == body
    admin.settle()
    assert draft(flow)["texts"]["en"]["messages"]["hello"]["template"] == body


@pytest.mark.parametrize("size", SIZES)
def test_a_language_is_added_and_the_panel_fits(admin, flow, size):
    admin.page.set_viewport_size(SIZES[size])
    page = admin.open(f"/app/flows/{flow.pk}?step=@start")
    page.locator('form:has(input[value="add_language"]) select').select_option("ar")
    page.locator('form:has(input[value="add_language"]) s-button').click()
    page.wait_for_selector("#stand-in-toasts >> text=begins as a copy of English")
    admin.settle()
    assert draft(flow)["texts"]["ar"]["messages"]["hello"]["to_translate"] == "en"
    page = admin.open(f"/app/flows/{flow.pk}?step=hello&language=ar")
    page.wait_for_selector("#flow-troubles >> text=Still to be translated")
    assert problems(page) == []
