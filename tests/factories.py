"""Builders of rows for tests. Each makes the least that is true; say what matters to your test."""

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from post_purchase.models import (
    Channel,
    Contact,
    ContactPoint,
    Conversation,
    Message,
    Order,
    OrderBinding,
    OrderLine,
    Parcel,
    ShopSettings,
)
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, ParcelState, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.models import Shop

_numbers = itertools.count(1001)


def make_shop(domain: str = "fern-and-field.myshopify.com", **fields: Any) -> Shop:
    now = clock.now()
    defaults: dict[str, Any] = {
        "name": "Fern & Field",
        "timezone": "Europe/Berlin",
        "country": "DE",
        "currency": "EUR",
        "installed_at": now - timedelta(days=1),
        "access_token": "test-access-token",
        "access_token_expires_at": now + timedelta(hours=1),
        "refresh_token": "test-refresh-token",
        "refresh_token_expires_at": now + timedelta(days=90),
        "token_pair_saved_at": now,
        "scopes": "read_orders,read_fulfillments,read_products,read_customers,read_returns,write_discounts",
        "backfill_finished_at": now,
        "orders_synced_to": now,
    }
    shop, created = Shop.objects.get_or_create(domain=domain, defaults=defaults | fields)
    if created:
        ShopSettings.objects.create(shop=shop)
    return shop


def make_contact(shop: Shop, **fields: Any) -> Contact:
    defaults: dict[str, Any] = {
        "first_name": "Maria",
        "last_name": "Lang",
        "language": "en",
        "country": "DE",
        "timezone": "Europe/Berlin",
    }
    return Contact.objects.create(shop=shop, **(defaults | fields))


def make_order(shop: Shop, contact: Contact | None = None, *, lines: int = 1, **fields: Any) -> Order:
    number = next(_numbers)
    now = clock.now()
    defaults: dict[str, Any] = {
        "shopify_id": 5_000_000_000 + number,
        "name": f"#{number}",
        "number": number,
        "email": "maria@example.com",
        "language": "en",
        "currency": "EUR",
        "subtotal": Decimal("49.00") * lines,
        "total": Decimal("49.00") * lines,
        "shipping_country": "DE",
        "shipping_city": "Berlin",
        "shipping_zip": "10115",
        "timezone": "Europe/Berlin",
        "financial_status": "paid",
        "source_name": "web",
        "placed_at": now,
        "paid_at": now,
        "shopify_updated_at": now,
    }
    order = Order.objects.create(shop=shop, contact=contact, **(defaults | fields))
    for position in range(lines):
        OrderLine.objects.create(
            order=order,
            shopify_id=number * 100 + position,
            product_id=700 + position,
            variant_id=800 + position,
            title=("Stoneware mug", "Linen apron", "Oak board")[position % 3],
            quantity=1,
            current_quantity=1,
            price=Decimal("49.00"),
        )
    return order


def make_parcel(order: Order, state: str = ParcelState.IN_TRANSIT, **fields: Any) -> Parcel:
    now = clock.now()
    defaults: dict[str, Any] = {
        "shopify_id": 6_000_000_000 + next(_numbers),
        "name": f"{order.name}-F1",
        "state": state,
        "state_at": now,
        "carrier": "DHL",
        "tracking_number": "00340434161094042557",
        "tracking_url": "https://tracking.example.test/00340434161094042557",
        "shopify_updated_at": now,
        "shipped_at": now,
    }
    return Parcel.objects.create(order=order, **(defaults | fields))


def make_channel(shop: Shop, kind: str = ChannelKind.WHATSAPP, **fields: Any) -> Channel:
    accounts: dict[str, dict[str, Any]] = {
        ChannelKind.WHATSAPP: {
            "account_id": "106540352242922",
            "link_address": "15550783881",
            "name": "+1 555 078 3881",
            "options": {"waba_id": "102290129340398"},
        },
        ChannelKind.MESSENGER: {"account_id": "700100", "link_address": "fernandfield", "name": "Fern & Field"},
        ChannelKind.EMAIL: {
            "account_id": "hello@fern.example.test",
            "link_address": "hello@fern.example.test",
            "name": "Fern & Field",
        },
        ChannelKind.INSTAGRAM: {
            "account_id": "17841400000000100",
            "link_address": "fernandfield",
            "name": "Fern & Field",
        },
        ChannelKind.SMS: {
            "account_id": "15550100200",
            "link_address": "15550100200",
            "name": "+15550100200",
            "options": {"gateway": "twilio", "account_sid": "AC" + "0" * 32},
        },
        ChannelKind.TELEGRAM: {
            "account_id": "6000000001",
            "link_address": "fernandfield_bot",
            "name": "Fern & Field",
        },
        ChannelKind.WEBCHAT: {"account_id": shop.domain, "link_address": "chat", "name": "Web chat"},
    }
    credentials = fields.pop("credentials", {"access_token": "EAA-test-token"})
    channel = Channel(shop=shop, kind=kind, **(accounts.get(kind, {"account_id": "1", "name": kind}) | fields))
    channel.credentials = credentials
    channel.save()
    return channel


def make_point(contact: Contact, kind: str = ChannelKind.WHATSAPP, **fields: Any) -> ContactPoint:
    addresses = {
        ChannelKind.WHATSAPP: "DE.1349120865530274",
        ChannelKind.MESSENGER: "24680135790",
        ChannelKind.INSTAGRAM: "1784140135790",
        ChannelKind.SMS: "4915112345678",
        ChannelKind.TELEGRAM: "7000000001",
        ChannelKind.EMAIL: "maria@example.com",
    }
    accounts = {ChannelKind.MESSENGER: "700100", ChannelKind.TELEGRAM: "6000000001"}
    accounts[ChannelKind.INSTAGRAM] = "17841400000000100"
    defaults: dict[str, Any] = {
        "address": addresses.get(ChannelKind(kind), "address-1"),
        "account_id": accounts.get(ChannelKind(kind), ""),
    }
    return ContactPoint.objects.create(shop=contact.shop, contact=contact, kind=kind, **(defaults | fields))


def bind(point: ContactPoint, order: Order, method: str = OrderBinding.Method.CODE) -> OrderBinding:
    return OrderBinding.objects.create(point=point, order=order, method=method, bound_at=clock.now())


def make_conversation(contact: Contact, **fields: Any) -> Conversation:
    return Conversation.objects.create(shop=contact.shop, contact=contact, **fields)


def make_message(
    conversation: Conversation, text: str = "Hello", *, direction: str = Direction.OUT, **fields: Any
) -> Message:
    now: datetime = clock.now()
    outbound = direction == Direction.OUT
    defaults: dict[str, Any] = {
        "author": Author.FLOW if outbound else Author.SHOPPER,
        "purpose": Purpose.UTILITY if outbound else Purpose.SERVICE,
        "content": {"text": text},
        "text": text,
        "status": MessageStatus.QUEUED if outbound else MessageStatus.RECEIVED,
        "dedupe_key": f"test:{new_code()}",
        "ref": new_code(),
        "happened_at": now,
        "next_attempt_at": now if outbound else None,
    }
    return Message.objects.create(
        shop=conversation.shop,
        conversation=conversation,
        contact=conversation.contact,
        direction=direction,
        **(defaults | fields),
    )
