"""SIGKILL all over the exchange of consent with Shopify: both sides end with the same word, our ledger has it once."""

from datetime import UTC, datetime

import pytest

from demo.shopify.consents import consents_of
from demo.shopify.shop import SCOPES
from post_purchase.jobs.consents import sync_consent
from post_purchase.models import ConsentEntry, ConsentSync, FlowEvent, ShopSettings
from post_purchase.services.consent import record_consent, withdrawn_purposes
from post_purchase.services.consent_due import customer_changed
from post_purchase.words import ChannelKind, Purpose
from shopapp.lib import clock
from shopapp.shopify.install import install_or_refresh
from tests import factories
from tests.kill.harness import in_child
from tests.pretend_world import SHOP, shopify_world

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 6  # kills spread over the lines of one exchange


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_killed_anywhere_between_a_word_and_its_copy(settings, side):
    with clock.frozen(NOON) as at, shopify_world(settings, scopes=f"{SCOPES},write_customers") as world:
        shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
        ShopSettings.objects.create(shop=shop)
        lines = 0
        for number in range(POINTS + 1):
            at.move(minutes=5)
            address = f"{number}@example.test"
            customer = world.shopify.place_order(SHOP, tell=False, email=address)["customer"]
            there = consents_of(world.state, SHOP, str(customer["id"]))["email"]
            contact = factories.make_contact(shop, shopify_customer_id=customer["id"])
            point = factories.make_point(contact, ChannelKind.EMAIL, address=address)
            if side == "ours":
                there.update(state="NOT_SUBSCRIBED", at=None)
                record_consent(
                    point=point, purpose=Purpose.MARKETING, state="granted", method="chat", dedupe_key=str(number)
                )
            else:
                there.update(state="UNSUBSCRIBED", at=clock.now().isoformat())
                customer_changed(shop=shop, customer_id=customer["id"])
            if number:
                killed, _ = in_child(sync_consent, kill_at=max(1, lines * number // (POINTS + 1)))
                assert killed, number
                at.move(minutes=3)  # the lease of the dead is over
                in_child(sync_consent)
            else:
                _, lines = in_child(sync_consent)
            row = ConsentSync.objects.get(customer_id=customer["id"])
            assert (row.next_attempt_at, row.error) == (None, "")
            entries = ConsentEntry.objects.filter(point=point, purpose=Purpose.MARKETING)
            if side == "ours":
                assert consents_of(world.state, SHOP, str(customer["id"]))["email"]["state"] == "SUBSCRIBED"
                assert entries.count() == 1
            else:
                assert withdrawn_purposes(point) == {Purpose.MARKETING}
                assert [entry.method for entry in entries] == ["shopify"]
                assert FlowEvent.objects.filter(contact=contact, kind="opted_out").count() == 1
