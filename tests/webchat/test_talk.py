"""A shopper chats in the browser: bound by a first use, answered through the outbox, seen by nobody else."""

import secrets
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from post_purchase.channels.base import Button, OutMessage
from post_purchase.jobs.clean_up import clean_up
from post_purchase.models import (
    ConsentEntry,
    ContactPoint,
    Conversation,
    DeliveryAttempt,
    Link,
    Message,
    OrderBinding,
    WebPhoto,
)
from post_purchase.services import web_chat
from post_purchase.services.bindings import bind_order_address
from post_purchase.services.conversations import reply_as_person
from post_purchase.services.delivery import claim_due, deliver, send_due
from post_purchase.services.exports import export_person
from post_purchase.services.media import fetch_due
from post_purchase.services.messages import queue_message
from post_purchase.services.privacy import Person, erase_person
from post_purchase.words import Author, ChannelKind, MessageStatus, Mode, ParcelState, Purpose
from shopapp.lib import clock, queue
from shopapp.models import ShopStatus
from tests import factories
from tests.talk.test_photo_safety import picture

pytestmark = pytest.mark.django_db


def test_the_first_browser_is_bound_to_the_order_and_answered_at_once(chat):
    factories.make_parcel(chat.order, ParcelState.OUT_FOR_DELIVERY)
    maria = chat.browser()
    assert maria.start().status_code == 200
    assert OrderBinding.objects.get().point == maria.point
    assert maria.say("Where is my order?").status_code == 200
    told = maria.texts()
    assert [who for who, _ in told] == ["auto", "me", "auto"]
    assert chat.order.name in told[0][1]
    assert told[1] == ("me", "Where is my order?")
    assert "DHL" in told[2][1]


def test_a_second_person_with_the_same_code_learns_nothing(chat):
    factories.make_parcel(chat.order, ParcelState.OUT_FOR_DELIVERY)
    maria, otto = chat.browser(), chat.browser()
    maria.start()
    maria.say("my secret")
    otto.start()
    otto.say("Where is my order?")
    told = str(otto.look())
    assert chat.order.name not in told
    assert "DHL" not in told
    assert "my secret" not in told
    assert OrderBinding.objects.count() == 1


def test_starting_and_sending_again_changes_nothing(chat):
    maria = chat.browser()
    for _ in range(3):
        assert maria.start().status_code == 200
        assert maria.say("Hello", key="0123456789abcdef").status_code == 200
    assert maria.received() == ["Hello"]
    assert Conversation.objects.count() == 1
    assert ContactPoint.objects.filter(kind=ChannelKind.WEBCHAT).count() == 1


def test_starting_is_consent_to_answers_and_news_and_to_nothing_else(chat):
    maria = chat.browser()
    maria.start()
    given = ConsentEntry.objects.filter(point=maria.point, state="granted").values_list("purpose", flat=True)
    assert set(given) == {Purpose.SERVICE, Purpose.UTILITY}


def test_stop_ends_it(chat):
    maria = chat.browser()
    maria.start()
    maria.say("STOP")
    withdrawn = ConsentEntry.objects.filter(point=maria.point, state="withdrawn").values_list("purpose", flat=True)
    assert Purpose.UTILITY in set(withdrawn)


def test_what_is_fetched_is_delivered_and_what_is_looked_at_is_read(chat):
    maria = chat.browser()
    maria.start()
    send_due()
    message = Message.objects.get(direction="out")
    assert message.status == MessageStatus.SENT
    maria.look(read=False)
    message.refresh_from_db()
    assert (message.status, message.read_at) == (MessageStatus.DELIVERED, None)
    maria.look(read=True)
    message.refresh_from_db()
    assert (message.status, message.read_at) == (MessageStatus.READ, clock.now())
    assert maria.look(all_again=False) is None


def test_what_only_waits_is_not_shown_yet(chat):
    maria = chat.browser()
    maria.start()
    maria.look()
    reply_as_person(conversation=Conversation.objects.get(), text="Soon", user_id="7", dedupe_key="a")
    queued = maria.ask("feed", {})
    assert "Soon" not in str(queued.json())
    assert ("team", "Soon") in maria.texts()


def test_a_sender_that_was_killed_is_settled_by_the_next_look(chat):
    maria = chat.browser()
    maria.start()
    deliver(claim_due())  # attempts are committed, and then the process dies
    message = Message.objects.get(direction="out")
    assert message.status == MessageStatus.SENDING
    assert DeliveryAttempt.objects.get().finished_at is None
    reply = maria.ask("feed", {"read": "yes"})
    assert len(reply.json()["messages"]) == 1
    message.refresh_from_db()
    assert (message.status, message.next_attempt_at) == (MessageStatus.READ, None)


