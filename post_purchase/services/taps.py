"""What one tap on a link needs to know, in prepared SELECTs without the ORM (performance.md, section 2).

One asks for the link; what it shares with thousands (touchpoint, shop, channels) is asked for by another, and `recall`
keeps both answers in this process for a moment. Nothing tells it of changes: time alone ends it, so a link that
expires, a shop that leaves and a channel that is connected are seen at the latest KEPT_FOR later (docs/adr/0008).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from post_purchase.models import Channel
from post_purchase.touchpoints.codes import CODE_LENGTHS, read_code
from post_purchase.touchpoints.routes import page_url, route_now
from shopapp.lib.crypto import hash_code, normalise_code

Key = TypeVar("Key")
Value = TypeVar("Value")
KEPT_FOR = timedelta(seconds=3)
KEPT_AT_MOST = 2000  # links; about 4 MB

# The link, its order, and on which app this shopper last wrote.
OF_A_LINK = """
SELECT l.touchpoint_id, l.batch_id, l.id, l.channel_kind, l.language, l.country,
       CASE WHEN l.expires_at IS NOT NULL AND l.expires_at <= %s THEN 1 ELSE 0 END,
       CASE WHEN l.order_id IS NULL AND l.checkout_token_hash = '' AND l.batch_id IS NULL AND l.continues_id IS NULL
            THEN 1 ELSE 0 END,
       o.language, o.shipping_country,
       COALESCE(NULLIF(l.chosen_kind, ''), (
           SELECT q.kind FROM post_purchase_contactpoint q
           WHERE q.contact_id = o.contact_id AND q.last_inbound_at IS NOT NULL AND q.blocked_at IS NULL
           ORDER BY q.last_inbound_at DESC LIMIT 1), '')
FROM post_purchase_link l
LEFT JOIN post_purchase_order o ON o.id = l.order_id
WHERE l.code_hash = %s
"""
# What thousands of links share.
OF_A_TOUCHPOINT = """
SELECT t.options, b.route, s.primary_url,
       s.status, s.name, s.domain, s.country, s.locale,
       p.brand_name, p.brand_color, p.default_language, p.channel_order,
       c.id, c.kind, c.name, c.account_id, c.link_address, c.options
