"""A flow's document in the merchant's words: steps, ways, conditions, durations. Pure; takes drafts that are broken."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.words import EventKind, ParcelState

from .negations import negated
from .step import parse_offset

Raw = Mapping[str, Any]

KINDS: Mapping[str, tuple[str, str]] = {  # kind: (its name, what it does)
    "send": ("Send a message", "Says something and goes on"),
    "ask": ("Ask a question", "Waits for a tap, a number, stars, a photo or words"),
    "wait": ("Wait", "For some time, for an hour of the day, for a date, or until something is so"),
    "branch": ("Choose a way", "By what is known of the order, the shopper and their answers"),
    "split": ("Split by chance", "Some go this way, some that way"),
    "experiment": ("Try variants", "Which one reaches the flow's goal more often?"),
    "digest": ("Gather news", "Several parcels on one day become one message"),
    "collect_review": ("Collect a review", "Stars, a few words, a photo"),
    "add_photo": ("Add a late photo", "Puts it to the review that was given before"),
    "reward": ("Give a reward", "A discount code for one person; it cannot see the rating"),
    "recommend": ("Find a product", "What fits what was bought"),
    "send_guide": ("Send the guide", "How to use what was bought"),
    "tag": ("Tag the shopper", "A word for your lists"),
    "set_field": ("Remember an answer", "Size, taste, a preference"),
    "give_consent": ("Keep a yes", "The shopper's yes to offers, with the exact words they agreed to"),
    "note": ("Write a note", "For your team; the shopper does not see it"),
    "hand_off": ("Hand over to your team", "A person takes over"),
    "close": ("Close the conversation", "It opens again when the shopper writes"),
    "call_webhook": ("Tell another system", "A signed call to an address of yours"),
    "trigger_shopify_flow": ("Start a Shopify Flow", "Your workflow in Shopify goes on from here"),
    "start_flow": ("Start another flow", "For the same order; this one goes on"),
    "end": ("End here", "Nothing more is sent"),
}
GROUPS: Mapping[str, tuple[str, ...]] = {  # as they are offered
    "Say and ask": ("send", "ask"),
    "Wait and choose": ("wait", "branch", "split", "experiment", "digest"),
    "Reviews and rewards": ("collect_review", "add_photo", "reward"),
    "Products": ("recommend", "send_guide"),
    "Remember": ("tag", "set_field", "give_consent"),
    "Your team": ("note", "hand_off", "close"),
    "Other systems, other flows, the end": ("call_webhook", "trigger_shopify_flow", "start_flow", "end"),
}
NEWS: Mapping[str, str] = {
    EventKind.ORDER_PLACED: "an order is placed",
    EventKind.ORDER_PAID: "an order is paid",
    EventKind.ORDER_EDITED: "an order is changed",
    EventKind.ORDER_CANCELLED: "an order is cancelled",
    EventKind.ORDER_REFUNDED: "an order is refunded",
    EventKind.PARCEL_LABEL: "a parcel gets its label",
    EventKind.PARCEL_SHIPPED: "a parcel is on its way",
    EventKind.PARCEL_IN_TRANSIT: "a parcel moves on",
    EventKind.PARCEL_DELAYED: "a parcel is delayed",
    EventKind.PARCEL_STALLED: "a parcel was not scanned for days",
    EventKind.PARCEL_OUT_FOR_DELIVERY: "a parcel is out for delivery",
    EventKind.PARCEL_ATTEMPTED: "a delivery was tried in vain",
    EventKind.PARCEL_READY_FOR_PICKUP: "a parcel can be picked up",
    EventKind.PARCEL_DELIVERED: "a parcel is delivered",
    EventKind.DELIVERY_ASSUMED: "a parcel should have arrived",
    EventKind.RETURN_REQUESTED: "a return is asked for",
    EventKind.PARCEL_FAILED: "a parcel could not be delivered",
    EventKind.ORDER_DELIVERED: "the whole order has arrived",
    EventKind.CONVERSATION_STARTED: "the shopper opens the chat",
    EventKind.MESSAGE_RECEIVED: "the shopper writes",
    EventKind.MEDIA_STORED: "the shopper sends a photo",
    EventKind.REVIEW_GIVEN: "a review is given",
    EventKind.REVIEW_PHOTO_ADDED: "a photo comes with a review",
    EventKind.REVIEW_WANTED: "the shopper taps “Leave a review”",
    EventKind.REWARD_ISSUED: "a reward is ready",
    EventKind.REWARD_FAILED: "a reward could not be made",
    EventKind.CONSENT_GIVEN: "the shopper says yes to messages",
    EventKind.OPTED_OUT: "the shopper writes STOP",
    EventKind.HANDED_OFF: "a person of the team is asked for",
    EventKind.CONVERSATION_CLOSED: "the conversation is closed",
    EventKind.CONTACT_SILENT: "the shopper was silent for some time",
    EventKind.DATE_REACHED: "a date is reached",
    EventKind.PURCHASE_AGED: "some time has passed since a purchase",
    EventKind.STARTED_BY_HAND: "you start it by hand",
    EventKind.SHOPIFY_FLOW: "Shopify Flow starts it",
    EventKind.API_CALLED: "your own system starts it",
    EventKind.PRODUCTS_FOUND: "a product is found",
    EventKind.SHOP_UNINSTALLED: "the app is uninstalled",
    EventKind.CONTACT_REDACTED: "the shopper's data are erased",
}
FACTS: Mapping[str, str] = {
    "order.total": "the order's total",
    "order.subtotal": "the goods' total",
    "order.country": "the country it goes to (DE, FR)",
    "order.tags": "the order's tags",
    "order.products": "the products in it (ids)",
    "order.skus": "the SKUs in it",
    "order.parcel_count": "the number of parcels",
    "order.paid": "the order is paid",
    "order.delivered": "the order has arrived",
    "order.cancelled": "the order is cancelled",
    "order.fully_refunded": "the order is fully refunded",
    "order.point_of_sale": "it was bought in the store",
    "order.requires_shipping": "there is something to ship",
    "order.test": "it is a test order",
    "order.placed_at": "the order was placed",
    "order.delivered_at": "the order arrived",
    "order.day_expected": "the order is expected",
    "parcel.delivered_at": "the parcel arrived",
    "parcel.shipped_at": "the parcel was sent",
    "parcel.day_expected": "the parcel is expected",
    "event.attachments": "photos came with it",
    "parcel.state": "the parcel's state",
    "parcel.carrier": "the carrier",
    "parcel.partial": "the parcel holds only a part",
    "contact.country": "the shopper's country",
    "contact.tags": "the shopper's tags",
    "contact.known": "we know who the shopper is",
    "conversation.started": "the shopper has opened the chat",
    "conversation.handed_off": "a person looks after the shopper",
    "history.orders": "the shopper's orders so far",
    "history.reviews": "the shopper's reviews so far",
    "history.last_rating": "the shopper's last rating",
    "consent.marketing": "the shopper wants offers",
    "guide.text": "there is a guide for what was bought",
    "reward.offered": "a reward is offered",
    "review.product": "there is a product to review",
    "order.gift": "the order is a gift",
    "order.return_open": "a return is open",
    "order.cash_on_delivery": "it is paid on delivery",
    "history.bought_since": "the shopper has bought again since",
    "history.days_since_order": "the days since the shopper's last order",
    "history.due_again_at": "the shopper usually buys again",
    "history.win_back_at": "the shopper has been silent for clearly longer than usual",
    "event.rating": "the stars of the review",
    "event.touchpoint": "the touchpoint",
    "event.touchpoint_name": "the card",
    "event.campaign": "the print run",
    "event.by": "the news that began it",
    "event.answered_by_person": "a person has answered in this talk",
    "event.may_ask": "your team asks how it was",
    "answers.products": "a product was found",
    "answers.rating": "the rating",
    "language": "the shopper's language",
}
VALUES: Mapping[str, str] = {  # what a text can name, by picking
    "{{ contact.first_name }}": "First name",
    "{{ order.name }}": "Order number",
    "{{ order.total | money: order.currency }}": "Total",
    "{{ order.day_expected | day }}": "Day expected",
    "{{ parcel.items | listed }}": "Items in the parcel",
    "{{ parcel.carrier | default: words.carrier }}": "Carrier",
    "{{ parcel.tracking_url }}": "Tracking link",
    "{{ parcel.day_expected | day }}": "Day the parcel is expected",
    "{{ review.product | default: words.product }}": "Product",
    "{{ reward.percentage | number }}": "Reward in per cent",
    "{{ reward.code }}": "Reward code",
    "{{ reward.ends_at | day }}": "Reward's last day",
    "{{ answers.rating }}": "Their rating",
    "{{ shop.name }}": "Your shop's name",
    "{% if contact.first_name %}Hi {{ contact.first_name }}! {% endif %}": "Greeting, if the name is known",
}
_SAY_IT_ALL = ("guide.text", "review.product", "event.attachments")  # facts that are whole sentences
COMPARISONS: Mapping[str, str] = {
    "equals": "is",
    "one_of": "is one of",
    "contains": "has one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "exists": "is known",
}
_WAYS = {
    "next": "Then",
    "on_timeout": "If nothing comes",
    "on_help": "If they want help",
    "on_failure": "If it cannot be made",
    "on_none": "If there is none",
    "on_missing": "If the date is not known",
    "on_cut_short": "If the news comes before",
    "on_stale": "If it is no longer so",
}


def title_of(step_id: str, step: Raw) -> str:
    """What the merchant called it; else its id as words."""
    return str(step.get("title") or "") or step_id.replace("_", " ").capitalize()


def kind_name(kind: Any) -> str:
    return KINDS[kind][0] if kind in KINDS else f"An unknown kind of step: {kind}"


def length(value: Any) -> str:
    """P7D: "7 days". What is no duration is shown as it stands."""
    try:
        seconds = int(parse_offset(str(value)).total_seconds())
    except ValueError:
        return str(value)
    sign, seconds = ("minus " if seconds < 0 else ""), abs(seconds)
    parts = []
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return sign + (" ".join(parts) or "no time")


def either(words: Iterable[str], last: str = "or") -> str:
    found = list(words)
    return f" {last} ".join(filter(None, (", ".join(found[:-1]), found[-1]))) if found else ""


def news(kinds: Any) -> str:
    listed = kinds if isinstance(kinds, list | tuple) else []
    return either(NEWS.get(str(kind), str(kind)) for kind in listed)


def fact(path: Any) -> str:
    name = str(path)
    if name in FACTS:
        return FACTS[name]
    root, _, rest = name.partition(".")
    rest = rest.replace(".", " ").replace("_", " ")
    if root == "answers":
        return f"the answer “{rest}”"
    if root == "seen":
        return f"how often “{rest}” was passed"
    return f"{root} {rest}".strip()


def not_known(path: str) -> str:
    """Why a message that needs this fact is left out."""
    return f"Left out, as it needs what is not known: {fact(path)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return either(_value(item) for item in value)
    return str(value)


def condition(raw: Any) -> str:
    """ "the order's total is at least 50 and the order is paid" """
    if not isinstance(raw, Mapping):
        return ""
    for name, word in (("all", "and"), ("any", "or")):
        if isinstance(raw.get(name), list):
            return f" {word} ".join(_inner(part) for part in raw[name])
    if isinstance(raw.get("not"), Mapping):
        return _none_of(raw["not"])
    said, path = fact(raw.get("fact", "")), str(raw.get("fact", ""))
    if path.startswith("seen.") and str(raw.get("at_least")) == "1":
        return f"“{path[5:].replace('_', ' ')}” was passed"
    for name, words in COMPARISONS.items():
        if name not in raw:
            continue
        value = raw[name]
        if name == "exists":
            if path in _SAY_IT_ALL:
                return said if value else negated(said)
            return f"known: {said}" if value else f"not known: {said}"
        if path == "event.by" and name == "equals":
            return f"it began when {NEWS.get(str(value), str(value))}"
        if name == "equals" and isinstance(value, bool):
            return said if value else negated(said)
        return f"{said} {words} {_value(_parcel_states(value) if path == 'parcel.state' else value)}"
    return said


def _parcel_states(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_parcel_states(one) for one in value]
    return ParcelState(value).label.lower() if value in ParcelState.values else value


def _inner(part: Any) -> str:
    words = condition(part)
    return f"({words})" if isinstance(part, Mapping) and _joins(part) else words


def _joins(raw: Raw) -> bool:
    """Several conditions: beside others they stand in brackets, so that it is plain what belongs together."""
    inside = raw.get("not")
    return "all" in raw or "any" in raw or (isinstance(inside, Mapping) and _joins(inside))


def _none_of(raw: Raw) -> str:
    if isinstance(raw.get("any"), list):
        return f"neither {' nor '.join(_inner(part) for part in raw['any'])}"
    if isinstance(raw.get("all"), list):
        return f"not both at once: {condition(raw)}" if len(raw["all"]) == 2 else f"not all of this: {condition(raw)}"
    for name in ("exists", "equals"):
        if raw.get(name) is True:
            return condition({**raw, name: False})
    return f"not: {condition(raw)}"


def summary(step: Raw, document: Raw, language: str = "en") -> str:
    """One line below the step's title: what it says, how long it waits, what it asks."""
    kind = step.get("kind")
    match kind:
        case "send" | "ask" | "send_guide":
            return said(document, step.get("message"), language)
        case "collect_review":
            return said(document, step.get("question"), language)
        case "hand_off":
            return said(document, step.get("message"), language) or str(step.get("reason", ""))
        case "wait":
            return _wait(step)
        case "digest":
            return f"{length(step.get('for', ''))} for more news of: {news(step.get('news'))}"
        case "reward":
            return f"Wait {length(step.get('timeout', ''))} at most for the code"
        case "recommend":
            return {
                "compatible": "What goes with what was bought",
                "bought_together": "What others bought with it",
                "same_again": "The same again",
            }.get(str(step.get("by", "compatible")), "")
        case "give_consent":
            return said(document, step.get("asked_in"), language)
        case "set_field":
            what = f"the answer “{step['answer']}”" if step.get("answer") else f"“{step.get('value', '')}”"
            return f"{what} as “{step.get('field', '')}”"
        case "experiment":
            return f"Judged by the goal “{step.get('goal', '')}”"
        case _:
            plain = {"tag": "tag", "note": "text", "call_webhook": "url", "start_flow": "flow", "end": "reason"}
            return readable(str(step.get(plain.get(str(kind), ""), "")))


