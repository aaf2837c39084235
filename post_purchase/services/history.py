"""What was said to people before, and how they fared: the arbiter's memory, for a whole batch of messages at once.

At most four queries, and none for a batch of answers and plain order news.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Q

from post_purchase.models import Message, Order, Review
from post_purchase.words import Author, Direction, MessageStatus, Purpose

from .arbiter import CAP_SPAN, PROMOTIONS, Other, Told

LOW_RATING = 2
LONGEST_MEMORY = timedelta(days=365)  # of a low rating; ShopSettings.unhappy_days is not more
SAID = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
SILENT_FOR = timedelta(days=60)  # a parcel of which nobody has heard for so long is not waited for any more
TRAVELS_NO_MORE = ("refunded", "voided")


def may_travel(order: Order, *, now: datetime) -> bool:
    """Whether a delivery of it is still to be waited for, as long as nobody has told of one."""
    return (
        order.requires_shipping
        and not order.is_point_of_sale
        and order.cancelled_at is None
        and order.financial_status not in TRAVELS_NO_MORE
        and order.placed_at >= now - SILENT_FOR
    )


class History:
    def __init__(self, messages: Collection[Message], *, now: datetime):
        self.now = now
        unasked = [each for each in messages if each.purpose in PROMOTIONS and not each.fixed_point]
        offered = {each.contact_id for each in messages if each.purpose == Purpose.MARKETING}
        self._others = self._read_others({each.contact_id for each in unasked})
        self._facts = self._read_facts(messages)
        self._low_ratings = self._read_low_ratings(offered)
        self._on_their_way = self._read_on_their_way(offered)

    def others(self, message: Message) -> tuple[Other, ...]:
        return tuple(other for pk, other in self._others.get(message.contact_id, ()) if pk != message.pk)

    def told(self, message: Message) -> tuple[Told, ...]:
        """The same fact in messages of other runs: told, or due to be told before this one."""
        if not message.fact_key:
            return ()
        found = []
        for other, by in self._facts.get((message.contact_id, message.fact_key), ()):
            if other.pk == message.pk or other.run_id == message.run_id:
                continue
            if other.status in SAID:
                found.append(Told(at=other.sent_at or other.happened_at, by=by))
            elif other.status == MessageStatus.SENDING or other.pk < message.pk:
                due = self.now if other.status == MessageStatus.SENDING else other.next_attempt_at
                found.append(Told(at=due or self.now, by=by, waiting=True))
        return tuple(found)

    def has_arrived(self, message: Message) -> bool:
        """Nothing that the message is about, and for an offer nothing at all, is still on its way to the shopper."""
        if message.purpose == Purpose.MARKETING and message.contact_id in self._on_their_way:
            return False
        order = message.order
        return order is None or order.delivered_at is not None or not may_travel(order, now=self.now)

    def unhappy_until(self, message: Message, *, days: int) -> datetime | None:
        """Where the last rating was low: until when that is remembered."""
        rated_at = self._low_ratings.get(message.contact_id)
        if rated_at is None:
            return None
        until = rated_at + timedelta(days=days)
        return until if until > self.now else None

    def _read_others(self, contacts: set[int]) -> dict[int, list[tuple[int, Other]]]:
        """Also those on their way: two workers must not both see room for one more."""
        found: dict[int, list[tuple[int, Other]]] = defaultdict(list)
        if not contacts:
            return found
        unasked = Message.objects.filter(contact_id__in=contacts, direction=Direction.OUT, fixed_point=False).exclude(
            Q(purpose=Purpose.SERVICE) | Q(author=Author.PERSON)
        )
        rows = unasked.filter(Q(sent_at__gt=self.now - CAP_SPAN) | Q(next_attempt_at__isnull=False))
        for pk, contact, run, purpose, status, sent_at, due in rows.values_list(
            "pk", "contact_id", "run_id", "purpose", "status", "sent_at", "next_attempt_at"
        ):
            waiting = sent_at is None and status in (MessageStatus.QUEUED, MessageStatus.HELD)
            at = (due if waiting else sent_at) or self.now
            found[contact].append((pk, Other(Purpose(purpose), at, waiting=waiting, run_id=run)))
        return found

    def _read_facts(self, messages: Collection[Message]) -> dict[tuple[int, str], list[tuple[Message, str]]]:
        """Messages of the same people with the same fact, each with the name of its flow."""
        found: dict[tuple[int, str], list[tuple[Message, str]]] = defaultdict(list)
        keyed = [message for message in messages if message.fact_key]
        if not keyed:
            return found
        rows = Message.objects.filter(
            contact_id__in={message.contact_id for message in keyed},
            fact_key__in={message.fact_key for message in keyed},
            direction=Direction.OUT,
            status__in=(MessageStatus.QUEUED, MessageStatus.HELD, MessageStatus.SENDING, *SAID),
        ).exclude(fact_key="")
        for row in rows.select_related("run__flow").order_by("pk"):
            by = row.run.flow.name if row.run else "Another message"
            found[row.contact_id, row.fact_key].append((row, by))
        return found

    def _read_low_ratings(self, contacts: set[int]) -> dict[int, datetime]:
        """When, for those whose last rating was low."""
        found: dict[int, datetime] = {}
        if not contacts:
            return found
        reviews = Review.objects.filter(contact_id__in=contacts, submitted_at__gt=self.now - LONGEST_MEMORY)
        for contact, rating, at in reviews.order_by("submitted_at", "pk").values_list(
            "contact_id", "rating", "submitted_at"
        ):
            if contact is not None:
                found.pop(contact, None)
                if rating <= LOW_RATING:
                    found[contact] = at
        return found

    def _read_on_their_way(self, contacts: set[int]) -> set[int]:
        """Who waits for a parcel of any order."""
        if not contacts:
            return set()
        orders = Order.objects.filter(
            contact_id__in=contacts, requires_shipping=True, delivered_at=None, placed_at__gte=self.now - SILENT_FOR
        )
        return {
            order.contact_id
            for order in orders.only(
                "contact_id", "requires_shipping", "source_name", "cancelled_at", "financial_status", "placed_at"
            )
            if order.contact_id is not None and may_travel(order, now=self.now)
        }
