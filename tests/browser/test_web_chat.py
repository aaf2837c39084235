"""The web chat in a real browser: started, written in, answered, read by a screen reader, without a line at all."""

import pytest

from post_purchase.models import Conversation, Message
from post_purchase.services import links
from post_purchase.services.conversations import reply_as_person
from post_purchase.services.delivery import send_due
from post_purchase.services.media import fetch_due
from post_purchase.words import ChannelKind, ParcelState, TouchpointKind
from tests import factories
from tests.browser.conftest import SCREENSHOTS, SIZES
from tests.browser.test_pages_look import problems
from tests.talk.test_photo_safety import picture

pytestmark = [pytest.mark.browser, pytest.mark.npm]
GONE = "[...document.querySelectorAll('.one.me .under')].map((one) => one.textContent).join().match(/^[^·]+$/) !== null"


class Page:
    def __init__(self, chromium, live_server, shop, *, size="phone", locale="en-GB", scheme="light"):
        self.channel = factories.make_channel(shop, ChannelKind.WEBCHAT)
        factories.make_channel(shop, ChannelKind.WHATSAPP)
        language = locale.split("-")[0]
        self.order = factories.make_order(shop, factories.make_contact(shop), language=language)
        factories.make_parcel(self.order, ParcelState.OUT_FOR_DELIVERY)
        touchpoint = links.touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
        self.code = links.link_for_order(touchpoint=touchpoint, order=self.order)[1]
        self.context = chromium.new_context(
            viewport=SIZES[size], locale=locale, color_scheme=scheme, reduced_motion="reduce", has_touch=size == "phone"
        )
        self.page = self.context.new_page()
        self.errors = []
        self.asked = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if "Content Security" in line.text else None)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.url = f"{live_server.url}/chat/{self.code}"
        self.page.goto(self.url)

    def say(self, text):
        self.page.fill("#text", text)
        self.page.click("#send")

    def bubbles(self):
        return self.page.locator(".bubble").all_inner_texts()

    def wait_for(self, text):
        self.page.locator(".bubble", has_text=text).first.wait_for()

    def until(self, condition):
        """Playwright's own wait_for_function needs eval, which the page's policy forbids."""
        for _ in range(300):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came: {condition}")


def received():
    rows = Message.objects.filter(direction="in").exclude(content__kind="entry").order_by("pk")
    return list(rows.values_list("text", flat=True))


@pytest.mark.parametrize(("size", "locale", "scheme"), [("phone", "ar-EG", "dark"), ("wide", "en-GB", "light")])
def test_it_fits_and_can_be_read_by_everybody(chromium, live_server, shop, media, size, locale, scheme):
    chat = Page(chromium, live_server, shop, size=size, locale=locale, scheme=scheme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    chat.page.screenshot(path=SCREENSHOTS / f"webchat-begin-{size}.png")
    troubles = problems(chat.page)
    chat.page.click("#start")
    chat.say("Where is my order?")
    chat.wait_for("Where is my order?")
    chat.page.set_input_files("#photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    chat.until("document.querySelectorAll('.one img').length === 1")
    chat.until("Object.keys(localStorage).some((k) => k.endsWith('.queue') && localStorage.getItem(k) === '[]')")
    send_due()
    fetch_due()
    chat.wait_for("DHL")
    chat.until(
        "[...document.images].some((image) => image.src.includes('/media/') && image.complete && image.naturalWidth)"
    )
    chat.page.screenshot(path=SCREENSHOTS / f"webchat-talk-{size}.png")
    troubles += problems(chat.page)
    chat.page.click("#more")
    chat.page.wait_for_selector("#ways a")
    chat.page.screenshot(path=SCREENSHOTS / f"webchat-more-{size}.png")
    troubles += problems(chat.page)
    assert troubles == []
    assert chat.errors == []
    assert {address.split("/")[2] for address in chat.asked if address.startswith("http")} == {
        live_server.url.split("/")[2]
    }
    assert chat.context.cookies() == []
    assert chat.page.get_attribute("#log", "role") == "log"
    chat.context.close()


def test_without_a_line_nothing_is_lost_and_nothing_is_said_twice(chromium, live_server, shop, media):
    chat = Page(chromium, live_server, shop)
    chat.page.click("#start")
    chat.say("one")
    chat.until(GONE)
    chat.context.set_offline(True)
    chat.say("two")
    chat.say("three")
    chat.until("document.getElementById('state').textContent.startsWith('No connection')")
    assert received() == ["one"]
    chat.context.set_offline(False)
    chat.until("document.getElementById('state').textContent === ''")
    chat.page.reload()
    for text in ("one", "two", "three"):  # shown at once, also what is still to be sent
        chat.wait_for(text)
    chat.until("[...document.querySelectorAll('.one.me .under')].every((one) => !one.textContent.includes('·'))")
    assert received() == ["one", "two", "three"]
    assert [text for text in chat.bubbles() if text in ("one", "two", "three")] == ["one", "two", "three"]
    assert chat.errors == []
    chat.context.close()


def test_an_answer_that_got_lost_on_the_way_is_not_said_twice(chromium, live_server, shop, media):
    """The server has it, and the page never hears so: it says it again under the same key."""
    chat = Page(chromium, live_server, shop)
    chat.page.click("#start")
    lost = []

    def lose_once(route):
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    chat.page.route("**/messages", lose_once)
    chat.say("Hello")
    chat.until(GONE)
    assert lost == [200]
    assert received() == ["Hello"]
    chat.context.close()


def test_a_persons_answer_appears_and_is_read(chromium, live_server, shop, media):
    chat = Page(chromium, live_server, shop)
    chat.page.click("#start")
    chat.say("Is anybody there?")
    chat.until(GONE)
    reply_as_person(conversation=Conversation.objects.get(), text="Yes, <b>hello</b>!", user_id="7", dedupe_key="a")
    send_due()
    chat.wait_for("Yes, <b>hello</b>!")
    chat.page.wait_for_timeout(100)
    assert Message.objects.get(author="person").status == "read"
    chat.page.keyboard.press("Tab")
    assert chat.errors == []
    chat.context.close()
