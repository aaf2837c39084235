"""The shopper's own control in the chat: what we know, their choices, a copy, an erasure. One kind answer to each."""

from datetime import time, timedelta

from post_purchase.models import ContactPoint, FlowRun, Message, RunStatus
from post_purchase.words import ChannelKind, Direction, Purpose
from shopapp.lib import clock

from . import choices
from .choices import Choice, Source
from .consent import newest_states
from .control_links import end_link, make_link
from .control_words import Wish, confirms_erasure, milder_than_stop, wish_of
from .messages import queue_answer
from .privacy_requests import ask_for_erasure
from .stops import wants_stop
from .talk_language import language_of

ASKS_TO_ERASE = "control_erase"  # Message.step_id of the question whose answer may be the word
TIME_TO_CONFIRM = timedelta(minutes=30)
MUTED = {"no_reviews": Purpose.REVIEW_REQUEST, "no_offers": Purpose.MARKETING}


def respond(*, message: Message, point: ContactPoint) -> bool:
    """True: it was about this, and has been done and answered."""
    confirmed = confirms_erasure(message.text) and _was_asked_to_erase(point)
    wish = wish_of(message.text) or (milder_than_stop(message.text) if wants_stop(message.text) else None)
    if not confirmed and (wish is None or (wish.name in ("size", "language") and _flow_asks(point))):
        return False
    point.refresh_from_db(fields=["contact"])  # two contacts may have become one
    if confirmed or wish is None:
        _erase(message, point)
        return True
    text, step = _answer_to(wish, message, point)
    if text:
        _say(message, point, text, step=step)
    return bool(text)


def _answer_to(wish: Wish, message: Message, point: ContactPoint) -> tuple[str, str]:
    texts = choices.texts_of(language_of(point.contact))
    source = _source(message, point)
    whole = choices.owns_all(point)
    if wish.name == "about":
        facts = choices.facts_of(point, language_of(point.contact), whole=whole)
        told = "\n".join(f"{label}: {value}" for label, value in facts)
        return texts["about"].format(facts=told, link=make_link(point)), ""
    if wish.name == "export":
        return texts["export"].format(link=make_link(point)), ""
    if wish.name == "erase":
        question = texts["ask_erase"].format(word=texts["erase_word"])
        return f"{texts['erase_all' if whole else 'erase_chat']} {question}", ASKS_TO_ERASE
    if wish.name in ("language", "quiet") and not wish.value:
        return texts["see_page"].format(link=make_link(point)), ""
    if wish.name in MUTED:
        return _mute(MUTED[wish.name], source, texts, whole=whole), ""
    if wish.name == "language":
        choices.set_language(language=wish.value, source=source)
        texts = choices.texts_of(wish.value)
        return texts["done"].format(what=f"{texts['language']}: {texts['own_name']}"), ""
    if wish.name == "size":
        choices.set_size(size=wish.value, source=source)
        return texts["done"].format(what=f"{texts['size']}: {wish.value}"), ""
    if wish.name == "channel":
        return _prefer(wish.value, source, texts), ""
    start, end = (time.fromisoformat(part) for part in wish.value.split("-"))
    choices.set_quiet(start=start, end=end, source=source)
    return texts["done"].format(what=f"{texts['quiet']}: {start:%H:%M}–{end:%H:%M}"), ""


def _prefer(kind: str, source: Source, texts: dict[str, str]) -> str:
    try:
        choices.set_channel(kind=kind, source=source)
    except ValueError:
        return texts["not_there"].format(channel=ChannelKind(kind).label)
    return texts["done"].format(what=f"{texts['channel']}: {ChannelKind(kind).label}")


def _mute(purpose: Purpose, source: Source, texts: dict[str, str], *, whole: bool) -> str:
    points = choices.points_of(source.point, whole=whole)
    states = newest_states(points)
    for each in points:
        if states[each.pk].get(purpose) != "withdrawn":
            choices.allow(point=each, purpose=purpose, allowed=False, source=source)
    return texts["done"].format(what=f"{texts[purpose]}: {texts['off']}")


def _erase(message: Message, point: ContactPoint) -> None:
    choices.note(source=_source(message, point), choice=Choice.ERASE)
    ask_for_erasure(point=point, whole=choices.owns_all(point), key=f"message:{message.pk}")
    end_link(point)
    _say(message, point, choices.texts_of(language_of(point.contact))["erased"])


def _was_asked_to_erase(point: ContactPoint) -> bool:
    since = clock.now() - TIME_TO_CONFIRM
    return Message.objects.filter(
        point=point, direction=Direction.OUT, step_id=ASKS_TO_ERASE, happened_at__gte=since
    ).exists()


def _flow_asks(point: ContactPoint) -> bool:
    """A flow has asked this person something: their answer is its."""
    return FlowRun.objects.filter(
        contact_id=point.contact_id, status=RunStatus.ACTIVE, waiting_for__contains="answer"
    ).exists()


def _source(message: Message, point: ContactPoint) -> Source:
    return Source(point, "chat", message.text, f"message:{message.pk}", {"message": message.pk})


def _say(message: Message, point: ContactPoint, text: str, *, step: str = "") -> None:
    language = language_of(point.contact)
    queue_answer(
        conversation=message.conversation,
        text=text,
        language=language,
        point=point,
        step_id=step,
        dedupe_key=f"control:{message.pk}",
    )
