"""The inbox's list: tabs, filters, search, and older ones by keyset."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from post_purchase.models import Conversation
from post_purchase.services import inbox
from post_purchase.web.forms.inbox import ListForm
from post_purchase.web.forms.settings import LANGUAGES
from post_purchase.words import ChannelKind

from .answers import page
from .inbox_door import InboxRequest, member_required

MOST_FLOWS = 100


@member_required
@require_GET
def conversations(request: InboxRequest) -> HttpResponse:
    wanted, chosen = wanted_by(request)
    found = inbox.find(shop=request.shop, member=request.member, wanted=wanted)
    counted = inbox.counts(shop=request.shop, member=request.member)
    is_first = wanted == inbox.Wanted()
    return page(
        request,
        "pages/conversations.html",
        rows=found.rows,
        older=urlencode({"view": wanted.tab} | chosen | {"before": cursor(found.more)}) if found.more else "",
        tabs=[(key, name, shown(counted.get(key, 0)), urlencode({"view": key} | chosen)) for key, name in TABS],
        wanted=wanted,
        chosen=chosen,
        is_filtered=bool(chosen),
        any_at_all=bool(found.rows) or not is_first or request.shop.conversations.exists(),
        channels=ChannelKind.choices,
        languages=[(tag.split("-")[0], name) for tag, name in LANGUAGES],
        flows=list(request.shop.flows.order_by("name", "pk").values_list("pk", "name")[:MOST_FLOWS]),
        names={member.user_id: member.display_name for member in request.shop.members.all()},
    )


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
