import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from post_purchase.flows.editing import install_library
from post_purchase.jobs.privacy import answer_privacy_requests
from post_purchase.models import (
    Attachment,
    ConsentEntry,
    Contact,
    ContactPoint,
    FlowEvent,
    FlowRun,
    FlowVersion,
    Message,
    Note,
    Order,
    OutgoingCall,
    Parcel,
    ParcelEvent,
    PrivacyRequest,
    RequestedAction,
    Review,
    ReviewPhoto,
)
from post_purchase.services import privacy, privacy_requests
from post_purchase.services.notes import write_note
from post_purchase.words import Direction
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop
from tests.factories import bind, make_contact, make_conversation, make_message, make_order, make_point, make_shop
from tests.shopify_door import deliver, payload

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(at) -> Shop:
    return make_shop(country="SE")


@pytest.fixture
def photo(shop: Shop, media: Path) -> Path:
    """Maria: an order, a chat from another contact that proved the order, a photo review."""
    deliver("orders/create", payload("order"))
    order = Order.objects.get()
    chatter = make_contact(shop)
    point = make_point(chatter, phone="+46701234567", profile_name="Maria L")
    bind(point, order)
    ConsentEntry.objects.create(
        shop=shop,
        contact=chatter,
        point=point,
        kind="whatsapp",
        purpose="utility",
        state="granted",
        method="chat_button",
        dedupe_key="c1",
        recorded_at=NOON,
    )
    conversation = make_conversation(chatter, last_text="It is lovely")
    inbound = make_message(
        conversation, "It is lovely", direction=Direction.IN, point=point, provider_id="wamid.46701234567"
    )
    make_message(conversation, "Where to?", point=point)
    file = media / "media" / "a1.jpg"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"jpeg")
    attachment = Attachment.objects.create(message=inbound, status="stored", file="a1.jpg")
    review = Review.objects.create(
        shop=shop,
        order=order,
        contact=chatter,
        rating=5,
        text="It is lovely",
        author_name="Maria L.",
        dedupe_key="r1",
        submitted_at=NOON,
    )
    ReviewPhoto.objects.create(review=review, attachment=attachment, added_at=NOON)
    return file


def test_an_export_holds_everything_and_is_stored_encrypted(photo: Path) -> None:
    deliver("customers/data_request", payload("data_request"))
    answer_privacy_requests()
    request = PrivacyRequest.objects.get()
    export = json.loads(request.export)
    assert [order["name"] for order in export["orders"]] == ["#1001"]
    assert {message["text"] for message in export["messages"]} == {"It is lovely", "Where to?"}
    assert [review["text"] for review in export["reviews"]] == ["It is lovely"]
    assert [entry["purpose"] for entry in export["consent"]] == ["utility"]
    assert "+46701234567" in {address["phone"] for address in export["addresses"]}
    assert (request.done_at, request.next_attempt_at) == (NOON, None)
    raw = PrivacyRequest.objects.raw("SELECT id, export AS stored FROM post_purchase_privacyrequest")[0].stored
    assert "lovely" not in raw


def test_erasure_reaches_every_corner_and_keeps_the_numbers(photo: Path, shop: Shop) -> None:
    other = make_contact(shop, first_name="Otto", last_name="Brandt")
    make_message(make_conversation(other), "Mine stays")
    networks_words = "By E-mail: WhatsApp cannot be used: +46701234567 is no number"
    Message.objects.filter(text="It is lovely").update(status="failed", reason=networks_words, detour=networks_words)
    deliver("customers/redact", payload("customer_redact"))
    answer_privacy_requests()
    everything = json.dumps(
        [list(model.objects.values()) for model in (Order, Contact, ContactPoint, Message, Review, ConsentEntry)],
        default=str,
    )
    for trace in ("aria", "Lang", "46701234567", "lovely", "111 22", "Where to", "k3y"):
        assert trace not in everything, trace
    assert not photo.exists()
    assert (Attachment.objects.count(), ReviewPhoto.objects.count()) == (0, 0)
    assert Review.objects.get().rating == 5
    assert (Message.objects.count(), Message.objects.get(text="Mine stays").status) == (3, "queued")
    assert Message.objects.filter(status="suppressed", reason="The shopper's data was erased").count() == 1
    order = Order.objects.get()
    assert (str(order.total), order.redacted_at) == ("402.50", NOON)
    assert Contact.objects.filter(redacted_at=NOON).count() == 2
    assert FlowEvent.objects.filter(kind="contact_redacted").count() == 2
    assert IncomingWebhook.objects.filter(topic="orders/create").count() == 0
    assert IncomingWebhook.objects.filter(topic="customers/redact").count() == 0
    assert PrivacyRequest.objects.get().export == ""


def test_what_another_person_asked_of_an_erased_order_goes_too(shop: Shop) -> None:
    order, friend = make_order(shop, make_contact(shop)), make_contact(shop)
    RequestedAction.objects.create(
        shop=shop,
        conversation=make_conversation(friend),
        order=order,
        kind="address",
        address='{"address1": "Seestrasse 1"}',
        dedupe_key="message:1",
        asked_at=clock.now(),
        next_attempt_at=clock.now(),
    )
    privacy.erase_person(privacy.Person(shop=shop, order_ids=(order.shopify_id,)))
    assert not RequestedAction.objects.exists()


