"""Reviews as the shopper gave them. Nothing in here looks at how high the rating is."""

from django.db import transaction

from post_purchase.models import (
    Attachment,
    AttachmentStatus,
    Contact,
    FlowRun,
    Order,
    OrderLine,
    Review,
    ReviewPhoto,
)
from post_purchase.words import EventKind
from shopapp.lib import clock
from shopapp.lib.storable import storable

from .events import record_event
from .publications import reviews_changed

MAX_TEXT = 10_000  # characters of one review, however many messages it took
OF_A_TEST = "It belongs to a test order"
MAX_PHOTOS = 10


@transaction.atomic
def save_review(
    *,
    run: FlowRun,
    order: Order | None,
    contact: Contact | None,
    rating: int,
    text: str,
    product_id: int | None,
    language: str,
    channel_kind: str,
    incentivised: bool,
    disclosure: str,
    dedupe_key: str,
) -> Review:
    """Save and publish it, whatever the rating; that of a test order is saved and hidden. The same key returns the same
    review, unchanged.

    Raises ValueError for a rating that is not 1 to 5, and for a rewarded review without the words that say so
    (16 CFR 255.5; UCPD annex I 23b: who is paid for a review must be seen to be).
    """
    if rating not in range(1, 6):
        raise ValueError("A rating is 1 to 5")
    if incentivised and not disclosure.strip():
        raise ValueError("A rewarded review needs its disclosure")
    review, created = Review.objects.get_or_create(
        shop=run.shop,
        dedupe_key=dedupe_key,
        defaults={
            "order": order,
            "contact": contact,
            "run": run,
            "product_id": product_id,
            "product_title": _product_title(order, product_id),
            "rating": rating,
            "text": storable(text).strip()[:MAX_TEXT],
            "language": language[:16],
            "author_name": author_name(contact),
            "channel_kind": channel_kind,
            "incentivised": incentivised,
            "disclosure": disclosure,
            "submitted_at": clock.now(),
            **({"status": Review.Status.HIDDEN, "status_reason": OF_A_TEST} if order and order.test else {}),
        },
    )
    if created:
        reviews_changed(shop=run.shop, product_id=product_id)
        record_event(
            shop=run.shop,
            kind=EventKind.REVIEW_GIVEN,
            key=f"{EventKind.REVIEW_GIVEN}:{review.pk}",
            order=order,
            contact=contact,
            data={"review": review.pk, "run": run.pk, "rating": review.rating},
        )
    return review


@transaction.atomic
def add_text(*, review: Review, text: str) -> Review:
    """Append what the shopper wrote, on a line of its own. The same words at the end are not added again."""
    words = text.strip()
    now = Review.objects.select_for_update().get(pk=review.pk)
    if words and now.text != words and not now.text.endswith(f"\n{words}"):
        now.text = f"{now.text}\n{words}".strip()[:MAX_TEXT]
        now.save(update_fields=["text"])
        reviews_changed(shop=now.shop, product_id=now.product_id)
    review.text = now.text
    return review


@transaction.atomic
def add_photo(*, review: Review, attachment: Attachment) -> ReviewPhoto | None:
    """Show this photo with the review. None where it is not safely stored, is not this review's, or is one too many."""
    if attachment.status != AttachmentStatus.STORED or attachment.message.shop_id != review.shop_id:
        return None
    Review.objects.select_for_update().get(pk=review.pk)
    mine = ReviewPhoto.objects.filter(review=review)
    there = ReviewPhoto.objects.filter(attachment=attachment).first()
    if there is not None:
        return there if there.review_id == review.pk else None
    if mine.count() >= MAX_PHOTOS:
        return None
    reviews_changed(shop=review.shop, product_id=review.product_id)
    record_event(
        shop=review.shop,
        kind=EventKind.REVIEW_PHOTO_ADDED,
        key=f"{EventKind.REVIEW_PHOTO_ADDED}:{review.pk}",
        order=review.order,
        contact=review.contact,
        data={"review": review.pk, "run": review.run_id, "rating": review.rating},
    )
    return ReviewPhoto.objects.create(review=review, attachment=attachment, added_at=clock.now())


def hide_review(*, review: Review, reason: str) -> None:
    """Take it down for a reason that has nothing to do with its rating (16 CFR 465.7). Raises ValueError without."""
    if not reason.strip():
        raise ValueError("A review is hidden only for a stated reason")
    _set_status(review, Review.Status.HIDDEN, reason.strip()[:255])


def show_review(*, review: Review) -> bool:
    """False: it belongs to a test order and stays hidden."""
    if review.order is not None and review.order.test:
        return False
    _set_status(review, Review.Status.PUBLISHED, "")
    return True


def author_name(contact: Contact | None) -> str:
    """ "Maria L.": enough for a name beside a review, too little to find somebody by."""
    if contact is None or contact.redacted_at is not None:
        return ""
    initial = f"{contact.last_name.strip()[0].upper()}." if contact.last_name.strip() else ""
    return " ".join(part for part in (contact.first_name.strip()[:80], initial) if part)


def _product_title(order: Order | None, product_id: int | None) -> str:
    if order is None or product_id is None:
        return ""
    line = OrderLine.objects.filter(order=order, product_id=product_id).first()
    return line.title if line else ""


@transaction.atomic
def _set_status(review: Review, status: str, reason: str) -> None:
    review.status, review.status_reason = status, reason
    review.save(update_fields=["status", "status_reason"])
    reviews_changed(shop=review.shop, product_id=review.product_id)
