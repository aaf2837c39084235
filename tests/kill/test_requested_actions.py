"""SIGKILL all over the carrying out of a return: Shopify has it once, the shopper hears it once."""

from datetime import UTC, datetime

import pytest

from demo.shopify.shop import SCOPES
from post_purchase.jobs.requested_actions import carry_out_actions
from post_purchase.models import ActionState, Message, RequestedAction, ShopSettings
from post_purchase.services.orders import fetch_order
from shopapp.lib import clock
from shopapp.shopify.install import install_or_refresh
from tests import factories
from tests.kill.harness import in_child
from tests.pretend_world import SHOP, shopify_world

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 5  # kills spread over the lines of one carrying out


def test_a_killed_worker_asks_for_no_second_return(settings):
    with clock.frozen(NOON) as at, shopify_world(settings, scopes=f"{SCOPES},write_orders,write_returns") as world:
        shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
        ShopSettings.objects.create(shop=shop)
        lines = 0
        for number in range(POINTS + 1):
            at.move(minutes=5)
            told = world.shopify.place_order(SHOP, tell=False)
            world.shopify.ship(SHOP, told["id"], tell=False)
            order = fetch_order(shop=shop, shopify_id=told["id"])
            contact = factories.make_contact(shop)
            point = factories.make_point(contact, address=f"49176000000{number}")
            action = RequestedAction.objects.create(
                shop=shop,
                conversation=factories.make_conversation(contact),
                order=order,
                point=point,
                kind="return",
                state=ActionState.CONFIRMED,
                language="en",
                lines=[line.shopify_id for line in order.lines.all()],
                dedupe_key=f"message:{number}",
                asked_at=clock.now(),
                confirmed_at=clock.now(),
                next_attempt_at=clock.now(),
            )
            if number:
                killed, _ = in_child(carry_out_actions, kill_at=max(1, lines * number // (POINTS + 1)))
                assert killed, number
                at.move(minutes=3)  # the lease of the dead is over
                in_child(carry_out_actions)
            else:
                _, lines = in_child(carry_out_actions)
            action.refresh_from_db()
            assert (action.state, len(world.shopify.order(SHOP, told["id"])["returns"])) == ("done", 1)
            assert Message.objects.filter(dedupe_key=f"action:{action.pk}:done_return").count() == 1
