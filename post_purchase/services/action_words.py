"""What is said to the shopper around a requested action: the facts, in their language (data/actions.yaml)."""

import json
from collections.abc import Iterable

from post_purchase.channels.base import Button
from post_purchase.models import Message, RequestedAction
from shopapp.lib import clock

from .messages import queue_answer
from .phrases import sentence
from .postal import Address
from .texts import render


def said(name: str, language: str, **values: str) -> str:
    return sentence("actions", name, language, **values)


def address_of(action: RequestedAction) -> Address | None:
    return Address(**json.loads(action.address)) if action.address else None


def facts_of(action: RequestedAction) -> dict[str, str]:
    order = action.order
    address = address_of(action)
    titles = {line.shopify_id: line.title for line in order.lines.all()}
    values = {
        "placed": order.placed_at.isoformat(),
        "now": clock.now().isoformat(),
        "total": str(order.total),
        "currency": order.currency,
        "items": [titles[line] for line in action.lines if line in titles],
    }
    templates = {
        "day": "{{ placed | day }}",
        "when": "{{ now | day }}, {{ now | clock_time }}",
        "total": "{{ total | money: currency }}",
        "items": "{{ items | listed }}",
    }
    zone = order.timezone or order.shop.timezone
    told = {
        name: render(text, values, language=action.language, timezone=zone) if name != "items" or action.lines else ""
        for name, text in templates.items()
    }
    return told | {"order": order.name, "address": address.shown if address else ""}


def say(
    action: RequestedAction, name: str, *, key: str, text: str = "", buttons: Iterable[Button] = ()
) -> Message | None:
    """Once for each key. None: they can no longer be written to there."""
    if action.point is None:
        return None
    return queue_answer(
        conversation=action.conversation,
        text=text or said(name, action.language, **facts_of(action)),
        language=action.language,
        point=action.point,
        order=action.order,
        dedupe_key=f"action:{action.pk}:{key}",
        buttons=list(buttons),
    )