def _wait(step: Raw) -> str:
    if step.get("between"):
        hours = " to ".join(str(hour)[:5] for hour in step["between"])
        days = f", on {either(map(str.capitalize, step['weekdays']))}" if step.get("weekdays") else ""
        return f"Until it is {hours} where the shopper is{days}"
    if step.get("until"):
        return f"Until {condition(step['until'])}, {length(step.get('timeout', ''))} at most"
    if step.get("date"):
        offset = str(step.get("offset") or "")
        before = f"{length(offset.lstrip('-'))} {'before' if offset.startswith('-') else 'after'} " if offset else ""
        return f"Until {before}the day: {fact(step['date'])}"
    since = f" after {fact(step['from'])}" if step.get("from") else ""
    return f"{length(step.get('for', ''))}{since}".capitalize()


def said(document: Raw, message: Any, language: str) -> str:
    """The message's words in this language, else in English or in any; "" where there are none."""
    texts = document.get("texts") or {}
    for tag in dict.fromkeys((language, "en", *texts)):
        wording = ((texts.get(tag) or {}).get("messages") or {}).get(message)
        if isinstance(wording, Mapping) and wording.get("text"):
            return readable(str(wording["text"]))
    return ""


_TAG, _NAME = re.compile(r"\{%.*?%\}", re.S), re.compile(r"\{\{\s*([\w.]+)[^}]*\}\}")


