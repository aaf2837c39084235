"""Golden journeys: <flow>.yaml has what happens and, recorded, every message with its hour and form on each network.

`at` is when the flow says it; `goes`, where that is another moment, when the arbiter lets it go, and `why`.

`python -m tests.flows.golden.record [flow ...]` writes `said` and `ends` anew; read the difference before keeping it.
"""

from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from post_purchase.channels.base import ChannelError, OutMessage, SendContext
from post_purchase.channels.drivers.email.driver import build_mail
from post_purchase.channels.drivers.messenger.requests import free_message, template_message
from post_purchase.channels.drivers.sms.driver import words_of
from post_purchase.channels.drivers.whatsapp.requests import message_request
from post_purchase.channels.sms_length import segments
from post_purchase.flows import effects
from post_purchase.flows.step import parse_duration
from post_purchase.flows.wording import Composed
from post_purchase.models import Channel, ContactPoint, ShopSettings
from post_purchase.words import Mode, Purpose
from shopapp.lib import data_file
from shopapp.models import Shop
from tests.flows.journey import T0, Journey

from .postman import Letter, Postman

HERE = Path(__file__).resolve().parent
LATER = timedelta(days=40)  # after the last thing that happens
FLOWS = sorted(path.stem for path in HERE.glob("*.yaml"))


class Player(Journey):
    """A journey that is played from a file. `typed`: choices are typed as numbers, as on SMS and e-mail."""

    typed = False
    finds: tuple[Any, ...] = ()  # what there is to recommend

    def __post_init__(self) -> None:
        super().__post_init__()
        self.postman = Postman(self.document.name)

    def hear(self, kind: str, **more: Any) -> list[str]:
        looked = len(self.did(effects.FindProducts))
        self.postman.goes_round(self.now, self.facts)
        if kind == "message_received":
            self.postman.wrote_at = self.now
        done, composed = len(self.done), len(self.composed)
        said = super().hear(kind, **more)
        self._hand_over(self.done[done:], self.composed[composed:])
        for effect in self.did(effects.FindProducts)[looked:]:  # the app answers itself at once
            said += self.hear("products_found", **{"for": effect.key}, products=list(self.finds))
        return said

    def _hand_over(self, done: list[Any], composed: list[tuple[datetime, effects.Say, Composed]]) -> None:
        for effect in done:
            match effect:
                case effects.CancelWaiting():
                    self.postman.drop_waiting(effect.reason)
                case effects.HandOff():
                    self.postman.handed_off = True
                case effects.SaveReview():
                    self.postman.rated(effect.rating, self.now)
        for moment, say, words in composed:
            self.postman.takes(say, words, moment)
        self.postman.goes_round(self.now, self.facts)

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
            case {"sent": purpose}:
                self.postman.another_flow_sends(Purpose(purpose), self.now)
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
        self.postman.goes_round(self.now, self.facts)
        assert self.postman.has_gone(self.last), f"{self.last.message} has not gone yet"
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
    player.postman.goes_round(player.now + LATER, player.facts)
    zone = ZoneInfo(player.facts["timezone"])
    return [
        {
            "at": _hour(moment, zone),
            **_sending(letter, moment, zone),
            "message": say.message,
            "purpose": letter.purpose.value,
            "text": composed.content.text,
            **forms(composed),
        }
        for (moment, say, composed), letter in zip(player.composed, player.postman.letters, strict=True)
    ]


def _hour(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _sending(letter: Letter, moment: datetime, zone: ZoneInfo) -> dict[str, str]:
    if letter.gone_at == moment:
        return {}
    return {"goes": _hour(letter.gone_at, zone) if letter.gone_at else "never", "why": letter.why}


def forms(composed: Composed) -> dict[str, Any]:
    message = composed.content
    return {
        "whatsapp": _whatsapp(message.on("whatsapp")),
        "whatsapp_closed": _closed(composed),
        "messenger": _messenger(message.on("messenger")),
        "sms": _sms(message),
        "email": _email(message.on("email"), composed.purpose),
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


def _sms(message: OutMessage) -> dict[str, Any]:
    """The words, where they are others than above, and what they cost."""
    try:
        words = words_of(message.on("sms"))
    except ChannelError as error:
        return {"not_sent": str(error)}
    size = segments(words)
    return {
        "segments": f"{size.number} {'UCS-2' if size.unicode else 'GSM'}",
        **({"text": words} if words != message.text else {}),
    }


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