def test_a_button_is_tapped_once_by_its_own_words(chat):
    maria = chat.browser()
    maria.start()
    queue_message(
        conversation=Conversation.objects.get(),
        content=OutMessage(text="Happy?", buttons=[Button(id="run:1:yes", title="Yes, very")]),
        purpose=Purpose.UTILITY,
        author=Author.FLOW,
        order=chat.order,
        dedupe_key="ask",
    )
    assert maria.look()[-1]["buttons"] == [{"id": "run:1:yes", "title": "Yes, very"}]
    assert maria.say("something else", button="run:1:yes").status_code == 200
    tapped = Message.objects.filter(direction="in").latest("pk")
    assert (tapped.text, tapped.content["button_id"]) == ("Yes, very", "run:1:yes")
    assert maria.say("x", button="run:1:no").status_code == 400


def test_a_photo_is_made_safe_and_shown_and_its_raw_bytes_go(chat):
    maria = chat.browser()
    maria.start()
    headers = {"x-message-key": "photo-key-1"}
    for _ in range(2):
        assert maria.ask("photos", picture(), **headers).status_code == 200
    assert WebPhoto.objects.count() == 1
    assert [photo["state"] for photo in maria.look()[-1]["photos"]] == ["waiting"]
    fetch_due()
    shown = maria.look()[-1]["photos"]
    assert [photo["state"] for photo in shown] == ["stored"]
    assert maria.client.get(shown[0]["small"])["Content-Type"] == "image/jpeg"
    chat.at.move(days=2)
    clean_up()
    assert not WebPhoto.objects.exists()


def test_what_is_no_photo_is_refused_kindly(chat):
    maria = chat.browser()
    maria.start()
    assert maria.ask("photos", b"<script>alert(1)</script>" * 50, **{"x-message-key": "photo-key-1"}).status_code == 200
    fetch_due()
    told = maria.look()
    assert [photo["state"] for each in told for photo in each["photos"]] == ["refused"]
    assert told[-1]["from"] == "auto"


@pytest.mark.parametrize(
    ("path", "body"),
    [("messages", b"x" * 30_000), ("photos", b"x" * (web_chat.MAX_PHOTO + 1)), ("feed", b"x" * 30_000)],
)
def test_too_much_is_refused(chat, path, body):
    maria = chat.browser()
    maria.start()
    assert maria.ask(path, body, **{"x-message-key": "photo-key-1"}).status_code == 413
    assert maria.received() == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"text": 5, "key": []}', b'{"text": "  ", "key": "0123456789"}', b"\xff\xfe"]
)
def test_odd_messages_are_refused_and_nothing_is_stored(chat, body):
    maria = chat.browser()
    maria.start()
    assert maria.ask("messages", body, type="application/json").status_code == 400
    assert maria.received() == []


def test_a_nul_and_half_a_surrogate_do_no_harm(chat):
    maria = chat.browser()
    maria.start()
    assert (
        maria.ask(
            "messages", b'{"key": "0123456789", "text": "a\\u0000b\\ud800c"}', type="application/json"
        ).status_code
        == 200
    )
    assert maria.received() == ["abc"]


@pytest.mark.parametrize("token", ["", "short", "x" * 43 + "x", "'; DROP TABLE", "A" * 43])
def test_nobody_reads_without_the_token(chat, token):
    maria = chat.browser()
    maria.start()
    maria.say("my secret")
    for path in ("feed", "messages", "photos", "continue"):
        reply = maria.ask(path, {"key": "0123456789", "text": "x"}, token=token)
        assert reply.status_code == 401
        assert "secret" not in reply.content.decode()


def test_the_token_is_stored_nowhere(chat):
    maria = chat.browser()
    maria.start()
    maria.say("Hello")
    for model in (ContactPoint, Message, Link):
        assert maria.token not in str(list(model.objects.values()))


def test_a_token_of_one_shop_opens_nothing_in_another(chat):
    rival = factories.make_shop("rival.myshopify.com")
    room = factories.make_channel(rival, ChannelKind.WEBCHAT)
    maria = chat.browser()
    maria.start()
    maria.room = room.pk
    assert maria.ask("feed", {}).status_code == 401
    assert maria.start().status_code == 404  # the code is the first shop's


