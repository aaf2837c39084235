"""Rehearsal: what a flow would have done in the shop's own last weeks, before it is switched on."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows import describing
from post_purchase.flows.definition import DocumentError
from post_purchase.flows.editing import problems_of
from post_purchase.flows.rehearsal import past, show, stage
from post_purchase.flows.rehearsal.assumptions import Assumptions
from post_purchase.flows.rehearsal.costs import SERVICE
from post_purchase.flows.rehearsal.show import Moment
from post_purchase.models import Contact, Flow, Order, Rehearsal, RehearsalStatus, RehearsedMessage
from post_purchase.services import rehearsals
from post_purchase.web.forms.rehearsal import DAYS, LABELS, RehearsalForm
from post_purchase.words import ChannelKind, EventKind, Purpose
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw, page, paged, refused, saved
from .charts import WIDTH, Bar
from .flows import flow_of

_WHO = re.compile(r"(contact|order)-(\d{1,18})")
HEARD = {kind.value: kind.value.replace("_", " ").capitalize() for kind in EventKind} | {
    "run_started": "Flow started",
    "run_ended": "Flow ended",
    "handed_off": "Handed to your team",
    "wrote": "Shopper",
}
ALL_OUTCOMES = tuple(RehearsedMessage.Outcome.values)
FRESH = timedelta(days=1)
SILENT = (EventKind.MEDIA_STORED.value, EventKind.MESSAGE_RECEIVED.value)


@shop_required
@require_GET
def rehearsal(request: ShopRequest, pk: int) -> HttpResponse:
    flow = flow_of(request, pk)
    newest = Rehearsal.objects.filter(flow=flow).order_by("-pk").first()
    html = drawn(request, flow, newest)
    assumed = Assumptions.from_json(newest.assumptions) if newest else Assumptions()
    values = assumed.to_json()
    return page(
        request,
        "pages/rehearsal.html",
        flow=flow,
        newest=newest,
        html=html,
        mark=mark_of(newest, flow) if newest else "",
        problems=problems_of(flow.draft),
        changed=flow.live_version is None or flow.live_version.document != flow.draft,
        assumptions=[(name, label, values[name]) for name, label in LABELS.items()],
        spans=DAYS,
        days=(newest.until - newest.since).days if newest else past.DAYS,
    )


@shop_required
@require_POST
def start(request: ShopRequest, pk: int) -> HttpResponse:
    flow = flow_of(request, pk)
    if problems := problems_of(flow.draft):
        return refused(f"It cannot be rehearsed yet: {problems[0]}")
    where = f"/app/flows/{flow.pk}/rehearsal?{request.frame_query}"
    newest = Rehearsal.objects.filter(flow=flow).order_by("-pk").first()
    if request.POST.get("if_needed") and newest is not None and is_fresh(newest, flow):
        return saved(go=where)
    form = RehearsalForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    assumed: Assumptions = form.cleaned_data["assumed"]
    days = form.cleaned_data["days"] or past.DAYS
    rehearsals.ask(flow=flow, assumptions=assumed.to_json(), days=int(days), user=request.shop_user)
    return saved("The rehearsal has begun. Nothing is sent.", go=where)


def is_fresh(newest: Rehearsal, flow: Flow) -> bool:
    """The same draft was played today, or is being played."""
    if newest.document != flow.draft:
        return False
    return newest.is_open or (newest.status == RehearsalStatus.DONE and newest.asked_at > clock.now() - FRESH)


@shop_required
@require_GET
def live(request: ShopRequest, pk: int) -> HttpResponse:
    """The state or the result as HTML, or 304: the mark is known without drawing."""
    row = rehearsal_of(request, pk)
    mark = mark_of(row, row.flow)
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304, headers={"ETag": mark})
    return HttpResponse(drawn(request, row.flow, row), headers={"ETag": mark})


@shop_required
@require_POST
def cancel(request: ShopRequest, pk: int) -> HttpResponse:
    row = rehearsal_of(request, pk)
    return saved("Stopped." if rehearsals.cancel(rehearsal=row) else "It had ended already.")


@shop_required
@require_GET
def messages(request: ShopRequest, pk: int) -> HttpResponse:
    """Every message, one by one: who would have got it, when, and why not."""
    row = rehearsal_of(request, pk)
    outcome, flow_key = request.GET.get("outcome", ""), request.GET.get("flow", "")[:64]
    search = request.GET.get("q", "").strip()[:64]
    rows = row.messages.select_related("order", "contact")
    if outcome == "held":
        rows = rows.filter(held=True)
    elif outcome in RehearsedMessage.Outcome.values:
        rows = rows.filter(outcome=outcome)
    if flow_key:
        rows = rows.filter(flow_key=flow_key)
    if search:
        by_name = Q(contact__first_name__istartswith=search) | Q(contact__last_name__istartswith=search)
        rows = rows.filter(by_name | Q(order__name__iexact=search) | Q(order__name__iexact=f"#{search}"))
    found = paged(request, rows.order_by("queued_at", "pk"))
    names = {one["key"]: one["name"] for one in row.result.get("flows", ())}
    titles = {(one["flow"], one["message"]): one["title"] for one in row.result.get("messages", ()) if one.get("title")}
    return page(
        request,
        "pages/rehearsed_messages.html",
        row=row,
        flow=row.flow,
        rows=found,
        lines=[
            (
                message,
                titles.get((message.flow_key, message.message), title_of(message.message)),
                names.get(message.flow_key, message.flow_key),
                who_of(message),
            )
            for message in found
        ],
        flows=list(names.items()),
        chosen_flow=flow_key,
        outcomes=[("", "Everything"), *RehearsedMessage.Outcome.choices, ("held", "Held first")],
        chosen=outcome,
        search=search,
        path=f"/app/rehearsals/{row.pk}/messages",
        filters=_filters(outcome=outcome, flow=flow_key, q=search),
        hidden=unlisted_of(row.result),
    )


@shop_required
@require_GET
def journey(request: ShopRequest, pk: int, who: str) -> HttpResponse:
    """One person's weeks on a time line, with the words that they would have read. Made anew at each look."""
    row = rehearsal_of(request, pk)
    match = _WHO.fullmatch(who)
    if match is None or row.status != RehearsalStatus.DONE:
        raise Http404
    number = int(match[2])
    key: past.Key = (number, None) if match[1] == "contact" else (None, number)
    theatre = past.theatre_of(row.shop, row.since, row.until)
    try:
        found = show.journey(theatre, stage.script_of(row), key)
    except DocumentError as error:
        raise Http404 from error
    if found is None:
        raise Http404
    person, moments, outcome = found
    contact = person.orders[0].row.contact
    names = {one["key"]: one["name"] for one in row.result.get("flows", ())}
    return page(
        request,
        "pages/rehearsed_journey.html",
        row=row,
        flow=row.flow,
        name=contact.display_name if contact else "Shopper",
        lines=[line_of(moment, names) for moment in moments if moment.what not in SILENT],
        sent=sum(1 for told in outcome.told if told.at is not None),
    )


