"""The inbox's list: tabs, filters, search, and older ones by keyset."""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings as app
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from post_purchase.models import Conversation
from post_purchase.services import inbox
from post_purchase.services.shops import settings_of
from post_purchase.web.forms.inbox import ListForm
from post_purchase.web.forms.settings import LANGUAGES
from post_purchase.words import ChannelKind
from shopapp.lib import clock

from .answers import draw, live, mark_of, page
from .inbox_door import InboxRequest, member_required

MOST_FLOWS = 100


@member_required
@require_GET
def conversations(request: InboxRequest) -> HttpResponse:
    wanted, chosen = wanted_by(request)
    rows, found = rows_html(request, wanted, chosen)
    counted = inbox.counts(shop=request.shop, member=request.member)
    is_first = wanted == inbox.Wanted()
    return page(
        request,
        "pages/conversations.html",
        rows=rows,
        mark=mark_of(rows),
        live=f"/app/conversations/live?{urlencode({'view': wanted.tab} | chosen)}",
        stream=app.CHAT_STREAM_URL,
        tabs=[(key, name, shown(counted.get(key, 0)), urlencode({"view": key} | chosen)) for key, name in TABS],
        wanted=wanted,
        chosen=chosen,
        any_at_all=bool(found.rows) or not is_first or request.shop.conversations.exists(),
        channels=ChannelKind.choices,
        languages=[(tag.split("-")[0], name) for tag, name in LANGUAGES],
        flows=list(request.shop.flows.order_by("name", "pk").values_list("pk", "name")[:MOST_FLOWS]),
    )


@member_required
@require_GET
def conversations_live(request: InboxRequest) -> HttpResponse:
    """The list's rows as HTML, or 304 when nothing has changed."""
    rows, _ = rows_html(request, *wanted_by(request))
    return live(request, rows)


@member_required
@require_GET
def news(request: InboxRequest) -> HttpResponse:
    """For the browser's notifications: whether something is new, never who or what."""
    unread = request.member.unread.order_by("-pk")
    return JsonResponse({"newest": unread.values_list("pk", flat=True).first() or 0, "unread": unread.count()})


def rows_html(request: InboxRequest, wanted: inbox.Wanted, chosen: dict[str, str]) -> tuple[str, inbox.Found]:
    found = inbox.find(shop=request.shop, member=request.member, wanted=wanted)
    now, settings = clock.now(), settings_of(request.shop)
    html = draw(
        request,
        "parts/talks.html",
        rows=found.rows,
        older=urlencode({"view": wanted.tab} | chosen | {"before": cursor(found.more)}) if found.more else "",
        wanted=wanted,
        is_filtered=bool(chosen),
        names={member.user_id: member.display_name for member in request.members},
        late_before=now - timedelta(minutes=settings.first_response_minutes),
        overdue_before=now - timedelta(hours=settings.resolution_hours),
    )
    return html, found


TABS = [(str(key), name) for key, name in inbox.TABS.items()]


def shown(count: int) -> str:
    if count >= inbox.MOST_COUNTED:
        return f"{inbox.MOST_COUNTED - 1}+"
    return str(count) if count else ""


def wanted_by(request: InboxRequest) -> tuple[inbox.Wanted, dict[str, str]]:
    """What the address asks for, and the filters among it, to keep in links."""
    form = ListForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data
    tab = request.GET.get("view", "")
    tab = {"person": "team"}.get(tab, tab)
    wanted = inbox.Wanted(
        tab=tab if tab in inbox.TABS else "open",
        search=asked.get("q", ""),
        channel=asked.get("channel", ""),
        language=asked.get("language", ""),
        flow=asked.get("flow"),
        product=asked.get("product", ""),
        before=asked.get("before"),
    )
    filters = {name: asked.get(name) for name in ("q", "channel", "language", "flow", "product")}
    return wanted, {name: str(value) for name, value in filters.items() if value}


def cursor(row: Conversation) -> str:
    return f"{row.last_message_at.isoformat() if row.last_message_at else ''}_{row.pk}"