def test_rooms_that_are_no_rooms(chat):
    maria = chat.browser()
    maria.start()
    other = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    for room in (other.pk, 10**9):
        maria.room = room
        assert maria.ask("feed", {}).status_code == 404
    maria.room = chat.channel.pk
    assert maria.client.get(f"/api/chat/{maria.room}/feed").status_code == 405
    type(chat.shop).objects.update(status=ShopStatus.UNINSTALLED)
    assert maria.ask("feed", {}).status_code == 404


def test_a_wrong_or_expired_code_starts_nothing(chat):
    otto = chat.browser("AB3KQ9ZT7MXW2HHC")
    assert otto.start().status_code == 404
    Link.objects.update(expires_at=clock.now() - timedelta(days=1))
    assert chat.browser().start().status_code == 410
    assert not ContactPoint.objects.filter(kind=ChannelKind.WEBCHAT).exists()


@pytest.fixture
def in_one_minute(monkeypatch):
    """No minute begins in the middle: limits count by the clock on the wall."""
    now = time.time()
    monkeypatch.setattr("shopapp.lib.queue.time", SimpleNamespace(time=lambda: now, sleep=time.sleep))


def test_a_flood_is_slowed_down(chat, in_one_minute):
    maria = chat.browser()
    maria.start()
    replies = [maria.say(f"message {number}").status_code for number in range(32)]
    assert replies[:30] == [200] * 30
    assert replies[30:] == [429, 429]


def test_one_visitor_cannot_start_without_end(chat, in_one_minute):
    replies = [chat.browser().start().status_code for _ in range(32)]
    assert replies.count(429) == 2
    assert replies[-1] == 429


def test_who_has_left_for_a_day_is_reached_another_way(chat):
    maria = chat.browser()
    maria.start()
    driver = web_chat.driver_for(ChannelKind.WEBCHAT)
    ask = {"point": maria.point, "channel": chat.channel}
    assert driver.capability(purpose=Purpose.UTILITY, now=clock.now(), **ask).mode == Mode.FREE
    later = clock.now() + timedelta(hours=25)
    news = driver.capability(purpose=Purpose.UTILITY, now=later, **ask)
    assert (news.mode, "25 hours" in news.reason) == (Mode.NONE, True)
    assert driver.capability(purpose=Purpose.SERVICE, now=later, **ask).mode == Mode.FREE


