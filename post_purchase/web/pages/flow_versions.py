"""Publishing a draft, with people inside; versions, what is different between them, and the way back."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from post_purchase.flows import describing, moving, paths
from post_purchase.flows.definition import DocumentError
from post_purchase.flows.diffing import differences
from post_purchase.flows.editing import NotPublished, problems_of, publish, roll_back, set_share
from post_purchase.flows.moving import STAY
from post_purchase.models import Flow, FlowStatus, FlowVersion
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved
from .flow_editor import by_whom, language_names
from .flows import flow_of

SHARES = (100, 5, 10, 25, 50)
INSIDE = {
    "finish": "Let them finish with the words and waits that they started with",
    "move": "Move them to the new version; a wait that runs keeps its end",
    "retime": "Move them, and reckon their waits by the new delays",
}
MOST_SHOWN = 60


@shop_required
@require_http_methods(["GET", "POST"])
def publishing(request: ShopRequest, pk: int) -> HttpResponse:
    return _publish(request, pk) if request.method == "POST" else _before(request, pk)


def _before(request: ShopRequest, pk: int) -> HttpResponse:
    row = flow_of(request, pk)
    live = row.live_version
    return page(
        request,
        "pages/flow_publish.html",
        flow=row,
        problems=problems_of(row.draft),
        changes=differences(live.document, row.draft, language_names()) if live else [],
        same=live is not None and live.document == row.draft,
        first=live is None,
        people=moving.people_inside(row),
        waiting=_waiting(row),
        ways=INSIDE.items(),
        shares=[(share, "All of them" if share == 100 else f"{share} of 100 first") for share in SHARES],
    )


def _waiting(row: Flow) -> list[dict[str, Any]]:
    """Each place where people wait, with the places where they could go on."""
    versions = {one.pk: one for one in row.versions.all()} if row.live_version_id else {}
    new = paths.steps_of(row.draft)
    found = []
    suggested: dict[int, dict[str, str]] = {}
    for place in moving.inside(row)[:MOST_SHOWN]:
        document = versions[place.version].document
        if place.version not in suggested:
            suggested[place.version] = moving.suggest(document, row.draft)
        step = paths.steps_of(document).get(place.step, {})
        target = suggested[place.version].get(place.step, STAY)
        options = [(STAY, "Let these finish in their version", target == STAY)]
        options += [(name, describing.title_of(name, one), name == target) for name, one in new.items()]
        found.append(
            {
                "place": place,
                "title": describing.title_of(place.step, step),
                "kind": describing.kind_name(step.get("kind")),
                "name": f"to#{place.version}#{place.step}",
                "options": options,
            }
        )
    return found


def _publish(request: ShopRequest, pk: int) -> HttpResponse:
    row = flow_of(request, pk)
    share, inside = request.POST.get("share", "100"), request.POST.get("inside", "finish")
    if not (share.isascii() and share.isdigit() and int(share) in SHARES) or inside not in INSIDE:
        return refused("Choose what happens to the people inside, and who gets the new version.")
    if int(share) < 100 and inside != "finish":
        return refused(
            "While only a share gets the new version, let the people inside finish.",
            errors={"inside": "Choose “Let them finish”, or give the new version to all."},
        )
    try:
        version = publish(row, request.shop_user, share=int(share))
    except DocumentError as error:
        return refused(f"It cannot be published yet: {error.problems[0]}")
    address = f"/app/flows/{row.pk}"
    if int(share) < 100 and version.pk != row.live_version_id:
        return saved(f"Version {version.number} goes to {share} of 100 new ones first.", go=address)
    off = "" if row.status == FlowStatus.ON else " The flow is still off."
    move = None
    if inside != "finish":
        move = moving.ask_to_move(row, version, _chosen(request), retime=inside == "retime", user=request.shop_user)
    moved = " The people inside are being moved." if move else ""
    return saved(f"Version {version.number} is live for new orders.{moved}{off}", go=address)


def _chosen(request: ShopRequest) -> dict[tuple[int, str], str]:
    found = {}
    for name, target in request.POST.items():
        start, _, rest = name.partition("#")
        version, _, step = rest.partition("#")
        if start == "to" and version.isascii() and version.isdigit() and len(version) < 18:
            found[int(version), step] = str(target)
    return found


@shop_required
@require_POST
def share(request: ShopRequest, pk: int) -> HttpResponse:
    row, wanted = flow_of(request, pk), request.POST.get("share", "")
    if not (wanted.isascii() and wanted.isdigit() and int(wanted) in (0, *SHARES)):
        return refused("Choose a share from the list.")
    try:
        row = set_share(row, int(wanted))
    except NotPublished as error:
        return refused(f"{error}.")
    if wanted == "0":
        return saved("Taken back. Who has begun with it finishes with it; new ones get the live version.")
    return saved("It is live for all now." if wanted == "100" else f"{wanted} of 100 new ones get it from now on.")


@shop_required
@require_GET
def versions(request: ShopRequest, pk: int) -> HttpResponse:
    """Every version with who, when, and what it changed."""
    row = flow_of(request, pk)
    rows = list(row.versions.order_by("-number")[:21])
    people = {place.version: 0 for place in moving.inside(row)}
    for place in moving.inside(row):
        people[place.version] += place.people
    listed = [
        {
            "version": one,
            "by": by_whom(request, one.published_by).rstrip(","),
            "changes": differences(before.document, one.document, language_names()) if before else [],
            "first": before is None,
            "people": people.get(one.pk, 0),
        }
        for one, before in zip(rows, [*rows[1:], None], strict=True)
    ][:20]
    draft = differences(row.live_version.document, row.draft, language_names()) if row.live_version else []
    moves = list(row.moves.select_related("to_version").order_by("-pk")[:5])
    return page(request, "pages/flow_versions.html", flow=row, listed=listed, draft=draft, moves=moves)


@shop_required
@require_POST
def go_back(request: ShopRequest, pk: int, number: int) -> HttpResponse:
    """An earlier version is live again at once."""
    row = flow_of(request, pk)
    version: FlowVersion = get_object_or_404(row.versions, number=number)
    try:
        made = roll_back(row, version, request.shop_user)
    except DocumentError as error:
        return refused(f"This version cannot be used any more: {error.problems[0]}")
    return saved(f"Version {number} is live again for new orders, as version {made.number}. The draft is as it was.")
