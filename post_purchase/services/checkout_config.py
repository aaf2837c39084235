"""What the checkout's blocks read while our server is away: an app-owned metafield of the shop (shopify.md, 4.4).

Public by nature: every shopper's browser gets it. So it holds what our links show anyway (the shop's own numbers and
addresses, its words) and nothing of any order or person. Links in it carry no code.
"""

import json
from collections import defaultdict
from typing import Any

from django.conf import settings as django_settings

from post_purchase.channels.registry import DRIVERS
from post_purchase.models import Channel, ChannelStatus, ShopSettings, Touchpoint
from post_purchase.touchpoints.choose import choose, countries_of_table
from post_purchase.touchpoints.choose import offered as shown
from post_purchase.touchpoints.texts import languages, texts_in
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.models import Shop

from .shops import settings_of

VERSION = 1
HELLO = "\0hello\0"


def checkout_value(shop: Shop) -> str:
    """The JSON that the blocks read; empty while no chat app is connected."""
    config = config_of(shop)
    if not config["channels"]:
        return ""
    return json.dumps(config, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def config_of(shop: Shop) -> dict[str, Any]:
    """Version 1: `kinds` best first, `ranking` for the countries that differ, `words` and `hello` per language."""
    settings = settings_of(shop)
    channels: dict[str, Channel] = {}
    active = shop.channels.filter(status=ChannelStatus.ACTIVE, kind__in=list(DRIVERS)).exclude(link_address="")
    for channel in active.order_by("pk"):
        channels.setdefault(channel.kind, channel)
    offered = [_offered(channel) for channel in channels.values()]
    kinds = _ranked(channels, settings, shop.country)
    differing: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for country in countries_of_table() | {country for country in settings.channel_order if country != "*"}:
        ranked = _ranked(channels, settings, country)
        if ranked != kinds:
            differing[ranked].append(country)
    return {
        "version": VERSION,
        "app_url": django_settings.APP_URL,
        "language": settings.default_language,
        "kinds": list(kinds),
        "ranking": [
            {"kinds": list(ranked), "countries": sorted(countries)} for ranked, countries in sorted(differing.items())
        ],
        "channels": [each for each in offered if each],
        "words": words_of(shop),
        "words_everywhere": words_are_for_all(shop),
        "hello": {language: texts_in(language)["hello"] for language in languages()},
    }


def words_of(shop: Shop) -> dict[str, dict[str, str]]:
    """The merchant's own words on the pages, by language: {"de": {"heading": ..., "text": ...}}."""
    words = _options(shop).get("words")
    return words if isinstance(words, dict) else {}


def words_are_for_all(shop: Shop) -> bool:
    """Does the merchant want the words of the shop's language shown in each language that has none?"""
    return _options(shop).get("words_everywhere") is True


def words_in(shop: Shop, language: str) -> dict[str, str]:
    """The merchant's words for a shopper's language; nothing where there are none (the blocks then use their own)."""
    options = _options(shop)
    words = options.get("words") or {}
    found = _in_language(words, language)
    if found is None and options.get("words_everywhere") is True:
        found = _in_language(words, settings_of(shop).default_language)
    return found or {}


def _in_language(words: dict[str, dict[str, str]], language: str) -> dict[str, str] | None:
    tags = (language.lower(), language.lower().split("-")[0])
    by_tag = {tag.lower().split("-")[0]: text for tag, text in words.items()} | {
        tag.lower(): text for tag, text in words.items()
    }
    return next((by_tag[tag] for tag in tags if tag in by_tag), None)


def _options(shop: Shop) -> dict[str, Any]:
    row = Touchpoint.objects.filter(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE, archived_at=None).order_by("pk")
    return row.values_list("options", flat=True).first() or {}


def _ranked(channels: dict[str, Channel], settings: ShopSettings, country: str) -> tuple[str, ...]:
    return shown(choose(connected=channels, merchant_order=settings.channel_order, country=country).ranked)


def _offered(channel: Channel) -> dict[str, str] | None:
    label = str(ChannelKind(channel.kind).label)
    if channel.kind == ChannelKind.EMAIL:
        return {"kind": channel.kind, "label": label, "address": channel.link_address}
    url = DRIVERS[ChannelKind(channel.kind)].entry_url(channel=channel, code="", text=HELLO)
    url = url.replace("%00hello%00", "{hello}").removesuffix("?ref=").removesuffix("?start=")
    return {"kind": channel.kind, "label": label, "url": url} if url.startswith(("https://", "http://")) else None