def rehearsal_of(request: ShopRequest, pk: int) -> Rehearsal:
    rows = Rehearsal.objects.filter(shop=request.shop)
    return get_object_or_404(rows.select_related("flow__live_version", "shop__settings"), pk=pk)


def who_of(message: RehearsedMessage) -> str:
    """The journey's address: numbers, no names."""
    if message.contact_id is not None:
        return f"contact-{message.contact_id}"
    return f"order-{message.order_id}" if message.order_id is not None else ""


def unlisted_of(result: dict[str, Any]) -> int:
    """Messages that are counted, but of which no row was kept."""
    return max(0, sum(result["outcomes"][name] for name in ALL_OUTCOMES) - result["listed"]) if result else 0


def title_of(message: str) -> str:
    return message.replace("_", " ").capitalize()


def mark_of(row: Rehearsal, flow: Flow) -> str:
    """Changes with everything that the live part shows."""
    seen = (row.pk, row.status, row.done, row.total, flow.status, flow.live_version_id, flow.draft_saved_at)
    return f'"{hashlib.sha256(repr(seen).encode()).hexdigest()[:24]}"'


def _filters(**values: str) -> str:
    chosen = {name: value for name, value in values.items() if value}
    return f"&{urlencode(chosen)}" if chosen else ""


@dataclass(frozen=True)
class Line:
    """One line of a journey, as the template draws it."""

    moment: Moment
    title: str
    text: str = ""
    state: str = ""  # sent, waiting, not_sent, shopper, or empty: news
    channel: str = ""


def line_of(moment: Moment, names: dict[str, str]) -> Line:
    told = moment.told
    if told is None:
        if moment.what == "wrote":
            return Line(moment, "Shopper (assumed)", moment.about, "shopper")
        return Line(moment, HEARD.get(moment.what, moment.what), moment.about)
    channel = ChannelKind(told.kind).label if told.kind else ""
    if told.mode == "template":
        channel += ", approved template"
    return Line(moment, names.get(told.flow, told.flow), moment.shown, told.outcome, channel)


def drawn(request: ShopRequest, flow: Flow, row: Rehearsal | None) -> str:
    """The state or the result: what the live part shows."""
    if row is None:
        return ""
    result = row.result
    context: dict[str, Any] = {"row": row, "flow": flow, "result": result}
    if row.status == RehearsalStatus.DONE:
        context |= {
            "own": result.get("own"),
            "idle": why_idle(row) if result["people"] and result.get("own") and not result["own"]["started"] else "",
            "alone": len(result["flows"]) == 1,
            "bars": bars_of(result["histogram"]),
            "examples": examples_of(row),
            "difference": {(one["flow"], one["message"]): one for one in (result["difference"] or {}).get("rows", ())},
            "messages": messages_of(result),
            "gone": gone_of(result),
            "cost_lines": [line | {"label": label_of(line)} for line in result["cost"]["lines"]],
            "changed": flow.live_version is None or flow.live_version.document != flow.draft,
            "old": row.document != flow.draft,
        }
    return draw(request, "parts/rehearsal.html", **context)


