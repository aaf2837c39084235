"""Channels: connect an account with its credentials checked at once, see what is wrong with it, disconnect it."""

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.channels.base import ChannelDriver, ChannelError, Gateway
from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import ChannelStatus
from post_purchase.services import portfolios
from post_purchase.services.channels import (
    ask_mailbox,
    connect_channel,
    disconnect_channel,
    needs_proof,
    resume_channel,
    sign_up,
)
from post_purchase.web.forms.channels import ConnectForm, SignUpForm, account_label
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved


@shop_required
@require_GET
def channels(request: ShopRequest) -> HttpResponse:
    connected = request.shop.channels.exclude(status=ChannelStatus.DISCONNECTED).order_by("pk")
    rows = list(connected.prefetch_related("templates"))
    first_words = portfolios.shown(rows, now=clock.now())
    return page(
        request,
        "pages/channels.html",
        rows=[(row, first_words.get(row.pk)) for row in rows],
        kinds=[(kind.value, kind.label) for kind in DRIVERS],
    )


def gateway_of(driver: ChannelDriver, key: str) -> Gateway | None:
    return next((each for each in driver.gateways if each.key == key), None)


@shop_required
@require_GET
def channel_form(request: ShopRequest, kind: str) -> HttpResponse:
    if kind not in DRIVERS:
        raise Http404
    label = ChannelKind(kind).label
    driver = driver_for(kind)
    gateway = gateway_of(driver, request.GET.get("gateway", ""))
    asked = gateway.account_label if gateway else account_label(kind)
    return page(
        request,
        "pages/channel.html",
        kind=kind,
        label=label,
        fields=gateway.fields if gateway else driver.credential_fields,
        account_label=asked if driver.asks_account else None,
        gateway=gateway,
        gateways=driver.gateways,
        signup=_signup() if kind == ChannelKind.WHATSAPP else None,
        is_ours=driver.is_ours,
        address=request.GET.get("address", "")[:190] if driver.asks_mailbox else "",
        name=request.GET.get("name", "")[:120],
        is_on=request.shop.channels.filter(kind=kind).exclude(status=ChannelStatus.DISCONNECTED).exists(),
    )


@shop_required
@require_POST
def connect(request: ShopRequest, kind: str) -> HttpResponse:
    """Asks the network before anything is saved; its answer comes back in plain words."""
    if kind not in DRIVERS:
        raise Http404
    driver = driver_for(kind)
    gateway = gateway_of(driver, request.POST.get("gateway", ""))
    fields = gateway.fields if gateway else driver.credential_fields
    own = {"account_id": request.shop.domain} if driver.is_ours else request.POST
    form = ConnectForm(own, fields=fields, asks_account=driver.asks_account)
    if not form.is_valid():
        return refused(form=form)
    account_id, proof = form.cleaned_data["account_id"], form.cleaned_data["proof"].strip()
    try:
        if not proof and needs_proof(shop=request.shop, kind=kind, account_id=account_id.strip().lower()):
            address = ask_mailbox(shop=request.shop, kind=kind, account_id=account_id)
            asked = urlencode({"address": address, "name": form.cleaned_data["name"]})
            return saved(
                f"A code was sent to {address}", go=f"/app/settings/channels/{kind}?{request.frame_query}&{asked}"
            )
        channel = connect_channel(
            shop=request.shop,
            kind=ChannelKind(kind),
            account_id=account_id,
            credentials=form.credentials() | ({"gateway": gateway.key} if gateway else {}),
            name=form.cleaned_data["name"],
            proof=proof,
        )
    except ChannelError as error:
        field = "account_id" if driver.asks_account else driver.credential_fields[0].name
        field = "proof" if proof else field
        return refused(str(error), errors={field: str(error)})  # at the field too: a toast goes away
    return saved(f"{channel.name} is connected", go=f"/app/settings/channels?{request.frame_query}")


def _signup() -> dict[str, str] | None:
    """What static/whatsapp.js needs for Meta's window; None where this server has no configuration for it."""
    if not (settings.META_SIGNUP_CONFIG_ID and settings.META_APP_ID):
        return None
    parts = urlsplit(settings.FACEBOOK_SDK_URL)
    return {
        "app": settings.META_APP_ID,
        "config": settings.META_SIGNUP_CONFIG_ID,
        "version": settings.META_GRAPH_VERSION,
        "sdk": settings.FACEBOOK_SDK_URL,
        "origin": f"{parts.scheme}://{parts.netloc}" if settings.DEMO else "",
    }


@shop_required
@require_POST
def end_sign_up(request: ShopRequest) -> HttpResponse:
    form = SignUpForm(request.POST)
    if not form.is_valid():
        return refused("Meta's window did not say which number it is. Start once again, or connect the number by hand.")
    found = form.cleaned_data
    try:
        channel = sign_up(
            shop=request.shop, code=found["code"], account_id=found["phone_number_id"], waba_id=found["waba_id"]
        )
    except ChannelError as error:
        return refused(str(error))
    return saved(f"{channel.name} is connected", go=f"/app/settings/channels?{request.frame_query}")


@shop_required
@require_POST
def disconnect(request: ShopRequest, pk: int) -> HttpResponse:
    disconnect_channel(get_object_or_404(request.shop.channels, pk=pk))
    return saved("Disconnected. Nothing more is sent from it.")


@shop_required
@require_POST
def resume(request: ShopRequest, pk: int) -> HttpResponse:
    resume_channel(get_object_or_404(request.shop.channels.filter(status=ChannelStatus.HALTED), pk=pk))
    return saved("Sending again")
