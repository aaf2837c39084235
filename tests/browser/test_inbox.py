"""The inbox by keys alone: open a conversation, answer, take the answer back."""

import pytest

from post_purchase.models import Draft, Message
from tests.pages.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.npm]


def test_a_conversation_is_answered_and_taken_back_by_keys(admin, shop):
    seed(shop)
    admin.open("/app/conversations")
    page = admin.page
    for key in ("j", "Enter"):
        page.keyboard.press(key)
    page.locator(".thread").wait_for()
    page.keyboard.press("?")
    assert "Write an answer" in page.locator("#keys").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("Hello by keys")
    page.keyboard.press("Control+Enter")
    page.locator(".bubble", has_text="Hello by keys").wait_for()
    field = page.locator("s-text-area[name=text]")
    assert field.evaluate("(node) => node.value") == ""
    page.locator(".thread s-button", has_text="Take back").last.click()
    page.locator(".bubble.stopped", has_text="Hello by keys").wait_for()
    assert field.evaluate("(node) => node.value") == "Hello by keys"
    assert Message.objects.get(text="Hello by keys").status == "suppressed"
    assert Draft.objects.get().text == "Hello by keys"
