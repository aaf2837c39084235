"""A product that a person shows: a card with a link into the cart, and a code that Shopify has made before it goes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from post_purchase.jobs.rewards import issue_rewards
from post_purchase.models import Conversation, Draft, FlowEvent, Member, Message, Product, Reward, ShopSettings
from post_purchase.services import product_cards, rewards
from post_purchase.services.delivery import claim_due
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.shopify.admin_api import AdminApiError
from tests import factories

PICTURE = "https://cdn.shopify.com/s/files/mug.png"
GID = "gid://shopify/DiscountCodeNode/1"


@pytest.fixture
def shopify(monkeypatch):
    """What Shopify was asked to make, and what it says next."""

    class Shopify:
        made: list[dict] = []
        trouble: AdminApiError | None = None
        answers: list[str] = []

        def create(self, api, reward, *, minimum):
            if self.trouble:
                raise self.trouble
            self.made.append(rewards.discount_input(reward, minimum=minimum))
            return self.answers.pop(0) if self.answers else GID

    shopify = Shopify()
    shopify.made = []
    monkeypatch.setattr(rewards, "_create", shopify.create)
    return shopify


@pytest.fixture
def mug(shop):
    return Product.objects.create(
        shop=shop, shopify_id=7, title="Stoneware mug", price=Decimal("24.00"), variant_ids=[20], image_url=PICTURE,
        shopify_updated_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def row(shop):
    Member.objects.create(shop=shop, user_id="42", name="Ana", role="owner", joined_at=clock.now())
    factories.make_channel(shop)
    contact = factories.make_contact(shop, language="de")
    factories.make_point(contact, last_inbound_at=clock.now() - timedelta(hours=1))
    order = factories.make_order(shop, contact, name="#1001", language="de")
    return factories.make_conversation(contact, order=order, state="team", last_message_at=clock.now())


def show(owner, row, mug, text="", **form):
    point = row.contact.points.get().pk
    asked = {"text": text, "point": point, "key": new_code(), "product": mug.pk} | form
    return owner.post(f"/app/conversations/{row.pk}/reply", asked)


def test_a_card_has_picture_price_and_a_button_into_the_cart(owner, row, mug):
    assert show(owner, row, mug, "Die passt dazu:").status_code == 200
    content = Message.objects.get().content
    assert content["text"] == "Die passt dazu:\n\nStoneware mug · 24,00\xa0€"
    assert content["image_path"] == PICTURE
    assert content["url_button"] == {
        "title": "In den Warenkorb",
        "url": "https://fern-and-field.myshopify.com/cart/20:1",
    }
    html = owner.get(f"/app/conversations/{row.pk}/live").content.decode()
    assert [part in html for part in (f'src="{PICTURE}"', "Stoneware mug", "In den Warenkorb")] == [True] * 3


def test_the_card_alone_is_an_answer_and_nothing_at_all_is_none(owner, row, mug):
    assert show(owner, row, mug).status_code == 200
    assert Message.objects.get().text == "Stoneware mug · 24,00\xa0€"
    response = show(owner, row, mug, product="")
    assert (response.status_code, list(response.json()["errors"])) == (422, ["text"])
    assert list(show(owner, row, mug, "x" * 501).json()["errors"]) == ["text"]


def test_a_code_is_made_once_and_the_card_goes_when_it_is_there(owner, row, mug, at, shopify):
    key = new_code()
    for _ in range(2):
        assert show(owner, row, mug, "Für Sie", key=key, percentage="10", days="7").status_code == 200
    message, reward = Message.objects.get(), Reward.objects.get()
    assert (message.status, message.next_attempt_at, reward.status) == ("held", None, "pending")
    at.move(seconds=6)
    assert claim_due() == []
    issue_rewards()
    issue_rewards()
    message.refresh_from_db()
    reward.refresh_from_db()
    assert (message.status, message.reason, reward.status, len(shopify.made)) == ("queued", "", "issued", 1)
    made = shopify.made[0]
    assert (made["usageLimit"], made["customerGets"]["value"]) == (1, {"percentage": 0.1})
    assert (made["endsAt"], made["title"][:20]) == ("2026-12-01T22:59:59Z", "A code from your tea")
    assert f"10 % weniger mit dem Code {reward.code}, einmal, bis Di., 1. Dezember." in message.text
    assert message.content["url_button"]["url"].endswith(f"/cart/20:1?discount={reward.code}")
    assert [claim.message_id for claim in claim_due()] == [message.pk]
    assert FlowEvent.objects.filter(kind__startswith="reward").count() == 0


def test_a_code_that_somebody_has_already_becomes_another_in_the_card_too(owner, row, mug, at, shopify):
    shopify.answers = ["", GID]
    show(owner, row, mug, percentage="5", days="3")
    first = Reward.objects.get().code
    at.move(seconds=6)
    issue_rewards()
    message, reward = Message.objects.get(), Reward.objects.get()
    assert reward.code != first
    assert reward.code.startswith("FORYOU-")
    assert (first in message.text, reward.code in message.text) == (False, True)
    assert message.content["text"] == message.text
    assert message.content["url_button"]["url"].endswith(f"?discount={reward.code}")


def test_without_its_code_the_card_does_not_go_and_the_team_is_told(owner, row, mug, at, shopify):
    shopify.trouble = AdminApiError("Shopify is shut", retryable=False)
    show(owner, row, mug, percentage="10", days="7")
    row.refresh_from_db()
    assert row.state == "shopper"
    at.move(seconds=6)
    issue_rewards()
    message = Message.objects.get()
    assert (message.status, message.reason) == (
        "suppressed",
        "The discount code could not be made. Shopify is shut",
    )
    assert Conversation.objects.get().state == "team"
    assert claim_due() == []


def test_a_card_that_is_taken_back_makes_no_code(owner, row, mug, at, shopify):
    show(owner, row, mug, "Für Sie", percentage="10", days="7")
    message = Message.objects.get()
    assert owner.post(f"/app/conversations/{row.pk}/take-back/{message.pk}").status_code == 200
    assert Draft.objects.get().text == "Für Sie"
    at.move(seconds=6)
    issue_rewards()
    assert (shopify.made, Reward.objects.get().status) == ([], "failed")
    message.refresh_from_db()
    assert (message.status, message.reason) == ("suppressed", "Taken back before it was sent")


def test_the_merchants_limits_hold(owner, row, mug, shop):
    for percentage, days in (("11", "7"), ("-1", "7"), ("10", "61"), ("10", "-1")):
        response = show(owner, row, mug, percentage=percentage, days=days)
        assert (response.status_code, list(response.json()["errors"])) == (422, ["percentage"])
    assert list(show(owner, row, mug, percentage="10").json()["errors"]) == ["days"]
    ShopSettings.objects.filter(shop=shop).update(reward_minimum_subtotal=Decimal("30"))
    assert "need a cart of 30" in show(owner, row, mug, percentage="10", days="7").json()["errors"]["percentage"]
    ShopSettings.objects.filter(shop=shop).update(reward_minimum_subtotal=None, reward_percentage=0)
    assert "gives no discounts" in show(owner, row, mug, percentage="10", days="7").json()["errors"]["percentage"]
    assert 'name="percentage"' not in owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert (Message.objects.count(), Reward.objects.count()) == (0, 0)


def test_what_is_sold_out_or_of_another_shop_is_not_shown(owner, row, mug):
    Product.objects.update(available=False)
    assert show(owner, row, mug).status_code == 422
    other = factories.make_shop("rival.myshopify.com")
    Product.objects.update(available=True, shop=other)
    assert show(owner, row, mug).status_code == 422
    assert Message.objects.count() == 0


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "nl", "pt-BR", "pl", "sv", "tr", "ar", "ja"])
def test_every_language_names_the_code_and_the_day_and_its_button_fits(row, mug, language):
    row.contact.chosen_language = language
    now = clock.now()
    reward = Reward(code="FORYOU-AAAAA-BBBBB", percentage=Decimal("7.5"), starts_at=now, ends_at=now)
    content = product_cards.card(conversation=row, product=mug, words="", reward=reward)
    assert "FORYOU-AAAAA-BBBBB" in content.text
    assert "{{" not in content.text
    assert any(each in content.text for each in ("7.5", "7,5", "٧٫٥"))
    assert 0 < len(content.url_button.title) <= 20
    assert (content.language, content.rtl) == (language, language == "ar")


def test_words_of_all_languages_differ(row, mug):
    titles = {words["cart"] for words in product_cards._all_words().values()}
    assert len(titles) == 12
