"""Golden journeys: <flow>.yaml has what happens and, recorded, every message with its hour and form on each network.

`python -m tests.flows.golden.record [flow ...]` writes `said` and `ends` anew; read the difference before keeping it.
"""

from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from post_purchase.channels.base import ChannelError, OutMessage, SendContext
from post_purchase.channels.drivers.email.driver import build_mail
from post_purchase.channels.drivers.messenger.requests import free_message, template_message
from post_purchase.channels.drivers.whatsapp.requests import message_request
from post_purchase.flows import effects
from post_purchase.flows.step import parse_duration
from post_purchase.flows.wording import Composed
from post_purchase.models import Channel, ContactPoint, ShopSettings
from post_purchase.words import Mode, Purpose
from shopapp.lib import data_file
from shopapp.models import Shop
from tests.flows.journey import T0, Journey

HERE = Path(__file__).resolve().parent
FLOWS = sorted(path.stem for path in HERE.glob("*.yaml"))


class Player(Journey):
    """A journey that is played from a file. `typed`: choices are typed as numbers, as on SMS and e-mail."""

    typed = False
    finds: tuple[Any, ...] = ()  # what there is to recommend

    def hear(self, kind: str, **more: Any) -> list[str]:
        looked = len(self.did(effects.FindProducts))
        said = super().hear(kind, **more)
        for effect in self.did(effects.FindProducts)[looked:]:  # the app answers itself at once
            said += self.hear("products_found", **{"for": effect.key}, products=list(self.finds))
        return said

    def happens(self, what: dict[str, Any]) -> None:
        what = deepcopy(what)
        match what:
            case {"wait": length}:
                self.pass_time(seconds=parse_duration(length).total_seconds())
            case {"set": facts}:
                self.know(facts)
            case {"tap": choice}:
                self.choose(choice)
            case {"write": text}:
                self.write(text)
            case {"photo": text}:
                self.send_photo(1, text=text)
            case {"news": kind, **more}:
                self.hear(kind, **more)
            case _:
                raise ValueError(f"not known: {what}")

    def know(self, facts: dict[str, Any]) -> None:
        """{"order.delivered": true, "parcels": {2: {"state": "label"}}}"""
        for path, value in facts.items():
            if path == "parcels":
                for pk, fields in value.items():
                    before = self.facts["parcels"].get(str(pk), {})
                    self.parcel(pk, **({"state": "in_transit"} | before | fields | {"id": pk}))
                continue
            *way, last = path.split(".")
            place = self.facts
            for name in way:
                if not isinstance(place.get(name), dict):
                    place[name] = {}
                place = place[name]
            place[last] = value

    def parcel(self, pk: int = 1, state: str = "in_transit", **fields: Any) -> None:
        super().parcel(pk, state, **{name: value for name, value in fields.items() if name != "id"})

    def choose(self, choice: str) -> None:
        offered = [place.rpartition(":")[2] for place in self.last.choices]
        if self.typed:
            self.write(str(offered.index(choice) + 1))
        else:
            self.tap(choice)


def play(flow: str, journey: dict[str, Any], *, typed: bool = False) -> Player:
    start = dict(journey["start"])
    at = start.pop("at", None)
    player = Player(flow, language=journey.get("language", "en"), now=datetime.fromisoformat(at) if at else T0)
    player.typed, player.finds = typed, tuple(journey.get("finds", ()))
    player.know(start.pop("facts", {}))
    player.start(start.pop("by"), **start)
    for what in journey.get("then", []):
        player.happens(what)
    return player


def told(player: Player) -> list[dict[str, Any]]:
    """Every message: when, in the shopper's own hours, why it is written, its words, and its form on each network."""
    zone = ZoneInfo(player.facts["timezone"])
    return [
        {
            "at": f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}",
            "message": say.message,
            "purpose": str(composed.purpose.value),
            "text": composed.content.text,
            **forms(composed),
        }
        for moment, say, composed in player.composed
    ]