NEVER_PLAYED = frozenset(  # the past knows nothing of it that could be played
    {
        EventKind.MESSAGE_RECEIVED, EventKind.MEDIA_STORED, EventKind.REVIEW_WANTED, EventKind.STARTED_BY_HAND,
        EventKind.SHOPIFY_FLOW, EventKind.API_CALLED,
    }
)  # fmt: skip


def why_idle(row: Rehearsal) -> str:
    """Why the rehearsed flow did not begin once, in plain words."""
    trigger = row.document.get("trigger") or {}
    kinds, days = [str(kind) for kind in trigger.get("news") or ()], (row.until - row.since).days
    unplayed = [kind for kind in kinds if kind in NEVER_PLAYED]
    heard, condition = row.result["own"]["heard"], describing.condition(trigger.get("if"))
    begins = f"It begins when {describing.news(kinds)}{f', if {condition}' if condition else ''}."
    if heard:
        times = "once" if heard == 1 else f"{heard} times"
        return f"{begins} That news came {times} in these {days} days, but what else it asks for was not so."
    if len(unplayed) == len(kinds):
        return f"{begins} That cannot be rehearsed: the past weeks do not tell when it would have been."
    rest = f" And it cannot be rehearsed when {describing.news(unplayed)}." if unplayed else ""
    kept = " We know of it only as long as we keep such news." if EventKind.CONVERSATION_CLOSED in kinds else ""
    return f"{begins} That did not happen once in these {days} days.{kept}{rest}"


def messages_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """By flow and message, with how many go out today; the rehearsed flow's own first."""
    own = {flow["key"] for flow in result["flows"] if flow["rehearsed"]}
    rows = sorted(result["messages"], key=lambda one: one["flow"] not in own)
    names = {flow["key"]: flow["name"] for flow in result["flows"]}
    changes = {(one["flow"], one["message"]): one for one in (result["difference"] or {}).get("rows", ())}
    return [
        one
        | {
            "name": one.get("title") or title_of(one["message"]),
            "flow_name": names.get(one["flow"], one["flow"]),
            "label": Purpose(one["purpose"]).label if one["purpose"] else "",
            "now": changes.get((one["flow"], one["message"]), {}).get("now", one["sent"]),
        }
        for one in rows
    ]


def gone_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Messages that go out today and would no longer."""
    there = {(one["flow"], one["message"]) for one in result["messages"]}
    rows = (result["difference"] or {}).get("rows", ())
    return [one | {"name": title_of(one["message"])} for one in rows if (one["flow"], one["message"]) not in there]


def label_of(line: dict[str, Any]) -> str:
    kind = ChannelKind(line["kind"]).label
    if line["category"] == SERVICE:
        return f"{kind}, {SERVICE}"
    return f"{kind}, {line['category']}"


def examples_of(row: Rehearsal) -> list[tuple[str, str, str, int]]:
    """(why it is worth a look, the journey's address, the shopper's name, messages)"""
    found = [(why, key.replace(":", "-"), n) for why, key, n in row.result["examples"]]
    contacts = [int(key.removeprefix("contact-")) for _, key, _ in found if key.startswith("contact-")]
    names = {contact.pk: contact.display_name for contact in Contact.objects.filter(shop=row.shop, pk__in=contacts)}
    orders = [int(key.removeprefix("order-")) for _, key, _ in found if key.startswith("order-")]
    numbers = dict(Order.objects.filter(shop=row.shop, pk__in=orders).values_list("pk", "name")) if orders else {}
    rows = []
    for why, key, n in found:
        kind, _, number = key.partition("-")
        name = names.get(int(number)) if kind == "contact" else numbers.get(int(number))
        if name is not None:
            rows.append((why, key, name, n))
    return rows


def bars_of(histogram: list[list[int]]) -> list[Bar]:
    """How many people get how many messages. Nobody's zero has a bar too."""
    top = max((people for _, people in histogram), default=0) or 1
    place = WIDTH / max(len(histogram), 1)
    last = len(histogram) - 1
    return [
        Bar(
            x=f"{index * place + place * 0.1:.1f}",
            y=f"{100 - people / top * 100:.1f}",
            width=f"{place * 0.8:.1f}",
            height=f"{people / top * 100:.1f}",
            label=f"{number}+" if index == last and number >= 12 else str(number),
            number=people,
        )
        for index, (number, people) in enumerate(histogram)
    ]