_OTHERWISE = re.compile(r"\{%-?\s*els(?:e|if)\b.*?(?=\{%-?\s*end)", re.S)
_SAID_PLAINLY = {"shop.name": "shop", "order.name": "order number"}


def readable(text: str) -> str:
    """On one line, with names where values will stand: "Hi [first name]!" Of two ways to say it, the first."""
    named = _NAME.sub(lambda found: f"[{_value_name(found[1])}]", _TAG.sub("", _OTHERWISE.sub("", text)))
    return " ".join(named.split())


def _value_name(path: str) -> str:
    return _SAID_PLAINLY.get(path) or path.rpartition(".")[2].replace("_", " ")


def way_name(step: Raw, field: str, document: Raw, language: str = "en") -> str:
    """What a way out is called: "If nothing comes", "“Damaged”", "If the order is paid"."""
    kind, (root, *rest) = step.get("kind"), field.split(".")
    if root == "choices" and rest:
        texts = document.get("texts") or {}
        for tag in dict.fromkeys((language, "en", *texts)):
            wording = ((texts.get(tag) or {}).get("messages") or {}).get(step.get("message")) or {}
            if title := (wording.get("choices") or {}).get(rest[0]):
                return f"“{title}”"
        return f"“{rest[0].replace('_', ' ')}”"
    if root in ("cases", "ways", "variants") and rest:
        part = step[root][int(rest[0])]
        if root == "cases":
            return f"If {condition(part.get('if'))}"
        total = sum(int(way.get("weight", 1)) for way in step[root]) or 1
        share = f"{round(100 * int(part.get('weight', 1)) / total)}%"
        return f"{share} go this way" if root == "ways" else f"Variant {part.get('name', '')}, {share}"
    if root == "next" and kind == "branch":
        return "Otherwise"
    if root == "next" and kind == "ask" and step.get("choices"):
        return "Another answer"
    return _WAYS.get(root, root.replace("_", " ").capitalize())