def test_going_on_in_whatsapp_takes_the_talk_along(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    maria = chat.browser()
    maria.start()
    maria.say("Here first")
    ways = maria.ask("continue", {}).json()["ways"]
    assert [way["kind"] for way in ways] == ["whatsapp"]
    code = ways[0]["url"].split("/c/")[1].split("?")[0]
    tapped = maria.client.get(f"/c/{code}?via=whatsapp")
    assert tapped.status_code == 302
    assert tapped["Location"].startswith("https://wa.me/")
    hear(whatsapp, f"Hi! My code is {code}", "DE.1")
    there = ContactPoint.objects.get(kind=ChannelKind.WHATSAPP)
    assert there.contact == maria.point.contact
    assert {binding.order for binding in there.bindings.all()} == {chat.order}
    assert Conversation.objects.count() == 1
    hear(whatsapp, f"Hi! My code is {code}", "DE.2")  # forwarded: the second learns nothing
    second = ContactPoint.objects.get(address="DE.2")
    assert second.contact != there.contact
    assert not second.bindings.exists()


def way_on(browser) -> str:
    return browser.ask("continue", {}).json()["ways"][0]["url"].split("/c/")[1].split("?")[0]


def answers_to(address: str) -> list[str]:
    sent = Message.objects.filter(point__address=address, direction="out").order_by("pk")
    return list(sent.values_list("text", flat=True))


def test_who_goes_on_is_told_once_that_we_know_what_was_said(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    type(chat.order).objects.update(language="de")
    maria = chat.browser()
    maria.start()
    code = way_on(maria)
    for _ in range(2):
        hear(whatsapp, f"Hi! My code is {code}", "DE.1")
    assert answers_to("DE.1") == ["Hier geht es weiter. Was Sie vorher geschrieben haben, liegt uns vor."]


def test_the_same_code_by_mail_from_the_orders_own_address_goes_on_too(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    email = factories.make_channel(chat.shop, ChannelKind.EMAIL)
    bind_order_address(order=chat.order)
    maria = chat.browser()
    maria.start()
    code = way_on(maria)
    hear(whatsapp, f"Hi! My code is {code}", "DE.1")
    hear(email, f"Hello! My code is {code}", "maria@example.com")
    assert answers_to("maria@example.com") == ["We go on here. We have all that you wrote before."]
    hear(email, f"Hello! My code is {code}", "somebody@example.com")
    assert answers_to("somebody@example.com")[0].startswith("This code has been used already.")
    assert not ContactPoint.objects.get(address="somebody@example.com").bindings.exists()


def test_a_used_code_from_the_orders_own_address_is_no_trouble(chat):
    email = factories.make_channel(chat.shop, ChannelKind.EMAIL)
    bind_order_address(order=chat.order)
    chat.browser().start()
    hear(email, f"Hello! My code is {chat.code}", "maria@example.com")
    assert "used already" not in str(answers_to("maria@example.com"))
    assert chat.order.name in answers_to("maria@example.com")[0]


def test_going_on_while_a_person_looks_after_them_is_answered(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    maria = chat.browser()
    maria.start()
    maria.say("I want to talk to a person")
    assert Conversation.objects.get().handed_off_at is not None
    hear(whatsapp, f"Hi! My code is {way_on(maria)}", "DE.1")
    told = "We go on here. A person of our team has all that you wrote before and will answer you here."
    assert answers_to("DE.1") == [told]


def test_a_talk_without_an_order_goes_on_as_well(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    from post_purchase.services import links
    from post_purchase.words import TouchpointKind

    card = links.shop_link(touchpoint=links.touchpoint_of(shop=chat.shop, kind=TouchpointKind.PACKAGE_INSERT))[1]
    otto = chat.browser(card)
    otto.start()
    code = otto.ask("continue", {}).json()["ways"][0]["url"].split("/c/")[1].split("?")[0]
    hear(whatsapp, code, "DE.7")
    there = ContactPoint.objects.get(address="DE.7")
    assert there.contact == otto.point.contact
    assert not there.bindings.exists()
    assert otto.texts() == [("auto", Message.objects.filter(point=otto.point, direction="out").get().text)]


def test_the_way_on_is_good_for_a_day_only(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    maria = chat.browser()
    maria.start()
    code = maria.ask("continue", {}).json()["ways"][0]["url"].split("/c/")[1].split("?")[0]
    chat.at.move(hours=25)
    hear(whatsapp, f"Hi! My code is {code}", "DE.1")
    assert ContactPoint.objects.get(address="DE.1").contact != maria.point.contact


def test_other_apps_of_the_same_person_are_not_shown_here(chat):
    whatsapp = factories.make_channel(chat.shop, ChannelKind.WHATSAPP)
    maria = chat.browser()
    maria.start()
    code = maria.ask("continue", {}).json()["ways"][0]["url"].split("/c/")[1].split("?")[0]
    hear(whatsapp, f"Hi! My code is {code}", "DE.1")
    hear(whatsapp, "only on my phone", "DE.1")
    assert "only on my phone" not in str(maria.look())


def test_export_and_erasure_cover_it(chat):
    maria = chat.browser()
    maria.start()
    maria.say("my secret")
    maria.ask("photos", picture(), **{"x-message-key": "photo-key-1"})
    person = Person(shop=chat.shop, order_ids=(chat.order.shopify_id,))
    exported = export_person(person)
    assert "my secret" in str(exported["messages"])
    assert {row["kind"] for row in exported["addresses"]} >= {"webchat"}
    erase_person(person)
    assert maria.ask("feed", {}).status_code == 401
    assert not WebPhoto.objects.exists()
    assert "my secret" not in str(list(Message.objects.values()))


def test_a_chat_that_was_not_used_for_half_a_year_is_forgotten(chat):
    maria = chat.browser()
    maria.start()
    chat.at.move(days=181)
    assert maria.ask("feed", {}).status_code == 401


def test_redis_away_loses_nothing(chat, monkeypatch):
    maria = chat.browser()

    def away():
        raise queue.RedisError("gone")

    monkeypatch.setattr(queue, "redis", away)
    assert maria.start().status_code == 200
    assert maria.say("Hello").status_code == 200
    assert [who for who, _ in maria.texts()][:2] == ["auto", "me"]


def hear(channel, text, sender):
    from post_purchase.channels.base import Inbound
    from post_purchase.services.conversations import receive

    receive(
        channel=channel,
        inbound=Inbound(
            account_id=channel.account_id,
            provider_id=f"wamid.{secrets.token_hex(4)}",
            address=sender,
            happened_at=clock.now(),
            text=text,
        ),
    )
