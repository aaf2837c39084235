"""Reviews and the bubble's address as Shopify gets them: by the job, over real HTTP, whatever goes wrong between."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from demo.shopify.metafields import INSTALLATION, metafield, metafields_of
from demo.world import DemoWorld
from post_purchase.jobs.publications import publish_metafields
from post_purchase.models import AttachmentStatus, Channel, Publication, Review, ReviewPhoto
from post_purchase.services import publications, reviews
from post_purchase.services.channels import disconnect_channel
from post_purchase.services.media import public_photo_url
from post_purchase.services.privacy import Person, erase_person
from post_purchase.services.review_page import LONGEST_TEXT, MAX_BYTES, review_page
from shopapp.lib import stored_files
from shopapp.models import Shop
from tests.factories import make_channel, make_contact, make_conversation, make_order, make_shop
from tests.pages.visitor import Visitor
from tests.shopify_door import deliver
from tests.talk.rows import make_attachment, make_run

from .conftest import NOON, PRODUCT, SHOP, WORDS

pytestmark = pytest.mark.django_db


def shown(world: DemoWorld) -> Any:
    """What the product's page would read."""
    return metafield(world.state, SHOP, f"gid://shopify/Product/{PRODUCT}", "$app", "reviews")


def bubble(world: DemoWorld) -> Any:
    return metafield(world.state, SHOP, INSTALLATION, "doorstep", "storefront")


def calls(world: DemoWorld) -> list[str]:
    return [name for _, name in world.shopify.graphql.calls if name.endswith("Metafield")]


def due() -> int:
    return Publication.objects.filter(next_attempt_at__isnull=False).count()


def test_a_review_comes_to_the_products_page_with_its_disclosure(world, give):
    review = give(rating=2, text="Came with a crack.\nStill pretty.")
    assert shown(world) is None
    publish_metafields()
    assert shown(world) == {
        "version": 1,
        "count": 1,
        "average": 2.0,
        "stars": [0, 1, 0, 0, 0],
        "disclosures": [],
        "reviews": [
            {
                "id": review.pk,
                "rating": 2,
                "text": "Came with a crack.\nStill pretty.",
                "name": "Maria L.",
                "date": "2026-11-20",
                "language": "en",
                "rewarded": True,
                "disclosure": WORDS,
                "said_in": -1,
                "photos": [],
            }
        ],
    }
    row = Publication.objects.get(product_id=PRODUCT)
    assert (row.next_attempt_at, row.error, row.published_at) == (None, "", NOON)


def test_nothing_else_of_the_shopper_goes_out(world, give, order):
    give()
    publish_metafields()
    value = json.dumps(shown(world))
    for trace in ("Lang", order.email, order.name, "whatsapp", str(order.shopify_id)):
        assert trace not in value, trace


def test_low_ratings_stand_among_the_high_ones_newest_first(world, give, at):
    for rating in (5, 1, 4):
        give(rating=rating)
        at.move(hours=1)
    publish_metafields()
    page = shown(world)
    assert [each["rating"] for each in page["reviews"]] == [4, 1, 5]
    assert (page["count"], page["average"], page["stars"]) == (3, 3.3, [1, 0, 0, 1, 1])


def test_more_words_and_a_photo_are_published_too_and_no_change_costs_no_call(world, give, order):
    review = give(text="Good")
    publish_metafields()
    publish_metafields()
    assert calls(world) == ["SetMetafield"]
    reviews.add_text(review=review, text="and sturdy")
    photo = make_attachment(make_conversation(order.contact))
    reviews.add_photo(review=review, attachment=photo)
    publish_metafields()
    assert calls(world) == ["SetMetafield", "SetMetafield"]
    [told] = shown(world)["reviews"]
    assert told["text"] == "Good\nand sturdy"
    assert told["photos"] == [{"small": public_photo_url(photo, thumbnail=True), "whole": public_photo_url(photo)}]
    publications.reviews_changed(shop=review.shop, product_id=PRODUCT)
    publish_metafields()
    assert (len(calls(world)), due()) == (2, 0)


