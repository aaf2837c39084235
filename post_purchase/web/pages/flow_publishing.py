"""The page before a version goes live: what changes, who waits where, how they go on, and who gets it first."""

from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from post_purchase.flows import describing, moving, paths
from post_purchase.flows.definition import DocumentError
from post_purchase.flows.diffing import Change, differences
from post_purchase.flows.editing import problems_of, switch_on
from post_purchase.flows.going_live import (
    DRAFT,
    FINISH,
    MOVE,
    OLDER,
    RETIME,
    TRIAL,
    Candidate,
    NothingThere,
    Outdated,
    Unanswered,
    candidate,
    go_live,
)
from post_purchase.flows.moving import STAY
from post_purchase.flows.troubles import in_words
from post_purchase.models import Flow, FlowStatus, FlowVersion, RunMove
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved
from .flow_editor import language_names
from .flows import flow_of

SHARES = (100, 5, 10, 25, 50)
WAYS = {
    FINISH: "Let them finish with the words and waits that they started with",
    MOVE: "Move them to the new version; a wait that runs keeps its end",
    RETIME: "Move them, and reckon their waits by the new delays",
}
MOST_SHOWN = 60
MOST_VERSIONS = 5


@shop_required
@require_http_methods(["GET", "POST"])
def publishing(request: ShopRequest, pk: int) -> HttpResponse:
    row = flow_of(request, pk)
    try:
        return _go(request, row) if request.method == "POST" else _before(request, row)
    except NothingThere:
        raise Http404 from None


def _before(request: ShopRequest, row: Flow) -> HttpResponse:
    what = candidate(row, request.GET.get("of", DRAFT))
    live = row.live_version
    older = what.of == OLDER
    return page(
        request,
        "pages/flow_publish.html",
        flow=row,
        what=what,
        heading=_heading(row, what),
        button={DRAFT: "Publish", TRIAL: "Give it to all", OLDER: "Move them"}.get(what.of, "Roll back"),
        problems=problems_of(what.document) if not older else [],
        changes=differences(live.document, what.document, language_names()) if live else [],
        older=older,
        fresh=_fresh(row, what) if older else [],
        switch_on=request.GET.get("on") == "1",
        same=live is not None and what.version == live and not older,
        first=live is None,
        people=moving.people_inside(row, what.left_alone),
        waiting=waiting_for(row, what),
        ways=[(key, words) for key, words in WAYS.items() if not (older and key == FINISH)],
        shares=[(share, "All of them" if share == 100 else f"{share} of 100 first") for share in SHARES]
        if live and what.of == DRAFT
        else [],
    )


def _fresh(row: Flow, what: Candidate) -> list[tuple[int, list[Change]]]:
    """What would change for who is inside an older version: [(its number, changes)]."""
    numbers = {one.version: one.number for one in moving.inside(row, what.left_alone)}
    documents = row.versions.filter(pk__in=numbers).order_by("-number").values_list("number", "document")
    return [(number, differences(old, what.document, language_names())) for number, old in documents[:MOST_VERSIONS]]


def _heading(row: Flow, what: Candidate) -> str:
    if what.of == TRIAL and what.version is not None:
        return f"Give version {what.version.number} to all"
    if what.of == OLDER:
        return f"People in older versions of {row.name}"
    return f"Publish {row.draft.get('name') or row.name}" if what.of == DRAFT else f"Roll back to version {what.of}"


def waiting_for(row: Flow, what: Candidate) -> list[dict[str, Any]]:
    """Each place where people wait who would be asked about, with the places where they could go on."""
    places = moving.inside(row, what.left_alone)[:MOST_SHOWN]
    documents = dict(row.versions.filter(pk__in={one.version for one in places}).values_list("pk", "document"))
    suggested = {pk: moving.suggest(document, what.document) for pk, document in documents.items()}
    new = paths.steps_of(what.document)
    found = []
    for place in places:
        step = paths.steps_of(documents[place.version]).get(place.step, {})
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


def _go(request: ShopRequest, row: Flow) -> HttpResponse:
    of, how, share = request.POST.get("of", DRAFT), request.POST.get("inside", ""), request.POST.get("share", "100")
    if not (share.isascii() and share.isdigit() and int(share) in SHARES) or how not in ("", *WAYS):
        return refused("Choose what happens to the people inside, and who gets the new version.")
    if int(share) < 100 and how in (MOVE, RETIME):
        return refused(
            "While only a share gets the new version, the people inside stay in theirs. "
            "You are asked about them when you give it to all.",
            errors={"inside": "Choose “Let them finish”, or give the new version to all."},
        )
    seen = request.POST.get("seen", "")
    try:
        version, move = go_live(
            row, of, how=how, chosen=_chosen(request), user=request.shop_user, share=int(share), seen=seen
        )
    except DocumentError as error:
        return refused(f"It cannot be published yet. {in_words(row.draft, error.problems[0], language_names())}.")
    except Outdated:
        return refused("It has changed since you looked at it. Open this page again and look at what changes now.")
    except Unanswered as error:
        are = "1 person is" if error.people == 1 else f"{error.people} people are"
        return refused(
            f"{are} inside now. Open this page again, look who waits where, and choose what happens to them.",
            errors={"inside": "Choose what happens to them."},
        )
    row.refresh_from_db()
    if request.POST.get("on") and row.live_version_id == version.pk:
        row = switch_on(row, request.shop_user)
    return saved(_told(row, of, version, move), go=f"/app/flows/{row.pk}{'' if of == DRAFT else '/versions'}")


def _told(row: Flow, of: str, version: FlowVersion, move: RunMove | None) -> str:
    moved = " The people inside are being moved." if move else ""
    if of == OLDER:
        return moved.strip() or "Nobody is in an older version any more."
    if row.live_version_id != version.pk:
        return f"Version {version.number} goes to {row.canary_share} of 100 new ones first."
    if of == TRIAL:
        return f"Version {version.number} is live for all now.{moved}"
    if of != DRAFT:
        return f"Version {of} is live again for new orders, as version {version.number}. The draft is as it was.{moved}"
    off = "" if row.status == FlowStatus.ON else " The flow is still off."
    return f"Version {version.number} is live for new orders.{moved}{off}"


def _chosen(request: ShopRequest) -> dict[tuple[int, str], str]:
    found = {}
    for name, target in request.POST.items():
        start, _, rest = name.partition("#")
        version, _, step = rest.partition("#")
        if start == "to" and version.isascii() and version.isdigit() and len(version) < 18:
            found[int(version), step] = str(target)
    return found
