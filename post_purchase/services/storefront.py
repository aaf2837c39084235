"""What the chat bubble on the storefront needs to know, as one JSON value: where it leads, and the shop's colour."""

import json

from post_purchase.models import ChannelStatus
from post_purchase.words import TouchpointKind
from shopapp.models import Shop

from .links import link_url, shop_link, touchpoint_of
from .shops import settings_of


def storefront_value(shop: Shop) -> str:
    """Empty while no chat app is connected: the bubble would lead nowhere."""
    if not shop.channels.filter(status=ChannelStatus.ACTIVE).exists():
        return ""
    settings = settings_of(shop)
    _, code = shop_link(touchpoint=touchpoint_of(shop=shop, kind=TouchpointKind.STOREFRONT))
    value = {"version": 1, "url": link_url(code), "color": settings.brand_color, "name": settings.display_name}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
