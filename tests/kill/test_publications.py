"""SIGKILL at lines all over the publishing code, then another worker: the page shows what the rows say."""

from datetime import UTC, datetime

import pytest

from demo.shopify.metafields import metafield
from demo.shopify.orders import PRODUCTS
from demo.shopify.shop import SCOPES
from post_purchase.jobs.publications import publish_metafields
from post_purchase.models import Publication, Review, ShopSettings
from post_purchase.services import reviews
from shopapp.lib import clock
from shopapp.shopify.install import install_or_refresh
from tests import factories
from tests.kill.harness import in_child
from tests.pretend_world import SHOP, shopify_world
from tests.talk.rows import make_run

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POINTS = 10  # kills spread over the lines of one publishing
PRODUCT = int(PRODUCTS[0]["id"])


def test_a_killed_publisher_leaves_nothing_undone(settings):
    with clock.frozen(NOON) as at, shopify_world(settings, scopes=f"{SCOPES},write_products") as world:
        shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
        ShopSettings.objects.create(shop=shop)
        order = factories.make_order(shop, factories.make_contact(shop))
        run = make_run(order, order.contact)

        def give(number: int) -> Review:
            return reviews.save_review(
                run=run,
                order=order,
                contact=order.contact,
                rating=1 + number % 5,
                text=f"Words {number}",
                product_id=PRODUCT,
                language="en",
                channel_kind="whatsapp",
                incentivised=False,
                disclosure="",
                dedupe_key=f"review:{number}",
            )

        def shown() -> list[str]:
            page = metafield(world.state, SHOP, f"gid://shopify/Product/{PRODUCT}", "$app", "reviews")
            return [each["text"] for each in page["reviews"]] if page else []

        give(0)
        _, lines = in_child(publish_metafields)
        assert shown() == ["Words 0"]
        for number in range(1, POINTS + 1):
            at.move(minutes=5)
            last = give(number)
            killed, _ = in_child(publish_metafields, kill_at=max(1, lines * number // (POINTS + 1)))
            assert killed, number
            at.move(minutes=3)  # the lease of the dead is over
            in_child(publish_metafields)
            assert shown() == [f"Words {each}" for each in range(number, -1, -1)]
            assert not Publication.objects.filter(next_attempt_at__isnull=False).exists()
        reviews.hide_review(review=last, reason="It names a private person")
        in_child(publish_metafields, kill_at=lines // 2)
        at.move(minutes=3)
        in_child(publish_metafields)
        assert shown() == [f"Words {each}" for each in range(POINTS - 1, -1, -1)]
