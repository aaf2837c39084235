from datetime import UTC, datetime

import pytest

from post_purchase.models import FlowEvent, Review, ReviewPhoto
from post_purchase.services import reviews
from shopapp.lib import clock
from tests.factories import make_contact, make_conversation, make_order, make_shop

from .rows import make_attachment, make_run

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WORDS = "Maria got 10% off her next order for this review, whatever she wrote."


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def contact():
    return make_contact(make_shop())


@pytest.fixture
def order(contact):
    return make_order(contact.shop, contact, lines=2)


@pytest.fixture
def save(order, contact):
    run = make_run(order, contact)

    def give(**changes) -> Review:
        said = {
            "run": run,
            "order": order,
            "contact": contact,
            "rating": 5,
            "text": "",
            "product_id": 701,
            "language": "de",
            "channel_kind": "whatsapp",
            "incentivised": True,
            "disclosure": WORDS,
            "dedupe_key": "review:1:ask",
        }
        return reviews.save_review(**(said | changes))

    return give


def test_a_review_is_published_with_its_disclosure(save, order, contact):
    review = save(rating=1)
    assert (review.status, review.rating, review.author_name, review.product_title) == (
        "published",
        1,
        "Maria L.",
        "Linen apron",
    )
    assert (review.incentivised, review.disclosure, review.submitted_at) == (True, WORDS, NOW)
    event = FlowEvent.objects.get()
    assert (event.kind, event.order, event.contact) == ("review_given", order, contact)
    assert event.data == {"review": review.pk, "run": review.run_id, "rating": 1}


def test_the_same_answer_twice_is_one_review(save):
    first = save(rating=4)
    again = save(rating=2)
    assert (again.pk, again.rating) == (first.pk, 4)
    assert (Review.objects.count(), FlowEvent.objects.count()) == (1, 1)


@pytest.mark.parametrize("changes", [{"rating": 0}, {"rating": 6}, {"disclosure": " "}])
def test_no_review_without_a_true_rating_or_with_a_hidden_reward(save, changes):
    with pytest.raises(ValueError):
        save(**changes)
    assert not Review.objects.exists()


def test_without_a_reward_no_disclosure_is_needed(save):
    assert save(incentivised=False, disclosure="").disclosure == ""


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("Maria", "Lang", "Maria L."),
        ("Maria", "", "Maria"),
        ("", "lang", "L."),
        ("", "", ""),
        ("Ana Lu", "ö", "Ana Lu Ö."),
    ],
)
def test_a_name_is_a_first_name_and_a_letter(contact, first, last, shown):
    contact.first_name, contact.last_name = first, last
    assert reviews.author_name(contact) == shown


def test_nobody_has_no_name(contact):
    contact.redacted_at = NOW
    assert (reviews.author_name(None), reviews.author_name(contact)) == ("", "")


def test_words_are_added_line_by_line_and_once(save):
    review = save()
    for text in ("Lovely mug", "Lovely mug", " Keeps warm ", "Keeps warm", ""):
        reviews.add_text(review=review, text=text)
    assert review.text == "Lovely mug\nKeeps warm"
    review.refresh_from_db()
    assert review.text == "Lovely mug\nKeeps warm"


def test_words_are_never_more_than_a_page(save):
    review = save()
    reviews.add_text(review=review, text="a" * 20_000)
    assert len(Review.objects.get().text) == reviews.MAX_TEXT


def test_a_stored_photo_is_added_once(save, contact):
    review, photo = save(), make_attachment(make_conversation(contact))
    assert reviews.add_photo(review=review, attachment=photo) == reviews.add_photo(review=review, attachment=photo)
    assert ReviewPhoto.objects.get().attachment == photo


@pytest.mark.parametrize("status", ["waiting", "refused"])
def test_a_photo_that_is_not_safe_is_not_added(save, contact, status):
    photo = make_attachment(make_conversation(contact), status=status)
    assert reviews.add_photo(review=save(), attachment=photo) is None
    assert not ReviewPhoto.objects.exists()


def test_a_photo_of_another_shop_or_review_is_not_added(save, contact):
    rival = make_contact(make_shop("rival.myshopify.com"))
    assert reviews.add_photo(review=save(), attachment=make_attachment(make_conversation(rival))) is None
    photo = make_attachment(make_conversation(contact))
    reviews.add_photo(review=save(), attachment=photo)
    assert reviews.add_photo(review=save(dedupe_key="another"), attachment=photo) is None
    assert ReviewPhoto.objects.count() == 1


def test_ten_photos_are_enough(save, contact):
    review, conversation = save(), make_conversation(contact)
    added = [reviews.add_photo(review=review, attachment=make_attachment(conversation)) for _ in range(11)]
    assert (ReviewPhoto.objects.count(), added[10]) == (10, None)


def test_hiding_needs_a_reason_and_can_be_undone(save):
    review = save(rating=1)
    with pytest.raises(ValueError):
        reviews.hide_review(review=review, reason=" ")
    assert Review.objects.get().status == "published"
    reviews.hide_review(review=review, reason="It shows someone's personal data")
    hidden = Review.objects.get()
    assert (hidden.status, hidden.status_reason) == ("hidden", "It shows someone's personal data")
    reviews.show_review(review=review)
    assert (Review.objects.get().status, Review.objects.get().status_reason) == ("published", "")


def test_the_review_of_a_test_order_is_kept_and_never_shown(save, order):
    order.test = True
    order.save()
    review = save()
    assert (review.status, review.status_reason) == ("hidden", "It belongs to a test order")
    assert reviews.show_review(review=review) is False
    review.refresh_from_db()
    assert review.status == "hidden"
