"""Fill the demo's shop: some weeks of orders at the pretend Shopify, then the app's own doors: install,
connect, switch on."""

import os
import random
import sys
import unicodedata
from datetime import timedelta
from typing import Any

import django
import httpx

SHOP = "fern-and-field.myshopify.com"
WEEKS, ORDERS = 6, 60
FRESH = {"name": "Emma Hart", "language": "en", "country": "GB", "product": 0}  # bought now: the story begins with it
PEOPLE = (
    ("Maria", "Lang", "de", "DE"),
    ("Jonas", "Weber", "de", "DE"),
    ("Camille", "Durand", "fr", "FR"),
    ("Lucía", "Romero", "es", "ES"),
    ("Giulia", "Ferri", "it", "IT"),
    ("Daan", "Visser", "nl", "NL"),
    ("Emily", "Clarke", "en", "GB"),
    ("Noah", "Reed", "en", "US"),
    ("Anna", "Gruber", "de", "AT"),
    ("Priya", "Nair", "en", "GB"),
    ("Tomás", "Vidal", "es", "ES"),
    ("Inès", "Moreau", "fr", "FR"),
)


def history(now: Any) -> list[dict[str, Any]]:
    """The same orders on every machine; only their dates are counted back from today."""
    dice = random.Random(20)
    found = []
    for place in range(ORDERS):
        first, last, language, country = PEOPLE[place % len(PEOPLE)]
        age = WEEKS * 7 * (1 - place / ORDERS) + dice.random() * 0.5
        items = sorted({dice.randrange(6) for _ in range(dice.choice((1, 1, 2, 3)))})
        state = "delivered" if age > 5 else "shipped" if age > 2 else "paid"
        if place % 17 == 9:
            state = "cancelled"
        elif place % 23 == 11:
            state = "refunded"
        fields = {
            "first_name": first,
            "last_name": last,
            "email": address_of(first, last),
            "language": language,
            "country": country,
            "items": [[item, dice.choice((1, 1, 2))] for item in items],
        }
        found.append({"at": (now - timedelta(days=age)).isoformat(), "fields": fields, "state": state})
    return found


def address_of(first: str, last: str) -> str:
    """As most people's: without accents, which browsers' mail fields and many servers refuse."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower()).encode("ascii", "ignore").decode()
    return f"{plain.replace(' ', '.') or 'shopper'}@example.com"


def main() -> None:
    django.setup()
    settle(os.environ["DEMO_WORLD_URL"])


def settle(world: str) -> None:
    # ruff: noqa: PLC0415 - Django's models can be imported only after django.setup()
    from demo.settle import connect_everything
    from shopapp.lib import clock

    _act(world, "history", {"orders": history(clock.now())})
    token = httpx.get(f"{world}/admin/id-token", params={"shop": SHOP}).json()["id_token"]
    merchant = connect_everything(SHOP, token)
    _act(world, "merchant", merchant)
    _act(world, "confirmations", {"newest": 3})
    _act(world, "order", FRESH)


def _act(world: str, what: str, body: dict[str, Any]) -> None:
    answer = httpx.post(f"{world}/api/act/{what}", json=body, timeout=30)
    if answer.status_code != 200:
        sys.exit(f"The demo world refused {what}: {answer.text[:200]}")


if __name__ == "__main__":
    main()