def test_erasure_empties_what_flows_told_and_noted_and_what_waits_is_not_told(photo: Path, shop: Shop) -> None:
    order = Order.objects.get()
    chatter = Contact.objects.get(points__phone="+46701234567")
    Contact.objects.filter(pk=chatter.pk).update(fields={"size": "M, for Maria"}, tags=["likes Maria"])
    flow = install_library(shop)[0]
    version = FlowVersion.objects.create(flow=flow, number=1, document={}, published_at=NOON)
    run = FlowRun.objects.create(
        shop=shop, flow=flow, version=version, subject_key="o", order=order, contact=chatter, started_at=NOON
    )
    told = {"customer": "gid://shopify/Customer/1", "answers": {"words": "It is lovely"}}
    common = {"shop": shop, "kind": "webhook", "body": told, "created_at": NOON}
    mine = [
        OutgoingCall.objects.create(dedupe_key="1", contact=chatter, next_attempt_at=NOON, **common),
        OutgoingCall.objects.create(dedupe_key="2", run=run, status="done", **common),
    ]
    other = OutgoingCall.objects.create(dedupe_key="3", contact=make_contact(shop), next_attempt_at=NOON, **common)
    write_note(conversation=chatter.conversation, text="Maria Lang wants blue", dedupe_key="n")
    deliver("customers/data_request", payload("data_request"))
    answer_privacy_requests()
    export = json.loads(PrivacyRequest.objects.get().export)
    assert [note["text"] for note in export["notes"]] == ["Maria Lang wants blue"]
    deliver("customers/redact", payload("customer_redact"))
    answer_privacy_requests()
    for call in (*mine, other):
        call.refresh_from_db()
    assert [(call.body, call.status, call.next_attempt_at) for call in mine] == [
        ({}, "failed", None),
        ({}, "done", None),
    ]
    assert (other.body, other.status, other.next_attempt_at) == (told, "pending", NOON)
    assert Note.objects.get().text == ""
    chatter.refresh_from_db()
    assert (chatter.fields, chatter.tags) == ({}, [])


def test_an_erased_order_stays_erased_when_shopify_speaks_of_it_again(photo: Path) -> None:
    deliver("customers/redact", payload("customer_redact"))
    answer_privacy_requests()
    deliver("orders/updated", payload("order", updated_at="2026-11-20T12:30:00+01:00"))
    order = Order.objects.get()
    assert (order.email, order.phone, order.status_url, order.shipping_zip) == ("", "", "", "")
    assert (order.confirmation_number, order.checkout_token_hash) == ("", "")
    deliver("fulfillments/update", payload("fulfillment", updated_at="2026-11-20T12:40:00+01:00"))
    deliver("fulfillment_events/create", payload("fulfillment_event"))
    assert set(Parcel.objects.values_list("tracking_number", "tracking_url")) == {("", "")}
    assert set(ParcelEvent.objects.values_list("city", "message")) == {("", "")}


def test_erasure_finds_an_address_however_it_was_written_and_earlier_exports(photo: Path) -> None:
    IncomingWebhook.objects.create(
        source="email",
        account="postmark",
        event_id="m1",
        body=b"From: MARIA@example.COM",
        received_at=NOON,
        done_at=NOON,
    )
    deliver("customers/data_request", payload("data_request"))
    answer_privacy_requests()
    deliver("customers/redact", payload("customer_redact"))
    answer_privacy_requests()
    assert not IncomingWebhook.objects.filter(source="email").exists()
    assert set(PrivacyRequest.objects.values_list("export", flat=True)) == {""}


def test_a_duty_that_fails_holds_up_no_other_and_comes_again(photo: Path, monkeypatch, at) -> None:
    deliver("customers/data_request", payload("data_request"))
    deliver("customers/redact", payload("customer_redact"))

    def broken(person: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(privacy_requests, "export_person", broken)
    answer_privacy_requests()
    failed, done = PrivacyRequest.objects.order_by("pk")
    assert (failed.outcome, failed.done_at) == ("Not done yet (KeyError); tried 1 times, next in an hour", None)
    assert done.done_at == NOON
    monkeypatch.undo()
    at.move(minutes=61)
    answer_privacy_requests()
    assert PrivacyRequest.objects.filter(done_at=None).count() == 0


def test_the_same_duty_twice_is_done_once(photo: Path) -> None:
    for _ in range(2):
        deliver("customers/redact", payload("customer_redact"), event_id="once")
        answer_privacy_requests()
    assert PrivacyRequest.objects.count() == 1


def test_a_shop_that_is_gone_is_deleted_two_days_later(photo: Path, shop: Shop, at) -> None:
    deliver("app/uninstalled", payload("shop"), at=NOON)
    at.move(hours=48)
    deliver("shop/redact", payload("shop_redact"), at=NOON + timedelta(hours=48))
    answer_privacy_requests()
    assert not photo.exists()
    assert (Shop.objects.count(), Order.objects.count(), Contact.objects.count(), Message.objects.count()) == (0,) * 4
    assert set(IncomingWebhook.objects.values_list("topic", flat=True)) == {"shop/redact"}
    assert PrivacyRequest.objects.get().outcome == "Erased: the shop with everything stored about it"


def test_a_shop_that_came_back_is_not_wiped(photo: Path, shop: Shop, at) -> None:
    deliver("app/uninstalled", payload("shop"), at=NOON)
    at.move(hours=47)
    Shop.objects.update(status="installed", installed_at=clock.now(), uninstalled_at=None)
    at.move(hours=1)
    deliver("shop/redact", payload("shop_redact"), at=NOON + timedelta(hours=48))
    answer_privacy_requests()
    assert (Shop.objects.count(), Order.objects.count()) == (1, 1)
    assert PrivacyRequest.objects.get().outcome.startswith("Kept: the shop has the app")


def test_duties_for_a_shop_that_was_never_here_are_recorded() -> None:
    row = deliver("shop/redact", payload("shop_redact"), shop="stranger.myshopify.com")
    answer_privacy_requests()
    assert row.done_at is not None
    request = PrivacyRequest.objects.get()
    assert (request.shop, request.outcome) == (None, "Nothing is stored about this shop")
