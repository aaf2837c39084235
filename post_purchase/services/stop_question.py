"""Where it is unclear whether somebody wants no more messages, they are asked, once a day, with two buttons."""

from functools import lru_cache

from post_purchase.channels.base import Button
from post_purchase.models import ContactPoint, Message
from post_purchase.words import Direction
from shopapp.lib import clock

from . import consent
from .answers import may_cancel, understood
from .messages import queue_answer
from .phrases import load, phrase, plain
from .stops import Stop, heard_stop, is_cancel_word
from .talk_language import language_of
from .threads import hand_off

STEP = "stop_question"  # Message.step_id of the question
PREFIX = "stop:"
CHOICES = ("yes", "no")
NOT_THE_REQUEST = {Stop.MIXED: frozenset({"thanks"}), Stop.UNCLEAR: frozenset({"thanks", "cancel"})}


def heard_in(message: Message) -> Stop:
    """What the words say, at the place where they were written: "cancel" is about an order where one is expected."""
    if message.point is not None and is_cancel_word(message.text) and may_cancel(message.point):
        return Stop.NO
    return heard_stop(message.text)


def ask(*, message: Message) -> bool:
    """False: nothing is unclear, a request was heard, which has its own answer, or they were asked today."""
    point, heard = message.point, heard_in(message)
    if point is None or heard not in NOT_THE_REQUEST or understood(message).names - NOT_THE_REQUEST[heard]:
        return False
    key = f"answer:{STEP}:{point.pk}:{clock.now():%Y%m%d}"
    if Message.objects.filter(shop_id=message.shop_id, dedupe_key=key).exists():
        return False
    language = language_of(point.contact, message.order)
    queue_answer(
        conversation=message.conversation,
        text=phrase(STEP, language),
        language=language,
        point=point,
        step_id=STEP,
        buttons=[Button(id=f"{PREFIX}{each}", title=phrase(f"stop_{each}", language)) for each in CHOICES],
        dedupe_key=key,
    )
    return True


def heard_answer(*, message: Message, button_id: str) -> bool:
    """A tap on the question, or what is typed right after it: yes, no, a number. False: it is something else."""
    tapped = button_id.removeprefix(PREFIX) if button_id.startswith(PREFIX) else ""
    choice = tapped if button_id else _choice(message.text)
    if message.point is None or choice not in CHOICES:
        return False
    said = Message.objects.filter(conversation_id=message.conversation_id, direction=Direction.OUT, pk__lt=message.pk)
    questions = said.filter(point=message.point, step_id=STEP).order_by("-pk").values_list("pk", flat=True)
    asked = questions.first()
    if asked is None or (not tapped and said.filter(pk__gt=asked).exists()):
        return bool(tapped)
    _decide(choice, message, message.point)
    return True


def _choice(text: str) -> str:
    said = plain(text)
    numbers = {str(place): choice for place, choice in enumerate(CHOICES, 1)}
    return numbers.get(said) or next((choice for choice in CHOICES if said in _words(choice)), "")


@lru_cache(maxsize=2)
def _words(choice: str) -> frozenset[str]:
    lists = [*load("actions")["words"][choice].values(), load("phrases")[f"stop_{choice}"].values()]
    return frozenset(plain(word) for words in lists for word in words)


def _decide(choice: str, message: Message, point: ContactPoint) -> None:
    """A "no" leaves all as it is, and what they meant is for a person."""
    if choice == "yes":
        consent.stop_everything(point=point, message=message)
        return
    reason = "Asked whether to stop, the shopper said no: see what they meant"
    hand_off(conversation=message.conversation, reason=reason)
    language = language_of(point.contact, message.order)
    queue_answer(
        conversation=message.conversation,
        text=phrase("person_coming", language),
        language=language,
        point=point,
        dedupe_key=f"answer:stop_no:{point.pk}:{clock.now():%Y%m%d}",
    )