def test_a_hidden_review_is_taken_down_and_shown_again_on_request(world, give):
    first, second = give(), give(rating=1)
    publish_metafields()
    reviews.hide_review(review=second, reason="It names a private person")
    publish_metafields()
    assert [each["id"] for each in shown(world)["reviews"]] == [first.pk]
    reviews.hide_review(review=first, reason="It is spam")
    publish_metafields()
    assert shown(world) is None
    assert calls(world)[-1] == "DeleteMetafield"
    reviews.show_review(review=second)
    publish_metafields()
    assert [each["id"] for each in shown(world)["reviews"]] == [second.pk]


def test_what_an_erased_person_wrote_is_gone_and_the_stars_stay(world, give, order, shop):
    review = give(text="I am Maria from Berlin")
    reviews.add_photo(review=review, attachment=make_attachment(make_conversation(order.contact)))
    publish_metafields()
    erase_person(Person(shop=shop, order_ids=(order.shopify_id,)))
    publish_metafields()
    [told] = shown(world)["reviews"]
    assert (told["rating"], told["text"], told["name"], told["photos"]) == (5, "", "", [])


@pytest.mark.parametrize("fault", ["status", "drop"])  # refused by a broken Shopify; done, and the answer is lost
def test_a_call_that_fails_is_made_again_later(world, give, at, fault):
    give()
    world.faults.add("shopify.graphql", fault, times=9, status=502)
    publish_metafields()
    row = Publication.objects.get(product_id=PRODUCT)
    assert row.error
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > NOON
    world.faults.clear()
    at.move(hours=2)
    publish_metafields()
    assert shown(world)["count"] == 1
    assert (due(), Publication.objects.get(product_id=PRODUCT).error) == (0, "")


def test_a_worker_that_dies_with_the_row_in_its_hands_is_followed_by_another(world, give, at):
    give()
    assert publications._claim() is not None
    assert publications._claim() is None
    publish_metafields()
    assert shown(world) is None
    at.move(seconds=121)
    publish_metafields()
    assert shown(world)["count"] == 1


def test_what_is_said_while_we_write_is_written_next(world, give, monkeypatch):
    give()
    write = publications._write

    def meanwhile(publication, value):
        write(publication, value)
        if Review.objects.count() == 1:
            give(rating=1)

    monkeypatch.setattr(publications, "_write", meanwhile)
    publish_metafields()
    assert shown(world)["count"] == 2
    assert due() == 0


def test_without_the_scope_nothing_is_sent_and_granting_it_brings_everything(world, give, shop):
    Shop.objects.filter(pk=shop.pk).update(scopes="read_orders,read_products")
    give()
    publish_metafields()
    row = Publication.objects.get(product_id=PRODUCT)
    assert (calls(world), row.next_attempt_at, row.error) == ([], None, publications.NO_SCOPE)
    current = ["read_orders", "read_products", "write_products"]
    deliver("app/scopes_update", {"id": 1, "previous": [], "current": current, "updated_at": NOON.isoformat()})
    publish_metafields()
    assert shown(world)["count"] == 1


def test_a_product_that_is_gone_is_given_up_with_a_reason(world, give):
    give(product_id=4711)
    publish_metafields()
    row = Publication.objects.get(product_id=4711)
    assert (row.next_attempt_at, row.error) == (None, "Shopify refused it: metafields.0.ownerId: Owner does not exist.")


def test_a_shop_that_left_is_left_alone(world, give, shop):
    give()
    Shop.objects.filter(pk=shop.pk).update(status="uninstalled")
    publish_metafields()
    assert (calls(world), due()) == ([], 0)


def test_the_reviews_of_another_shop_stay_there(world, give, shop):
    give()
    other = make_shop("rival.myshopify.com")
    contact = make_contact(other)
    theirs = make_order(other, contact)
    give(run=make_run(theirs, contact), order=theirs, contact=contact, text="Rival words", dedupe_key="x")
    publish_metafields()
    assert [each["text"] for each in shown(world)["reviews"]] == ["Lovely glaze."]


def test_a_value_never_outgrows_shopifys_limit(give, shop):
    for _ in range(60):
        give(text="深い味わいです。" * 900)
    value = review_page(shop, PRODUCT)
    page = json.loads(value)
    assert len(value.encode()) <= MAX_BYTES
    assert page["count"] == 60
    assert 10 < len(page["reviews"]) <= 50
    assert {len(each["text"]) for each in page["reviews"]} == {LONGEST_TEXT}
    assert page["reviews"][0]["text"].endswith("…")


