"""Versions: what is different between them, who is still in which, and how much of the new ones a trial gets."""

from datetime import timedelta
from itertools import zip_longest

from django.db.models import Q
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows import moving
from post_purchase.flows.diffing import Change, differences
from post_purchase.flows.editing import NotPublished, set_share
from post_purchase.flows.going_live import OLDER, candidate
from post_purchase.models import Flow
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved
from .flow_editor import by_whom, language_names
from .flow_publishing import SHARES, waiting_for
from .flows import flow_of

MOVES_SHOWN = timedelta(days=7)


@shop_required
@require_POST
def share(request: ShopRequest, pk: int) -> HttpResponse:
    """More of the new ones get what is on trial, or none do. All: flow_publishing, which asks about those inside."""
    row, wanted = flow_of(request, pk), request.POST.get("share", "")
    if not (wanted.isascii() and wanted.isdigit() and int(wanted) in (0, *SHARES) and int(wanted) < 100):
        return refused("Choose a share from the list.")
    try:
        set_share(row, int(wanted))
    except NotPublished as error:
        return refused(f"{error}.")
    if wanted == "0":
        return saved("Taken back. Who has begun with it finishes with it; new ones get the live version.")
    return saved(f"{wanted} of 100 new ones get it from now on.")


@shop_required
@require_GET
def versions(request: ShopRequest, pk: int) -> HttpResponse:
    """Every version with who, when, and what it changed."""
    row = flow_of(request, pk)
    rows = list(row.versions.order_by("-number")[:21])
    people = moving.people_by_version(row)
    listed = [
        {
            "version": one,
            "by": by_whom(request, one.published_by),
            "changes": differences(before.document, one.document, language_names()) if before else [],
            "first": before is None,
            "people": people.get(one.pk, 0),
        }
        for one, before in zip_longest(rows, rows[1:])
    ][:20]
    older = candidate(row, OLDER) if row.live_version_id else None
    newest = Q(done_at=None) | Q(done_at__gte=clock.now() - MOVES_SHOWN)
    return page(
        request,
        "pages/flow_versions.html",
        flow=row,
        listed=listed,
        draft=_draft(row),
        moves=list(row.moves.filter(newest).select_related("to_version").order_by("-pk")[:5]),
        older=sum(number for version, number in people.items() if older and version not in older.left_alone),
        waiting=waiting_for(row, older) if older else [],
    )


def _draft(row: Flow) -> list[Change]:
    """What the draft would change; nothing where it is live or on trial already."""
    if row.live_version is None or (row.canary_version is not None and row.canary_version.document == row.draft):
        return []
    return differences(row.live_version.document, row.draft, language_names())
