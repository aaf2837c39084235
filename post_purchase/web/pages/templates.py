"""Message templates: how each stands at the network, what a re-classing costs, and writing one's own."""

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.channels.base import ChannelError
from post_purchase.flows.template_costs import at_stake
from post_purchase.models import TemplateStatus
from post_purchase.services.template_library import (
    CannotSubmit,
    accounts_with_templates,
    add_own,
    ask_network,
    reclassed,
    submit_again,
    templates_of,
)
from post_purchase.web.forms.settings import LANGUAGES
from post_purchase.web.forms.templates import CATEGORIES, TemplateForm
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, paged, refused, saved

ALARMS = 5
STATES = [(each.value, each.label) for each in TemplateStatus]


@shop_required
@require_GET
def templates(request: ShopRequest) -> HttpResponse:
    search, chosen = request.GET.get("q", "").strip()[:80], request.GET.get("state", "")
    rows = templates_of(request.shop)
    any_at_all = rows.exists()
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(body__icontains=search))
    if chosen in TemplateStatus.values:
        rows = rows.filter(status=chosen)
    else:
        chosen = ""
    return page(
        request,
        "pages/templates.html",
        rows=paged(request, rows),
        any_at_all=any_at_all,
        search=search,
        chosen=chosen,
        states=STATES,
        path="/app/settings/templates",
        filters=f"&q={search}&state={chosen}" if search or chosen else "",
        alarms=at_stake(reclassed(request.shop)[:ALARMS], now=clock.now()),
        accounts=list(accounts_with_templates(request.shop)),
        languages=LANGUAGES,
        categories=CATEGORIES,
    )


@shop_required
@require_POST
def add(request: ShopRequest) -> HttpResponse:
    form = TemplateForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    channel = get_object_or_404(accounts_with_templates(request.shop), pk=form.cleaned_data["account"])
    try:
        add_own(channel=channel, spec=form.spec())
    except CannotSubmit as error:
        return refused(errors={"body": f"{error}."})
    return saved(f"{channel.get_kind_display()} gets it to review within a minute")


@shop_required
@require_POST
def again(request: ShopRequest, pk: int) -> HttpResponse:
    if not submit_again(get_object_or_404(templates_of(request.shop), pk=pk)):
        return refused("Only a template that was refused can be submitted again. Reload the page to see how it stands.")
    return saved("It goes to review again within a minute")


@shop_required
@require_POST
def ask(request: ShopRequest) -> HttpResponse:
    """How they stand, for whoever does not want to wait for the network's own news."""
    try:
        told = sum(ask_network(channel) for channel in accounts_with_templates(request.shop))
    except ChannelError as error:
        return refused(str(error))
    return saved(f"Asked. {told} template{'' if told == 1 else 's'} looked at.")