# The bubble


def test_the_bubble_leads_to_the_shops_link_once_a_chat_app_is_connected(world, shop):
    publications.storefront_changed(shop=shop)
    publish_metafields()
    assert bubble(world) is None
    make_channel(shop)
    publications.storefront_changed(shop=shop)
    publish_metafields()
    told = bubble(world)
    assert (told["color"], told["name"]) == ("#1f6f5c", "Fern & Field")
    code = told["url"].rsplit("/", 1)[-1]
    assert shop.links.get(touchpoint__kind="storefront").code == code
    assert Client().get(f"/c/{code}").status_code in (200, 302)


def test_the_bubble_is_taken_down_with_the_last_chat_app(world, shop):
    channel = make_channel(shop)
    publications.storefront_changed(shop=shop)
    publish_metafields()
    disconnect_channel(Channel.objects.get(pk=channel.pk))
    publish_metafields()
    assert bubble(world) is None
    assert metafields_of(world.state, SHOP) == {}


# Photos


@pytest.fixture
def photo(give, order, settings, tmp_path) -> ReviewPhoto:
    settings.MEDIA_ROOT = tmp_path
    for name in ("aa/whole.jpg", "aa/small.jpg"):
        stored_files.save(name, name.encode())
    attachment = make_attachment(make_conversation(order.contact))
    shown = reviews.add_photo(review=give(), attachment=attachment)
    assert shown is not None
    return shown


def path_of(photo: ReviewPhoto, thumbnail: bool = False) -> str:
    return public_photo_url(photo.attachment, thumbnail).removeprefix("https://app.example.test")


def test_a_published_photo_can_be_seen_by_everybody_for_long(photo, at):
    for thumbnail, name in ((False, b"aa/whole.jpg"), (True, b"aa/small.jpg")):
        at.move(days=300)
        answer = Client().get(path_of(photo, thumbnail))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert b"".join(answer.streaming_content) == name
        assert answer["Cache-Control"] == "public, max-age=3600"
        assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("how", ["hidden", "erased", "left", "refused"])
def test_a_photo_that_is_no_longer_published_is_gone(photo, how, shop, order):
    if how == "hidden":
        reviews.hide_review(review=photo.review, reason="It shows a private person")
    elif how == "erased":
        erase_person(Person(shop=shop, order_ids=(order.shopify_id,)))
    elif how == "left":
        Shop.objects.update(status="uninstalled")
    else:
        type(photo.attachment).objects.update(status=AttachmentStatus.REFUSED)
    assert Client().get(path_of(photo)).status_code == 404


def test_a_forged_address_shows_nothing(photo, order):
    whole = path_of(photo)
    other = make_attachment(order.contact.conversation)
    for forged in (whole[:-1] + ("A" if whole[-1] != "A" else "B"), "/photos/1.w", "/photos/", f"{whole}x"):
        assert Client().get(forged).status_code == 404, forged
    # A photo of a chat that belongs to no review has such an address too, and it leads nowhere.
    assert Client().get(public_photo_url(other).removeprefix("https://app.example.test")).status_code == 404
    assert Client().post(whole).status_code == 405


def test_due_rows_are_found_by_the_sweep_alone(world, give):
    give()
    Publication.objects.update(next_attempt_at=NOON - timedelta(days=2))
    publish_metafields()
    assert shown(world)["count"] == 1


def test_a_test_order_of_the_merchants_own_is_no_review_on_a_product_page(world, give, shop):
    give(rating=5)
    give(rating=1, order=make_order(shop, make_contact(shop), number=1002, name="#1002", test=True))
    publish_metafields()
    assert shown(world)["stars"] == [0, 0, 0, 0, 1]
    staff = Visitor()
    html = staff.get("/app/reviews").content.decode()
    assert "Hidden: It belongs to a test order" in html
    assert "<strong>5.0</strong>" in html
    assert "Publish again" not in html
    answer = staff.post(f"/app/reviews/{Review.objects.get(rating=1).pk}/show")
    assert (answer.status_code, "stays hidden" in answer.json()["message"]) == (422, True)