FROM post_purchase_touchpoint t
JOIN shopapp_shop s ON s.id = t.shop_id
LEFT JOIN post_purchase_printbatch b ON b.id = %s
LEFT JOIN post_purchase_shopsettings p ON p.shop_id = s.id
LEFT JOIN post_purchase_channel c ON c.shop_id = s.id AND c.status = 'active' AND c.link_address <> ''
WHERE t.id = %s
ORDER BY c.id
"""


@dataclass(frozen=True)
class Ground:
    """What a link stands on: its touchpoint, shop and channels."""

    route: str
    language: str
    page: str
    installed: bool
    shop_name: str
    shop_language: str
    shop_country: str
    color: str
    merchant_order: dict[str, list[str]]
    channels: dict[str, Channel]


@dataclass(frozen=True)
class Tap:
    """A link that exists. `channels`: one per kind, with just the fields that `entry_url` reads."""

    link_id: int
    code: str  # normalised
    fixed: str  # the link is for this channel alone
    earlier: str  # what this shopper picked on this link, or else last wrote on
    route: str  # where the merchant leads this touchpoint
    page: str  # a page of the shop's own website, where the merchant leads the code there
    language: str  # of the checkout or the order; may be empty
    country: str
    expired: bool
    shop_wide: bool  # the same for everybody: it belongs to no order
    installed: bool
    shop_name: str
    shop_language: str
    shop_country: str
    color: str
    merchant_order: dict[str, list[str]]
    channels: dict[str, Channel]


class _Kept(Generic[Key, Value]):
    """For KEPT_FOR, and never more than KEPT_AT_MOST."""

    def __init__(self) -> None:
        self.found: dict[Key, tuple[datetime, Value]] = {}

    def get(self, key: Key, now: datetime) -> tuple[datetime, Value] | None:
        """(since when, what)"""
        kept = self.found.get(key)
        # A clock that was set back ends it too.
        return kept if kept and timedelta(0) <= now - kept[0] < KEPT_FOR else None

    def keep(self, key: Key, since: datetime, value: Value) -> None:
        if len(self.found) >= KEPT_AT_MOST:
            self.found.clear()
        self.found[key] = (since, value)


_taps: "_Kept[str, Tap]" = _Kept()
_grounds: "_Kept[tuple[int, int | None], Ground]" = _Kept()


def recall(code: str, *, now: datetime) -> Tap | None:
    """As `look_up`, at most KEPT_FOR old. Unknown codes are not kept: guessing fills no memory."""
    plain = normalise_code(code)
    kept = _taps.get(plain, now)
    if kept:
        return kept[1]
    found = _look_up(plain, now=now, recalled=True)
    if found is None:
        return None
    _taps.keep(plain, *found)
    return found[1]


def forget() -> None:
    """Tests only: they use the same codes again with other rows behind them."""
    _taps.found.clear()
    _grounds.found.clear()


def look_up(code: str, *, now: datetime) -> Tap | None:
    """The link behind a code, however typed; None where there is none. What cannot be a code costs no query."""
    found = _look_up(normalise_code(code), now=now, recalled=False)
    return found[1] if found else None


def _look_up(plain: str, *, now: datetime, recalled: bool) -> tuple[datetime, Tap] | None:
    """(how old the oldest part of it is, the tap)"""
    if len(plain) not in CODE_LENGTHS or read_code(plain) is None:
        return None
    rows = _select(OF_A_LINK, [now, hash_code(plain)])
    if not rows:
        return None
    (
        touchpoint_id,
        batch_id,
        link_id,
        channel_kind,
        language,
        country,
        expired,
        shop_wide,
        order_language,
        order_country,
        earlier,
    ) = rows[0]
    kept = _grounds.get((touchpoint_id, batch_id), now) if recalled else None
    if kept is None:
        told = _stand_on(touchpoint_id, batch_id, now=now)
        if told is None:
            return None
        kept = (now, told)
        _grounds.keep((touchpoint_id, batch_id), now, told)
    since, ground = kept
    return since, Tap(
        link_id=link_id,
        code=plain,
        fixed=channel_kind or "",
        earlier=earlier or "",
        route=ground.route,
        page=ground.page,
        language=order_language or language or ground.language,
        country=order_country or country or "",
        expired=bool(expired),
        shop_wide=bool(shop_wide),
        installed=ground.installed,
        shop_name=ground.shop_name,
        shop_language=ground.shop_language,
        shop_country=ground.shop_country,
        color=ground.color,
        merchant_order=ground.merchant_order,
        channels=ground.channels,
    )


def _stand_on(touchpoint_id: int, batch_id: int | None, *, now: datetime) -> Ground | None:
    rows = _select(OF_A_TOUCHPOINT, [batch_id, touchpoint_id])
    if not rows:
        return None
    (
        options,
        batch_route,
        primary_url,
        status,
        shop_name,
        domain,
        shop_country,
        locale,
        brand_name,
        color,
        default_language,
        channel_order,
    ) = rows[0][:12]
    channels: dict[str, Channel] = {}
    for row in rows:
        pk, kind, name, account_id, link_address, channel_options = row[12:]
        if pk is not None and kind not in channels:
            channels[kind] = _channel(pk, kind, name, account_id, link_address, _as_text(channel_options))
    route = route_now(_json(options), _json(batch_route), now=now)
    return Ground(
        route=route.channel,
        language=route.language,
        page=page_url(route.page, primary_url=primary_url or "", domain=domain),
        installed=status != "uninstalled",
        shop_name=brand_name or shop_name or domain,
        shop_language=default_language or locale or "",
        shop_country=shop_country or "",
        color=color or "#1f6f5c",
        merchant_order=_json(channel_order),
        channels=channels,
    )


@lru_cache(maxsize=KEPT_AT_MOST)
def _channel(pk: int, kind: str, name: str, account_id: str, link_address: str, options: str) -> Channel:
    """Known by all of its values, so it is never stale. Making a model anew costs as much as the rest of a tap."""
    return Channel(
        pk=pk, kind=kind, name=name, account_id=account_id, link_address=link_address, options=_json(options)
    )


def _as_text(options: Any) -> str:
    return options if isinstance(options, str) else json.dumps(options)


def _select(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    kept = connection.connection is not None and not connection.in_atomic_block
    try:
        return _rows(sql, values)
    except (DatabaseError, InterfaceError):
        if not kept:
            raise
        connection.close()  # the kept connection may have died with its server: once more on a new one
        return _rows(sql, values)


def _rows(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:  # SQLite keeps its prepared statements by itself
            cursor.execute(sql, values)
            return list(cursor.fetchall())
    connection.ensure_connection()
    # Django's own cursor pastes the values in on the client's side, so nothing could be prepared.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as raw:
        return list(raw.execute(sql, values, prepare=True).fetchall())


def _json(value: Any) -> dict[str, Any]:
    if isinstance(value, (str, bytes)):
        value = json.loads(value)
    return value if isinstance(value, dict) else {}
