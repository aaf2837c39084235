"""How many people a business has written to first: Meta counts them over 24 hours, for all numbers of a portfolio.

A first word is a template to somebody outside the window; what answers a shopper never counts. A person counts once,
until 24 hours after the newest first word. A place that was taken for a message which Meta then refuses stays taken:
too few go rather than too many.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from post_purchase.channels.base import UNLIMITED, LimitUpdate, Portfolio
from post_purchase.channels.provider_data import limits
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ChannelStatus, FirstWord, Message
from post_purchase.words import MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

LIMITS = limits("whatsapp")
SPAN = timedelta(hours=LIMITS["portfolio_hours"])
LOOK_AGAIN = timedelta(minutes=15)  # places come free one by one; those who wait are asked together
NO_PLACE = "the network lets your business write first to"  # in every such reason: `apply_limit` finds them by it


@dataclass(frozen=True)
class Use:
    portfolio: Portfolio
    people: int  # written to first in the last 24 hours
    free_at: datetime | None = None  # where it is full: when the next place comes free

    @property
    def is_full(self) -> bool:
        return self.people >= self.portfolio.limit

    @property
    def is_near(self) -> bool:
        return self.people * 100 >= self.portfolio.limit * LIMITS["portfolio_warn_percent"]

    @property
    def says(self) -> str:
        return f"{self.people:,} of {self.portfolio.limit:,}"

    @property
    def reason(self) -> str:
        return f"{NO_PLACE} {self.portfolio.limit:,} people in 24 hours, and so many were written to"


@dataclass(frozen=True)
class FirstWords:
    """What a batch of messages has to know: how full each portfolio is, and who counts there already."""

    uses: dict[str, Use]
    counted: frozenset[tuple[str, int]]

    def why_not(self, *, portfolio: Portfolio | None, point_id: int, now: datetime) -> tuple[datetime | None, str]:
        """(when to ask again, why), where this person would be one too many."""
        use = self.uses.get(portfolio.key) if portfolio else None
        if use is None or not use.is_full or (use.portfolio.key, point_id) in self.counted:
            return None, ""
        return max(use.free_at or now, now + LOOK_AGAIN), use.reason


def portfolio_of(channel: Channel) -> Portfolio | None:
    """Where its network has told a limit, and that is one."""
    found = driver_for(channel.kind).portfolio_of(channel)
    return found if found is not None and found.limit > 0 else None


def first_words(*, channels: Iterable[Channel], points: Collection[int], now: datetime) -> FirstWords:
    """No query where no account has a limit, else three for each portfolio."""
    uses = {key: use_of(portfolio, now=now) for key, portfolio in _portfolios(channels).items()}
    if not uses:
        return FirstWords({}, frozenset())
    mine = _recent(now).filter(portfolio__in=uses, point_id__in=points)
    return FirstWords(uses, frozenset(mine.values_list("portfolio", "point_id")))


def _portfolios(channels: Iterable[Channel]) -> dict[str, Portfolio]:
    """The newest word of Meta's stands at the number that was told; where two differ, the smaller is kept to."""
    found: dict[str, Portfolio] = {}
    for portfolio in filter(None, map(portfolio_of, channels)):
        known = found.get(portfolio.key)
        found[portfolio.key] = portfolio if known is None or portfolio.limit < known.limit else known
    return found


def use_of(portfolio: Portfolio, *, now: datetime) -> Use:
    recent = _recent(now).filter(portfolio=portfolio.key).order_by("said_at")
    use = Use(portfolio, recent.count())
    if not use.is_full:
        return use
    too_many = use.people - portfolio.limit
    leaves = recent.values_list("said_at", flat=True)[too_many : too_many + 1]
    return replace(use, free_at=next((said_at + SPAN for said_at in leaves), None))


@dataclass(frozen=True)
class Shown:
    """What the page of channels says of one account."""

    use: Use | None  # None: the network has not told, or there is no limit
    unlimited: bool = False


def shown(channels: Iterable[Channel], *, now: datetime) -> dict[int, Shown]:
    """By channel, for those whose network counts first words."""
    found: dict[int, Shown] = {}
    for channel in channels:
        portfolio = driver_for(channel.kind).portfolio_of(channel)
        if portfolio is not None:
            use = use_of(portfolio, now=now) if portfolio.limit > 0 else None
            found[channel.pk] = Shown(use, unlimited=portfolio.limit == UNLIMITED)
    return found


def _recent(now: datetime) -> QuerySet[FirstWord]:
    return FirstWord.objects.filter(said_at__gt=now - SPAN)


def take_places(wanted: Sequence[tuple[Channel, int]], *, now: datetime) -> list[bool]:
    """A place for each first word (its channel, its point), and whether there was one. Numbers wait for each other."""
    going: dict[str, list[int]] = defaultdict(list)
    portfolios = _portfolios(channel for channel, _ in wanted)
    for channel, point_id in wanted:
        portfolio = portfolio_of(channel)
        if portfolio is not None:
            going[portfolio.key].append(point_id)
    if not going:
        return [True for _ in wanted]
    taken: set[tuple[str, int]] = set()
    with transaction.atomic():
        _wait_for_others(portfolios)
        for key, points in sorted(going.items()):
            taken |= {(key, point_id) for point_id in _take(portfolios[key], points, now)}
    found = (portfolio_of(channel) for channel, _ in wanted)
    return [
        portfolio is None or (portfolio.key, point_id) in taken
        for portfolio, (_, point_id) in zip(found, wanted, strict=True)
    ]


def _wait_for_others(portfolios: Collection[str]) -> None:
    mine = Q(options__portfolio__in=list(portfolios)) | Q(options__waba_id__in=list(portfolios))
    list(Channel.objects.select_for_update(no_key=True, of=("self",)).filter(mine).order_by("pk").values_list("pk"))


def _take(portfolio: Portfolio, points: Sequence[int], now: datetime) -> list[int]:
    counted = set(_recent(now).filter(portfolio=portfolio.key, point_id__in=points).values_list("point_id", flat=True))
    free = portfolio.limit - use_of(portfolio, now=now).people
    new = [point_id for point_id in dict.fromkeys(points) if point_id not in counted][: max(0, free)]
    going = [*counted, *new]
    FirstWord.objects.bulk_create(
        [FirstWord(portfolio=portfolio.key, point_id=point_id, said_at=now) for point_id in sorted(going)],
        update_conflicts=True,
        unique_fields=["portfolio", "point"],
        update_fields=["said_at"],
    )
    return going


def apply_limit(update: LimitUpdate) -> int:
    """Meta has raised or lowered it, for every number of the portfolio. Who waited is asked again at once."""
    connected = Channel.objects.exclude(status=ChannelStatus.DISCONNECTED)
    told = list(connected.filter(options__waba_id=update.account_id))
    keys = {str(channel.options.get("portfolio") or update.account_id) for channel in told}
    with transaction.atomic():
        same = Q(options__waba_id=update.account_id) | Q(options__portfolio__in=list(keys))
        channels = list(connected.select_for_update(no_key=True, of=("self",)).filter(same).order_by("pk"))
        for channel in channels:
            channel.options = channel.options | {"portfolio_limit": update.limit}
            channel.save(update_fields=["options"])
    shops = {channel.shop_id for channel in channels}
    held = Message.objects.filter(shop__in=shops, status=MessageStatus.HELD, next_attempt_at__gt=clock.now())
    if held.filter(reason__contains=NO_PLACE).update(next_attempt_at=clock.now()):
        wake(Job.SEND_MESSAGES)
    return len(channels)
