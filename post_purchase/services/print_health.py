"""Alarms: codes that are on paper somewhere and lead nowhere any more, or not where the merchant means them to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from post_purchase.models import Channel, ChannelStatus, FlowStatus, Link, PageCheck, PrintBatch, Scan, Touchpoint
from post_purchase.touchpoints.routes import has_ended, page_url, route_now
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock
from shopapp.models import Shop

PRINTED = (TouchpointKind.PACKAGE_INSERT, TouchpointKind.PACKING_SLIP)


@dataclass(frozen=True)
class Trouble:
    """`text` says what a shopper meets now and what to do. `severe`: the code leads nowhere."""

    touchpoint: Touchpoint
    text: str
    severe: bool = False


def troubles_of(
    shop: Shop, *, channels: Iterable[Channel] | None = None, flows: Mapping[str, str] | None = None
) -> list[Trouble]:
    """Of every code that may be on paper: taken to be printed, scanned, or with a print run, put away or not.

    `channels` and `flows` (key -> status): the shop's, where the caller has read them already.
    """
    printed = (
        Touchpoint.objects.filter(shop=shop, kind__in=PRINTED)
        .annotate(
            run=Exists(PrintBatch.objects.filter(touchpoint=OuterRef("pk"))),
            scanned=Exists(Scan.objects.filter(touchpoint=OuterRef("pk"))),
            for_orders=Exists(Link.objects.filter(touchpoint=OuterRef("pk"), order__isnull=False)),
        )
        .order_by("pk")
    )
    cards = [row for row in printed if row.printed_at or row.run or row.scanned or row.for_orders]
    if not cards:
        return []
    connected = shop.channels.all() if channels is None else channels
    kinds = {one.kind for one in connected if one.status == ChannelStatus.ACTIVE and one.link_address}
    states = dict(shop.flows.values_list("key", "status")) if flows is None else flows
    routes: list[tuple[Touchpoint, dict[str, str], str]] = [(card, {}, "") for card in cards]
    batches = PrintBatch.objects.filter(touchpoint__in=cards).exclude(route={}).select_related("touchpoint")
    routes += [(batch.touchpoint, batch.route, f", batch “{batch.name}”") for batch in batches.order_by("pk")]
    gone: set[str] = set()
    if any({**card.options, **own}.keys() & {"page", "page_after"} for card, own, _ in routes):
        gone = set(PageCheck.objects.filter(shop=shop, missing=True).values_list("path", flat=True))
    return [trouble for card, own, name in routes for trouble in _troubles(shop, card, own, name, kinds, states, gone)]


def note_printed(touchpoint: Touchpoint) -> None:
    Touchpoint.objects.filter(pk=touchpoint.pk).update(printed_at=clock.now())


def _troubles(
    shop: Shop,
    card: Touchpoint,
    own: dict[str, str],
    name: str,
    kinds: set[str],
    flows: Mapping[str, str],
    gone: set[str],
) -> list[Trouble]:
    now = clock.now()
    route = route_now(card.options, own, now=now)
    called = f"“{card.name}”{name}"
    found: list[Trouble] = []
    page = page_url(route.page, primary_url=shop.primary_url, domain=shop.domain)
    if page and route.page in gone:
        text = (
            f"{called} leads to {route.page}, and your website says there is no such page. Choose another, or the chat."
        )
        found.append(Trouble(card, text, severe=True))
    if not page and not kinds:
        text = f"{called} leads nowhere: no chat channel is connected. Connect one, or send its scans to a page."
        found.append(Trouble(card, text, severe=True))
    elif not page and route.channel and route.channel not in kinds:
        label = ChannelKind(route.channel).label if route.channel in ChannelKind.values else route.channel
        text = f"{called} should lead to {label}, which is not connected. Scans go to another channel until it is."
        found.append(Trouble(card, text))
    if route.page and not page:
        found.append(Trouble(card, f"{called}: the page “{route.page}” is no page of your website. Choose another."))
    if route.flow and flows.get(route.flow) != FlowStatus.ON:
        text = f"{called} should start a flow that is off. Scans open the chat, and nothing starts. Switch it on."
        found.append(Trouble(card, text))
    if route.ended and not route.page and has_ended(str(own.get("ends_on") or card.options.get("ends_on")), now=now):
        text = f"{called} belongs to a campaign that is over. Scans open the chat. Choose where they should lead now."
        found.append(Trouble(card, text))
    return found
