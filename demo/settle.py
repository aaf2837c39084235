"""What a merchant does in the first ten minutes, through the app's own services. Needs Django to be set up."""

from dataclasses import replace
from typing import Any

from django.conf import settings

from post_purchase.flows.editing import install_library, switch_on
from post_purchase.flows.shelf import FIRST
from post_purchase.models import Channel, Flow
from post_purchase.printing.qr import capital_url
from post_purchase.services import sender_proof
from post_purchase.services.channels import connect_channel
from post_purchase.services.links import add_packing_slip, link_url, shop_link, touchpoint_of
from post_purchase.services.print_designs import calls
from post_purchase.services.shops import set_up_shop, settings_of
from post_purchase.touchpoints import email_snippets as snippets
from post_purchase.touchpoints.base import Placing
from post_purchase.touchpoints.kinds.email_button import place_of
from post_purchase.touchpoints.registry import kind_of
from post_purchase.words import ChannelKind, EmailTemplate, TouchpointKind
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh

WHATSAPP = {"account_id": "106540352242922", "token": "EAADemoWhatsAppToken", "waba_id": "102290129340398"}
MESSENGER = {"account_id": "700100", "token": "EAADemoPageToken"}
INSTAGRAM = {"access_token": "IGAADemoInstagramToken"}
TELEGRAM = {"token": "6000000001:AADemoTelegramToken_0123456789abcdef"}
SMS = {"account_id": "15550100200", "account_sid": "AC" + "d0" * 16, "auth_token": "demo-twilio-auth-token"}
SENDER = "hello@fern-and-field.example.com"


def connect_everything(
    domain: str,
    id_token: str,
    *,
    kinds: tuple[str, ...] = ("whatsapp", "messenger", "instagram", "telegram", "sms", "email", "webchat"),
) -> dict[str, Any]:
    """Install, connect, switch on. Returns what the merchant pastes into the mail template and has printed."""
    shop = install_or_refresh(domain, id_token)
    set_up_shop(shop)
    chosen = settings_of(shop)
    chosen.brand_name, chosen.languages = "Fern & Field", ["en", "de", "fr", "es", "it", "nl"]
    chosen.postal_address = "Fern & Field, Lindenstr. 4, 10115 Berlin"
    chosen.save()
    connected = set(Channel.objects.filter(shop=shop, status="active").values_list("kind", flat=True))
    if "whatsapp" in kinds and ChannelKind.WHATSAPP not in connected:
        credentials = {"access_token": WHATSAPP["token"], "waba_id": WHATSAPP["waba_id"]}
        connect_channel(
            shop=shop, kind=ChannelKind.WHATSAPP, account_id=WHATSAPP["account_id"], credentials=credentials
        )
    if "messenger" in kinds and ChannelKind.MESSENGER not in connected:
        credentials = {"access_token": MESSENGER["token"]}
        connect_channel(
            shop=shop, kind=ChannelKind.MESSENGER, account_id=MESSENGER["account_id"], credentials=credentials
        )
    if "instagram" in kinds and ChannelKind.INSTAGRAM not in connected:
        connect_channel(shop=shop, kind=ChannelKind.INSTAGRAM, account_id="", credentials=INSTAGRAM)
    if "telegram" in kinds and ChannelKind.TELEGRAM not in connected:
        connect_channel(shop=shop, kind=ChannelKind.TELEGRAM, account_id="", credentials=TELEGRAM)
    if "sms" in kinds and ChannelKind.SMS not in connected:
        credentials = {name: value for name, value in SMS.items() if name != "account_id"}
        connect_channel(shop=shop, kind=ChannelKind.SMS, account_id=SMS["account_id"], credentials=credentials)
    if "email" in kinds and ChannelKind.EMAIL not in connected:
        code = sender_proof.code_for(shop, SENDER)  # the merchant reads it in the mail that the page sends
        connect_channel(
            shop=shop, kind=ChannelKind.EMAIL, account_id=SENDER, credentials={}, name="Fern & Field", proof=code
        )
    if "webchat" in kinds and ChannelKind.WEBCHAT not in connected:
        connect_channel(shop=shop, kind=ChannelKind.WEBCHAT, account_id=shop.domain, credentials={})
    install_library(shop)
    for flow in Flow.objects.filter(shop=shop, key__in=FIRST):
        switch_on(flow)
    return merchant_papers(shop)


def merchant_papers(shop: Shop) -> dict[str, Any]:
    chosen = settings_of(shop)
    card = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    _, code = shop_link(touchpoint=card)
    _, mail_code = shop_link(touchpoint=touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON))
    placing = Placing(
        app_url=settings.APP_URL,
        link_url=link_url(mail_code),
        link_key=chosen.link_key,
        shop_name=chosen.display_name,
        color=chosen.brand_color,
    )
    notifications = {
        template.name.lower(): {
            language: snippets.snippet(
                template=template,
                language=language,
                place=place_of(placing),
                look=snippets.Look(color=chosen.brand_color),
            )
            for language in chosen.languages
        }
        for template in EmailTemplate
    }
    _, slip_code = shop_link(touchpoint=add_packing_slip(shop=shop))
    slip = kind_of(TouchpointKind.PACKING_SLIP).snippet(replace(placing, link_url=link_url(slip_code), texts=calls()))
    notifications["packing_slip"] = {"en": slip.code if slip else ""}
    return {
        "notifications": notifications,
        "card_url": capital_url(link_url(code)),
        "card_code": code,
    }
