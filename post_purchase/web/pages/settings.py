"""Settings: brand, languages, quiet hours, reward, channel order, and the legal requests."""

from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import ChannelStatus, PrivacyRequestKind
from post_purchase.services import consent_sync
from post_purchase.services.publications import storefront_changed
from post_purchase.services.scopes import read_scopes
from post_purchase.services.shops import settings_of
from post_purchase.services.team_alerts import last_trouble
from post_purchase.services.templates import templates_wanted
from post_purchase.web.forms.settings import (
    FORMS,
    LANGUAGES,
    PURPOSES_THAT_STAY,
    WEEKDAYS,
    countries,
    country_orders,
    ordered_kinds,
    silences,
)
from shopapp.lib import clock
from shopapp.shopify.errors import AdminApiError
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved

TERM = timedelta(days=30)  # GDPR and Shopify: a privacy request is answered within 30 days


@shop_required
@require_GET
def settings(request: ShopRequest) -> HttpResponse:
    row = settings_of(request.shop)
    return page(
        request,
        "pages/settings.html",
        alert_trouble=last_trouble(request.shop),
        settings=row,
        languages=LANGUAGES,
        kinds=ordered_kinds(row),
        country_orders=country_orders(row),
        countries=countries(),
        weekdays=WEEKDAYS,
        silences=silences(row),
        purposes=PURPOSES_THAT_STAY,
        channels=list(request.shop.channels.exclude(status=ChannelStatus.DISCONNECTED).order_by("pk")),
        open_requests=request.shop.privacy_requests.filter(done_at=None).count(),
    )


@shop_required
@require_POST
def save_settings(request: ShopRequest, part: str) -> HttpResponse:
    if part not in FORMS:
        raise Http404
    row = settings_of(request.shop)
    form = FORMS[part](request.POST)
    if not form.is_valid():
        return refused(form=form)
    form.apply(row)
    if part == "languages":
        templates_wanted(request.shop)  # each language needs its own approval
    storefront_changed(shop=request.shop)
    return saved("Saved")


@shop_required
@require_GET
def privacy(request: ShopRequest) -> HttpResponse:
    now = clock.now()
    rows = request.shop.privacy_requests.defer("export").order_by("-requested_at", "-pk")[:100]
    return page(
        request,
        "pages/privacy.html",
        rows=[(row, row.requested_at + TERM, row.done_at is None and row.requested_at + TERM < now) for row in rows],
        data_request=PrivacyRequestKind.DATA_REQUEST,
        missing="" if consent_sync.SCOPE in request.shop.scope_set else consent_sync.SCOPE,
        waiting=request.shop.consent_syncs.filter(error=consent_sync.NO_SCOPE).count(),
    )


@shop_required
@require_POST
def allow_consents(request: ShopRequest) -> HttpResponse:
    """The merchant has answered Shopify's question whether we may write customers."""
    try:
        read_scopes(shop=request.shop)
    except AdminApiError:
        return refused("Shopify did not answer. Press the button again in a minute.")
    request.shop.refresh_from_db(fields=["scopes"])
    if consent_sync.SCOPE not in request.shop.scope_set:
        return refused("Shopify has not allowed it yet. Press the button again, and accept in Shopify's window.")
    consent_sync.allowed_now(shop=request.shop)
    return saved("Allowed. What your shoppers decided is on its way to Shopify")


@shop_required
@require_GET
def privacy_export(request: ShopRequest, pk: int) -> HttpResponse:
    """The JSON that the merchant hands on to the person who asked."""
    row = get_object_or_404(request.shop.privacy_requests.filter(kind=PrivacyRequestKind.DATA_REQUEST), pk=pk)
    if not row.export:
        raise Http404
    response = HttpResponse(row.export, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="data-request-{row.pk}.json"'
    return response
