"""Who stands behind an order of the demo: their phone, their Messenger account, their hours."""

from typing import Any

from demo.world import DemoWorld

APPS = ("whatsapp", "messenger", "instagram", "telegram", "sms")  # the chat apps on the shopper's phone
ZONES = {  # where the demo's shoppers live
    "DE": "Europe/Berlin",
    "AT": "Europe/Vienna",
    "FR": "Europe/Paris",
    "ES": "Europe/Madrid",
    "IT": "Europe/Rome",
    "NL": "Europe/Amsterdam",
    "GB": "Europe/London",
    "US": "America/New_York",
}


def zone_of(order: dict[str, Any] | None) -> str:
    """What the shopper's own phone would show; the shop's zone where there is no order."""
    return ZONES.get(order["shipping_address"]["country_code"], "UTC") if order else "Europe/Berlin"


def person_of(world: DemoWorld, order: dict[str, Any]) -> dict[str, str]:
    """The ids of whoever placed this order, by network."""
    address = order["shipping_address"]
    name = f"{address['first_name']} {address['last_name']}"
    phone = f"49151{order['customer']['id'] % 10**8:08d}"
    return {
        "name": name,
        "whatsapp": world.whatsapp.create_person(name, phone=phone, country=address["country_code"]),
        "messenger": world.messenger.create_person(name),
        "instagram": world.instagram.create_person(name),
        "sms": world.sms.create_person(name, phone=phone),
        "telegram": world.telegram.create_person(name, language=order["customer_locale"]),
    }
