"""Home: what is set up, what happened today, and what needs a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings as django_settings
from django.db.models import Count, F, Q, Window
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import Channel, ChannelStatus, FlowStatus, Scan
from post_purchase.services.inbox import NEEDS_PERSON
from post_purchase.services.print_health import troubles_of
from post_purchase.services.shops import settings_of
from post_purchase.services.team_alerts import last_trouble
from post_purchase.services.template_library import RECLASSED
from post_purchase.words import Direction, MessageStatus, TouchpointKind
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, saved, zone_of

SHOWN = 3  # of those who wait for a person


@dataclass(frozen=True)
class Task:
    title: str
    text: str
    done: bool
    path: str
    action: str


@shop_required
@require_GET
def ping(request: ShopRequest) -> HttpResponse:
    """The authenticated fetch that every first page makes."""
    return HttpResponse(status=204)


@shop_required
@require_GET
def home(request: ShopRequest) -> HttpResponse:
    shop = request.shop
    settings = settings_of(shop)
    channels = list(shop.channels.annotate(reclassed=Count("templates", filter=RECLASSED)).order_by("pk"))
    flows = dict(shop.flows.values_list("key", "status"))
    tasks = set_up_tasks(shop, channels=channels, flows=flows)
    waiting = shop.conversations.filter(NEEDS_PERSON, contact__merged_into=None).select_related("order")
    counted = waiting.annotate(of_all=Window(Count("pk")))
    longest = list(counted.order_by(F("waits_since").asc(nulls_last=True), "pk")[:SHOWN])
    return page(
        request,
        "pages/home.html",
        settings=settings,
        tasks=tasks,
        tasks_done=sum(task.done for task in tasks),
        show_tasks=settings.onboarding_dismissed_at is None,
        all_done=all(task.done for task in tasks),
        numbers=numbers_of_today(shop, clock.now()),
        troubles=troubles_of(shop, channels=channels, flows=flows),
        reclassed=sum(each.reclassed for each in channels if each.status != ChannelStatus.DISCONNECTED),
        halted=[channel for channel in channels if channel.status == ChannelStatus.HALTED],
        blocks=checkout_blocks(shop),
        waiting=longest[0].of_all if longest else 0,
        longest=longest,
        alert_trouble=last_trouble(shop),
    )


@shop_required
@require_POST
def dismiss_set_up(request: ShopRequest) -> HttpResponse:
    settings = settings_of(request.shop)
    settings.onboarding_dismissed_at = clock.now()
    settings.save(update_fields=["onboarding_dismissed_at"])
    return saved("The checklist is put away")


def set_up_tasks(shop: Shop, *, channels: Sequence[Channel], flows: dict[str, str]) -> list[Task]:
    """Each is asked of the rows, so that a tick always means that it really works."""
    connected = any(channel.status == ChannelStatus.ACTIVE for channel in channels)
    flows_on = FlowStatus.ON in flows.values()
    placed = shop.touchpoints.filter(first_scan_at__isnull=False).exists()
    talked = shop.conversations.filter(last_inbound_at__isnull=False).exists()
    return [
        Task(
            "Connect a channel",
            "WhatsApp, Messenger or e-mail: where shoppers will talk with you.",
            connected,
            "/app/settings/channels",
            "Connect",
        ),
        Task(
            "Switch on a flow",
            "Order updates and photo reviews are written and translated. Change what you like, then switch them on.",
            flows_on,
            "/app/flows",
            "Choose flows",
        ),
        Task(
            "Place a touchpoint",
            "The thank-you page, your order e-mail, or a card in the parcel. Ticked at the first tap or scan.",
            placed,
            "/app/touchpoints",
            "Place one",
        ),
        Task(
            "Have a test conversation",
            "Open your own chat link on your phone and say hello.",
            talked,
            "/app/touchpoints",
            "Get the link",
        ),
    ]


@dataclass(frozen=True)
class Block:
    """One of our blocks at Shopify. `shopify.app.extensions()` says in the browser whether it is placed."""

    name: str
    target: str  # of a checkout block; of a theme's, `theme:` and the name of its file in extensions/theme/blocks
    link: str  # opens the editor on the right page, with our block in it where Shopify has an address for that


def checkout_blocks(shop: Shop) -> list[Block]:
    # shopify.dev/docs/apps/build/online-store/theme-app-extensions/configuration, "Deep linking": a theme embed
    # by `activateAppId`, a section's block by `addAppBlockId`, each with API key and file name. The checkout editor's
    # `page` and `context` are what its own address shows; Shopify documents no address that adds a block there.
    editor = f"https://{shop.domain}/admin/settings/checkout/editor?context=apps&page="
    theme = f"https://{shop.domain}/admin/themes/current/editor?"
    key = django_settings.SHOPIFY_API_KEY
    return [
        Block("Thank-you page block", "purchase.thank-you.block.render", f"{editor}thank-you"),
        Block("Order status page block", "customer-account.order-status.block.render", f"{editor}order-status"),
        Block("Announcement (instead of the block)", "purchase.thank-you.announcement.render", f"{editor}thank-you"),
        Block(
            "Chat bubble in your store",
            "theme:chat-bubble",
            f"{theme}context=apps&template=index&activateAppId={key}/chat-bubble",
        ),
        Block(
            "Reviews on product pages",
            "theme:reviews",
            f"{theme}template=product&addAppBlockId={key}/reviews&target=newAppsSection",
        ),
    ]


PLACED_BY = {  # what a block is of
    TouchpointKind.THANK_YOU_PAGE: ("purchase.thank-you.block.render",),
    TouchpointKind.ORDER_STATUS_PAGE: ("customer-account.order-status.block.render",),
    TouchpointKind.STOREFRONT: ("theme:chat-bubble",),
}


def blocks_of(shop: Shop, kind: str) -> list[Block]:
    """The blocks that place this kind of touchpoint."""
    targets = PLACED_BY.get(TouchpointKind(kind), ())
    return [block for block in checkout_blocks(shop) if set(block.target.split()) & set(targets)]


def numbers_of_today(shop: Shop, now: datetime) -> list[tuple[str, Any]]:
    """(what, how many) since midnight in the shop's time zone. Test orders' talk counts too: it is real talk."""
    midnight = now.astimezone(zone_of(shop)).replace(hour=0, minute=0, second=0, microsecond=0)
    out = Q(direction=Direction.OUT)
    counts = shop.messages.filter(happened_at__gte=midnight).aggregate(
        received=Count("pk", filter=Q(direction=Direction.IN)),
        sent=Count("pk", filter=out & Q(sent_at__isnull=False)),
        read=Count("pk", filter=out & Q(status=MessageStatus.READ)),
        failed=Count("pk", filter=out & Q(status=MessageStatus.FAILED)),
    )
    scans = Scan.objects.filter(link__shop=shop, scanned_at__gte=midnight, robot=False, test=False).count()
    return [
        ("Taps and scans", scans),
        ("Messages from shoppers", counts["received"]),
        ("Messages sent", counts["sent"]),
        ("Read", counts["read"]),
        ("Failed", counts["failed"]),
        ("Reviews", shop.reviews.filter(submitted_at__gte=midnight).exclude(order__test=True).count()),
    ]
