"""How a touchpoint is used: people a day, the way from a scan to a message to a review, and which e-mails work."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import TruncDate

from post_purchase.models import ChatStart, Review, Scan, Touchpoint
from post_purchase.words import EmailTemplate
from shopapp.lib import clock
from shopapp.models import Shop

PEOPLE = Q(robot=False, test=False)
SPANS = (7, 30, 90)  # days


@dataclass(frozen=True)
class Funnel:
    """People who tapped or scanned, of whom so many wrote with the code, of whom so many gave a review since."""

    scans: int
    messages: int
    reviews: int


@dataclass(frozen=True)
class EmailState:
    """What has come from one of Shopify's e-mails. `bound`: with its order; `unbound`: the filter did not run."""

    template: EmailTemplate
    bound: int = 0
    unbound: int = 0
    tests: int = 0
    first_at: datetime | None = None  # of a person

    @property
    def done(self) -> bool:
        return self.first_at is not None


def people_by_day(*, scans: QuerySet[Scan], days: int, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Every day of the span, oldest first, also those without anybody. Days are the shop's."""
    today = clock.now().astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    rows = scans.filter(PEOPLE, scanned_at__gte=_start_of(first, zone))
    daily = rows.annotate(day=TruncDate("scanned_at", tzinfo=zone)).values("day").annotate(people=Count("pk"))
    counted = dict(daily.values_list("day", "people"))
    return [(first + timedelta(days=place), counted.get(first + timedelta(days=place), 0)) for place in range(days)]


def robots_and_nowhere(*, scans: QuerySet[Scan], days: int, zone: ZoneInfo) -> tuple[int, int]:
    """Robots ever, and people of the span whose link had expired or who found nobody to chat with.

    The latter are among those who tapped or scanned.
    """
    since = _start_of(clock.now().astimezone(zone).date() - timedelta(days=days - 1), zone)
    counted = scans.aggregate(
        robots=Count("pk", filter=Q(robot=True)),
        nowhere=Count("pk", filter=PEOPLE & Q(nowhere=True, scanned_at__gte=since)),
    )
    return counted["robots"], counted["nowhere"]


def funnel_of(*, touchpoints: Iterable[Touchpoint], days: int, zone: ZoneInfo) -> Funnel:
    """Messages and reviews are of those people who first wrote in the span."""
    pks = [touchpoint.pk for touchpoint in touchpoints]
    since = _start_of(clock.now().astimezone(zone).date() - timedelta(days=days - 1), zone)
    starts = ChatStart.objects.filter(touchpoint__in=pks, started_at__gte=since)
    wrote_then_reviewed = Review.objects.filter(
        contact__points__chat_starts__in=starts, submitted_at__gte=F("contact__points__chat_starts__started_at")
    ).exclude(order__test=True)
    return Funnel(
        scans=Scan.objects.filter(PEOPLE, touchpoint__in=pks, scanned_at__gte=since).count(),
        messages=starts.values("point").distinct().count(),
        reviews=wrote_then_reviewed.values("contact").distinct().count(),
    )


def email_states(*, touchpoint: Touchpoint) -> list[EmailState]:
    """One for each of Shopify's e-mails, in their order."""
    rows = (
        Scan.objects.filter(touchpoint=touchpoint, robot=False)
        .exclude(source="")
        .values("source")
        .annotate(
            bound=Count("pk", filter=Q(test=False, link__order__isnull=False)),
            unbound=Count("pk", filter=Q(test=False, link__order__isnull=True)),
            tests=Count("pk", filter=Q(test=True)),
            first_at=Min("scanned_at", filter=Q(test=False)),
        )
    )
    found = {
        row["source"]: EmailState(
            template=EmailTemplate(row["source"]),
            bound=row["bound"],
            unbound=row["unbound"],
            tests=row["tests"],
            first_at=row["first_at"],
        )
        for row in rows
    }
    return [found.get(template.value, EmailState(template=template)) for template in EmailTemplate]


def scans_of(shop: Shop) -> QuerySet[Scan]:
    return Scan.objects.filter(touchpoint__shop=shop)


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