def forms(composed: Composed) -> dict[str, Any]:
    message = composed.content
    return {
        "whatsapp": _whatsapp(message),
        "whatsapp_closed": _closed(composed),
        "messenger": _messenger(message),
        "email": _email(message, composed.purpose),
    }


def _whatsapp(message: OutMessage) -> str:
    """The kind of message, and what can be tapped."""
    sent = message_request(
        message=message, mode=Mode.FREE, address="4915200000001", ref="r", context=SendContext(), image=None
    )
    if sent["type"] == "text":
        assert sent["text"]["body"] == message.text or message.url_button
        return "text"
    interactive = sent["interactive"]
    assert interactive["body"]["text"].startswith(message.text)
    action = interactive["action"]
    match interactive["type"]:
        case "button":
            return "buttons: " + " | ".join(each["reply"]["title"] for each in action["buttons"])
        case "list":
            return f"list {action['button']}: " + " | ".join(each["title"] for each in action["sections"][0]["rows"])
        case _:
            return f"link {action['parameters']['display_text']}: {action['parameters']['url']}"


def _closed(composed: Composed) -> str:
    """The approved template that goes outside the window, filled; else why nothing goes."""
    message = composed.content
    if message.template is None:
        return "(not sent: no template)"
    sent = message_request(
        message=message, mode=Mode.TEMPLATE, address="4915200000001", ref="r", context=SendContext(), image=None
    )["template"]
    values = [each["text"] for each in sent["components"][0]["parameters"]] if "components" in sent else []
    assert (
        values == template_message(message)["template"].get("components", [{"parameters": []}])[0]["parameters"]
        or [each["text"] for each in template_message(message)["template"]["components"][0]["parameters"]] == values
    )
    return f"{sent['name']}({', '.join(values)})"


def _messenger(message: OutMessage) -> str:
    sent = free_message(message)
    if "attachment" in sent:
        return "buttons: " + " | ".join(each["title"] for each in sent["attachment"]["payload"]["buttons"])
    assert sent["text"].startswith(message.text)
    replies = [each["title"] for each in sent.get("quick_replies", [])]
    return "quick replies: " + " | ".join(replies) if replies else "text"


def _email(message: OutMessage, purpose: Purpose) -> dict[str, Any]:
    shop = Shop(pk=1, domain="fern-and-field.myshopify.com", name="Fern & Field")
    shop.settings = ShopSettings(pk=1, shop=shop, brand_name="Fern & Field", postal_address="Lindenstr. 4, Berlin")
    channel = Channel(pk=1, shop=shop, kind="email", account_id="hello@fern.example.com", name="Fern & Field")
    point = ContactPoint(pk=1, shop=shop, kind="email", address="maria@example.com")
    mail = build_mail(channel=channel, point=point, message=message, ref="R", context=SendContext(purpose=purpose))
    plain, html = str(mail.body), str(mail.alternatives[0][0])
    for line in message.text.splitlines():
        assert line in plain, (line, plain)
    assert 'dir="rtl"' in html if message.rtl else "<html" in html
    numbered = [
        line for line in plain.splitlines() if line[:1].isdigit() and any(b.title in line for b in message.buttons)
    ]
    assert len(numbered) == len(message.buttons), plain
    return {
        "subject": str(mail.subject),
        **({"choices": numbered} if numbered else {}),
        **({"unsubscribe": True} if "List-Unsubscribe" in mail.extra_headers else {}),
    }


def load(flow: str) -> list[dict[str, Any]]:
    return data_file.read(HERE / f"{flow}.yaml")


def outcome(player: Player) -> dict[str, Any]:
    done = [
        {
            effect.kind: next(
                (
                    str(getattr(effect, name))
                    for name in ("reason", "text", "tag", "purpose", "name", "rating")
                    if hasattr(effect, name)
                ),
                True,
            )
        }
        for effect in player.done
        if effect.kind not in ("end", "cancel_waiting")
    ]
    return {
        "said": told(player),
        "did": done,
        "ends": f"{player.state.status}: {player.state.reason}".removesuffix(": "),
    }


__all__ = ["FLOWS", "ChannelError", "load", "outcome", "play"]
