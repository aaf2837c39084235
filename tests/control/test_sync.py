"""A yes or no to offers is the same at Shopify and here; any unsubscribe wins; what we wrote does not come round."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from demo.shopify.consents import consents_of
from demo.shopify.shop import SCOPES
from demo.world import DemoWorld
from post_purchase.jobs.consents import sync_consent
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import ConsentEntry, ConsentSync, Contact, FlowEvent, ShopSettings
from post_purchase.services.consent import granted_purposes, record_consent, withdrawn_purposes
from post_purchase.services.consent_sync import NO_SCOPE, Decision, Ours, Theirs, allowed_now, decide
from post_purchase.services.privacy import Person, erase_person
from post_purchase.words import ChannelKind, Purpose
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop
from shopapp.shopify.install import install_or_refresh
from tests import factories
from tests.pages.visitor import Visitor
from tests.pretend_world import SHOP, shopify_world
from tests.shopify_door import deliver

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
YES, NO = Ours(True, NOON, False, False), Ours(False, NOON, False, False)
STOPPED, ECHO = Ours(False, NOON, False, True), Ours(True, NOON, True, False)


def test_who_wins():
    cases = {
        (None, "SUBSCRIBED", NOON, False): Decision.TAKE_YES,
        (None, "UNSUBSCRIBED", NOON, False): Decision.TAKE_NO,
        (None, "NOT_SUBSCRIBED", None, False): Decision.NOTHING,
        (YES, "UNSUBSCRIBED", EARLIER, False): Decision.TAKE_NO,  # older, and wins all the same
        (YES, "UNSUBSCRIBED", EARLIER, True): Decision.TELL_YES,  # known when they said yes again
        (YES, "UNSUBSCRIBED", LATER, True): Decision.NOTHING,
        (YES, "SUBSCRIBED", LATER, False): Decision.NOTHING,
        (YES, "NEVER_SUBSCRIBED", None, False): Decision.TELL_YES,
        (YES, "PENDING", None, False): Decision.NOTHING,
        (YES, "REDACTED", None, False): Decision.NOTHING,
        (NO, "SUBSCRIBED", EARLIER, False): Decision.TELL_NO,
        (NO, "SUBSCRIBED", NOON, False): Decision.TELL_NO,
        (NO, "SUBSCRIBED", LATER, False): Decision.TAKE_YES,
        (NO, "UNSUBSCRIBED", EARLIER, False): Decision.NOTHING,
        (NO, "PENDING", None, False): Decision.TELL_NO,
        (NO, "NOT_SUBSCRIBED", None, False): Decision.TELL_NO,
        (STOPPED, "SUBSCRIBED", LATER, False): Decision.NOTHING,
        (ECHO, "NOT_SUBSCRIBED", LATER, False): Decision.NOTHING,
    }
    found = {case: decide(case[0], Theirs(case[1], case[2], case[3])) for case in cases}
    assert found == cases


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


class Both:
    def __init__(self, world: DemoWorld) -> None:
        self.world = world
        self.shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
        ShopSettings.objects.create(shop=self.shop)
        placed = world.shopify.place_order(SHOP, tell=False)
        self.customer = placed["customer"]
        self.contact = factories.make_contact(self.shop, shopify_customer_id=self.customer["id"])
        self.point = factories.make_point(self.contact, ChannelKind.EMAIL, address=self.customer["email"].lower())

    def at_shopify(self, kind: str = "email") -> dict:
        return consents_of(self.world.state, SHOP, str(self.customer["id"]))[kind]

    def say_at_shopify(self, state: str, at: datetime) -> None:
        self.at_shopify().update(state=state, at=at.isoformat())
        payload = {"customer_id": self.customer["id"], "email_address": self.customer["email"]}
        deliver("customers_email_marketing_consent/update", payload)
        process_webhooks()

    def say_here(self, state: str, key: str, purpose: str = "marketing") -> None:
        record_consent(point=self.point, purpose=purpose, state=state, method="chat_button", dedupe_key=key)

    def writes(self) -> list[str]:
        return [name for _, name in self.world.shopify.graphql.calls if name.startswith("Set")]


@pytest.fixture
def both(at, settings, db) -> Iterator[Both]:
    with shopify_world(settings, scopes=f"{SCOPES},write_customers") as world:
        yield Both(world)


def test_a_yes_a_no_and_their_echoes(both: Both, at):
    both.say_here("granted", "1")
    sync_consent()
    assert both.at_shopify() == {"state": "SUBSCRIBED", "at": NOON.isoformat()}
    both.say_at_shopify("SUBSCRIBED", NOON)  # our own word comes back
    sync_consent()
    assert both.writes() == ["SetEmailConsent"]
    assert ConsentEntry.objects.count() == 1
    at.move(hours=1)
    both.say_at_shopify("UNSUBSCRIBED", EARLIER)  # it comes late, and counts
    sync_consent()
    assert withdrawn_purposes(both.point) == {Purpose.MARKETING}
    entry = ConsentEntry.objects.latest("pk")
    assert (entry.method, entry.proof["state"], entry.proof["customer"]) == (
        "shopify",
        "UNSUBSCRIBED",
        both.customer["id"],
    )
    assert FlowEvent.objects.filter(kind="opted_out").count() == 1
    both.say_at_shopify("UNSUBSCRIBED", EARLIER)
    sync_consent()
    assert both.writes() == ["SetEmailConsent"]
    at.move(hours=1)
    both.say_here("granted", "2")  # a new yes, after the no was known
    sync_consent()
    assert both.at_shopify()["state"] == "SUBSCRIBED"
    both.say_here("withdrawn", "3")
    at.move(minutes=1)
    sync_consent()
    assert both.at_shopify()["state"] == "UNSUBSCRIBED"
    both.say_here("granted", "4", purpose="utility")  # Shopify keeps offers only
    assert ConsentSync.objects.get().next_attempt_at is None
    assert granted_purposes(both.point) == {Purpose.UTILITY}


def test_without_the_scope_shopify_is_read_and_told_once_it_is_granted(both: Both):
    Shop.objects.update(scopes=SCOPES)
    both.world.state.part("shops")[SHOP]["scopes"] = SCOPES
    both.say_here("granted", "1")
    sync_consent()
    assert ConsentSync.objects.get().error == NO_SCOPE
    assert both.writes() == []
    both.say_at_shopify("UNSUBSCRIBED", EARLIER)
    sync_consent()
    assert withdrawn_purposes(both.point) == {Purpose.MARKETING}
    both.say_here("granted", "2")
    both.world.state.part("shops")[SHOP]["scopes"] = f"{SCOPES},write_customers"
    shop = Shop.objects.get()
    assert allowed_now(shop=shop) == 0
    shop.scopes = f"{SCOPES},write_customers"
    shop.save(update_fields=["scopes"])
    sync_consent()
    assert both.at_shopify()["state"] == "SUBSCRIBED"


def test_what_a_guest_decided_is_told_once_shopify_knows_them(both: Both):
    Contact.objects.filter(pk=both.contact.pk).update(shopify_customer_id=None)
    both.say_here("granted", "1")
    assert ConsentSync.objects.count() == 0
    placed = both.world.shopify.place_order(SHOP, tell=False)
    assert placed["customer"]["id"] == both.customer["id"]
    deliver("orders/create", placed)
    process_webhooks()
    sync_consent()
    assert both.at_shopify()["state"] == "SUBSCRIBED"


def test_the_merchant_allows_it_on_the_page_of_privacy_requests(both: Both):
    record = both.world.state.part("shops")[SHOP]
    Shop.objects.update(scopes=SCOPES)
    record["scopes"] = SCOPES
    both.say_here("granted", "1")
    sync_consent()
    owner = Visitor(SHOP)
    html = owner.get("/app/privacy").content.decode()
    assert 'data-scopes="write_customers"' in html
    assert "1 decision waits for that" in html
    refused = owner.post("/app/privacy/consents")
    assert (refused.status_code, "accept in Shopify's window" in refused.json()["message"]) == (422, True)
    record["scopes"] = f"{SCOPES},write_customers"
    assert owner.post("/app/privacy/consents").status_code == 200
    sync_consent()
    assert both.at_shopify()["state"] == "SUBSCRIBED"
    assert "data-scopes" not in owner.get("/app/privacy").content.decode()


def test_strangers_odd_news_and_erased_people_make_no_work(both: Both):
    for payload in ({"customer_id": 1}, {"id": 2}, {"customer_id": "x"}, {}, {"customer_id": None, "id": [3]}):
        for topic in ("customers_email_marketing_consent", "customers_marketing_consent"):
            deliver(f"{topic}/update", payload)
    process_webhooks()
    assert ConsentSync.objects.count() == 0
    assert IncomingWebhook.objects.exclude(error="").count() == 0
    both.point.address = "another@example.com"
    both.point.save(update_fields=["address"])
    both.say_here("granted", "1")
    sync_consent()  # another address's consent says nothing of this one
    assert both.writes() == []
    erase_person(Person(both.shop, customer_id=both.customer["id"]))
    assert ConsentSync.objects.count() == 0
