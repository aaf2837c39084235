"""A shopper writes while a colleague looks: it is there without a reload, on a phone too, and the browser tells."""

import pytest

from post_purchase.channels.base import Inbound
from post_purchase.services.receiving import receive
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests.browser.conftest import SIZES
from tests.browser.test_pages_look import problems
from tests.pages.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.npm]
HEARD = """
window.heard = [];
window.Notification = class extends EventTarget {
  static permission = "granted";
  constructor(title, options) { super(); heard.push([title, options.body]); }
};
"""


def test_a_message_appears_by_itself_also_on_a_phone(admin, shop):
    rows = seed(shop)
    point = rows.conversation.contact.points.get()
    page = admin.page
    page.set_viewport_size(SIZES["phone"])
    page.add_init_script(HEARD)
    page.clock.install()

    def write(text):
        inbound = Inbound(
            account_id=rows.channel.account_id,
            address=point.address,
            text=text,
            provider_id=new_code(),
            happened_at=clock.now(),
        )
        receive(channel=rows.channel, inbound=inbound)

    admin.open(f"/app/conversations/{rows.conversation.pk}")
    page.evaluate("window.before = document.querySelector('.thread')")
    write("Is anybody there?")
    page.clock.run_for(4500)
    page.locator(".bubble", has_text="Is anybody there?").wait_for()
    assert page.evaluate("window.before === document.querySelector('.thread')")  # the page was not drawn anew
    assert problems(page) == []
    admin.photograph("thread-live-phone")
    page.evaluate("document.querySelector('s-link[slot=breadcrumb-actions]').click()")
    page.locator(".talks").wait_for()
    page.wait_for_function("window.heard && heard.length === 0")
    write("And another thing")
    page.clock.run_for(10500)
    page.locator(".said", has_text="And another thing").wait_for()
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    rows.conversation.unread_by.all().delete()
    write("Hello?")
    page.clock.run_for(31000)
    page.wait_for_function("heard.length === 1")
    assert page.evaluate("heard[0]") == ["A shopper has written", "1 unread"]
