"""What it costs that a network charges a template as an offer: from what was sent with it, at the dated prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, CharField, Count, F, When

from post_purchase.models import Message, MessageTemplate

from .rehearsal.costs import price_of, rates

SPAN = timedelta(days=30)
AS_TEMPLATE = "As an approved template"  # services.arbiter: how such a message begins its detour


@dataclass(frozen=True)
class Stake:
    template: MessageTemplate
    messages: int  # sent with it in the last 30 days
    extra: Decimal  # what they would have cost more
    unpriced: int  # to countries without a price of ours
    currency: str
    prices_from: date


def at_stake(templates: Iterable[MessageTemplate], *, now: datetime) -> list[Stake]:
    return [_stake(template, now) for template in templates]


def _stake(template: MessageTemplate, now: datetime) -> Stake:
    """In this language and its neighbours (de, de-AT): a message keeps the language that was wished for."""
    sent = Message.objects.filter(
        channel=template.channel_id,
        sent_at__gt=now - SPAN,
        detour__startswith=AS_TEMPLATE,
        content__template__name=template.name,
        content__template__language__istartswith=template.language.partition("_")[0],
    )
    country = Case(
        When(order__shipping_country__gt="", then=F("order__shipping_country")),
        default=F("contact__country"),
        output_field=CharField(),
    )
    counts = sent.annotate(country_of=country).values_list("country_of").annotate(count=Count("pk")).order_by()
    kind, extra, total, unpriced = template.channel.kind, Decimal(0), 0, 0
    for code, count in counts:
        total += count
        before, after = price_of(kind, "utility", code or ""), price_of(kind, "marketing", code or "")
        if before is None or after is None:
            unpriced += count
        else:
            extra += max(Decimal(0), after - before) * count
    data = rates()
    return Stake(template, total, extra, unpriced, data["currency"], data["whatsapp"]["valid_from"])
