"""From claimed messages to calls: read, judge, take a place, commit the attempts; and the call itself."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from post_purchase.channels.base import ChannelError, Outcome, OutMessage, SendContext, SendResult, TemplateUse
from post_purchase.channels.registry import driver_for
from post_purchase.models import Conversation, DeliveryAttempt, Message, MessageTemplate
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, Mode, Purpose
from shopapp.lib import clock

from . import pacing, portfolios, sent_pictures
from .arbiter import Decision, Detour, Verdict, judge
from .control_links import without_keys
from .each_row import update_each
from .inbox_states import tell_teams
from .reach import Facts, Reach, Way
from .template_words import filled

log = logging.getLogger("post_purchase.delivery")
LEASE = timedelta(seconds=90)  # longer than a driver may take
HAS_PLACE = "Waits for its place: the network takes only so many messages a second"
THREAD = 12  # ids are enough for a mail program to find the thread
_Place = tuple[int, int | None, int | None]  # conversation, channel, point
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Claim:
    message_id: int
    number: int  # Message.attempts at the claim: whoever holds an older number has lost it


@dataclass
class Call:
    """One message on its way to one network. `left`: from here on it may have gone."""

    message: Message
    claim: Claim
    mode: Mode
    way: Way
    content: OutMessage
    number: int
    detour: str = ""  # why not as it was wished
    attempt: DeliveryAttempt = field(init=False)
    thread: tuple[str, ...] = ()
    subject: str = ""
    file_sent: bool = False
    left: bool = False

    def leaving(self) -> None:
        self.left = True


def prepare(claims: Sequence[Claim]) -> list[Call]:
    """Judge what was claimed, give back what may not go now, and commit an attempt for each that goes."""
    messages = _read(claims)
    if not messages:
        return []
    now = clock.now()
    facts = Facts(messages, now=now)
    numbers = {claim.message_id: claim for claim in claims}
    kept: dict[tuple[int, tuple[tuple[str, object], ...]], list[int]] = defaultdict(list)
    calls: list[Call] = []
    for message in messages:
        claim = numbers[message.pk]
        try:
            reach = facts.reach_of(message)
            verdict = judge(reach.proposal, reach.situation, now)
        except UNREADABLE:  # its lease runs out, and settle_left_over decides
            log.exception("delivery.crashed", extra={"message_id": message.pk})
            continue
        if verdict.decision == Decision.GO and verdict.candidate is not None:
            calls.append(_call(message, claim, verdict, reach))
        else:
            kept[claim.number, tuple(_put_off(verdict).items())].append(message.pk)
    for (number, fields), ids in kept.items():
        _give_back(ids, number, **dict(fields))
    put_off = {pk for ids in kept.values() for pk in ids}
    tell_teams(message.shop_id for message in messages if message.pk in put_off)
    return _begin(_with_places(_within_portfolios(calls, now)))


def _read(claims: Iterable[Claim]) -> list[Message]:
    """Those whose claim still holds."""
    numbers = {claim.message_id: claim.number for claim in claims}
    rows = Message.objects.select_related("contact", "order", "point", "conversation")
    found = rows.filter(pk__in=numbers, status=MessageStatus.SENDING).order_by("pk")
    return [message for message in found if message.attempts == numbers[message.pk]]


def _put_off(verdict: Verdict) -> dict[str, object]:
    reason = verdict.reason[:255]
    if verdict.decision in (Decision.SUPPRESS, Decision.MERGE):
        return {"status": MessageStatus.SUPPRESSED, "reason": reason, "next_attempt_at": None}
    return {"status": MessageStatus.HELD, "reason": reason, "next_attempt_at": verdict.until, "attempts": 0}


def _give_back(ids: Iterable[int], number: int, **fields: object) -> None:
    Message.objects.filter(pk__in=ids, status=MessageStatus.SENDING, attempts=number).update(**fields)


def _call(message: Message, claim: Claim, verdict: Verdict, reach: Reach) -> Call:
    """With a template: its name, language and words as the network has approved them, and no taps."""
    assert verdict.candidate is not None
    way = reach.ways[verdict.candidate.point_id, verdict.candidate.channel_id]
    content = reach.content.on(way.channel.kind)
    if verdict.mode == Mode.TEMPLATE and content.template and way.template:
        use = _use_of(way.template, content.template)
        text = filled(way.template.body, use.parameters)
        bare: dict[str, object] = {"buttons": [], "url_button": None, "cards": []}
        content = content.model_copy(update={"template": use, "text": text, **bare})
    elif content.template and content.template.sent:  # an earlier try
        content = content.model_copy(update={"template": content.template.model_copy(update={"sent": False})})
    if not driver_for(way.channel.kind).shows_cards:
        content = content.in_words()
    picture = sent_pictures.for_network(message=message, kind=way.channel.kind, image_path=content.image_path)
    if picture != content.image_path:
        content = content.model_copy(update={"image_path": picture})
    detour = "" if verdict.detour == Detour.NONE else verdict.reason[:255]
    return Call(message, claim, verdict.mode, way, content, number=reach.tries + 1, detour=detour)


def _use_of(template: MessageTemplate, use: TemplateUse) -> TemplateUse:
    """With the values as that language has them."""
    values = use.parameters
    if order := use.orders.get(template.language):
        values = [values[place - 1] if place <= len(values) else "" for place in order]
    chosen = {"name": template.name, "language": template.language, "parameters": values, "sent": True}
    return use.model_copy(update=chosen)


def _within_portfolios(calls: list[Call], now: datetime) -> list[Call]:
    """First words for which the business has a place. The others are judged anew, now that it is known to be full."""
    first = [call for call in calls if call.mode == Mode.TEMPLATE]
    places = portfolios.take_places([(call.way.channel, call.way.point.pk) for call in first], now=now) if first else []
    late = {call.message.pk: call for call, has_place in zip(first, places, strict=True) if not has_place}
    for call in late.values():
        _give_back(
            [call.message.pk],
            call.claim.number,
            status=MessageStatus.QUEUED,
            reason=f"{call.way.channel.get_kind_display()}: {portfolios.NO_PLACE} so many people in 24 hours",
            next_attempt_at=now,
            attempts=F("attempts") - 1,
        )
    return [call for call in calls if call.message.pk not in late]


def _with_places(calls: list[Call]) -> list[Call]:
    """Those that may go now by the networks' rates; the others wait for the place that they have got."""
    asking = [call for call in calls if call.message.reason != HAS_PLACE]
    places = [
        pacing.Place(driver_for(call.way.channel.kind).rate, call.way.channel.pk, call.way.point.pk) for call in asking
    ]
    late: set[int] = set()
    for call, pause in zip(asking, pacing.reserve(places) if places else [], strict=True):
        if pause:
            late.add(call.message.pk)
            label = driver_for(call.way.channel.kind).kind.label
            _give_back(
                [call.message.pk],
                call.claim.number,
                status=MessageStatus.QUEUED,
                reason=HAS_PLACE if pause <= pacing.HORIZON else f"{label} takes only so many messages a second",
                next_attempt_at=clock.now() + timedelta(seconds=min(pause, pacing.HORIZON)),
                attempts=F("attempts") - 1,
            )
    return [call for call in calls if call.message.pk not in late]


@transaction.atomic
def _begin(calls: list[Call]) -> list[Call]:
    """The attempts, committed before any network is asked. A claim that was lost meanwhile makes no call."""
    if not calls:
        return []
    now = clock.now()
    rows = Message.objects.filter(pk__in=[call.message.pk for call in calls], status=MessageStatus.SENDING)
    held = set(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", "attempts"))
    going = [call for call in calls if (call.message.pk, call.claim.number) in held]
    if not going:
        return []
    Message.objects.filter(pk__in=[call.message.pk for call in going]).update(next_attempt_at=now + LEASE, reason="")
    update_each(
        Message,
        ["point_id", "channel_id", "detour"],
        {call.message.pk: (call.way.point.pk, call.way.channel.pk, call.detour) for call in going},
    )
    _show_what_goes(going)
    attempts = DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            message=call.message, channel=call.way.channel, point=call.way.point, number=call.number, started_at=now
        )
        for call in going
    )
    threads, subjects = _threads(going)
    files = _files_sent(going)
    for call, attempt in zip(going, attempts, strict=True):
        call.attempt = attempt
        call.file_sent = (call.message.pk, call.way.channel.pk) in files
        place = (call.message.conversation_id, call.way.channel.pk, call.way.point.pk)
        call.thread, call.subject = threads.get(place, ()), subjects.get(place, "")
    return going


def _show_what_goes(going: list[Call]) -> None:
    """The thread, the list and the search have the words that this network is given."""
    formed = [call for call in going if call.content.text != call.message.text]
    update_each(Message, ["text"], {call.message.pk: (call.content.text,) for call in formed})
    _keep_template([call for call in going if call.content.template])
    for call in formed:
        if call.mode == Mode.TEMPLATE:
            before, after = without_keys(call.message.text)[:200], without_keys(call.content.text)[:200]
            newest = Conversation.objects.filter(pk=call.message.conversation_id, last_text=before)
            newest.update(last_text=after)


def _keep_template(calls: list[Call]) -> None:
    """With which template it went, or that it now goes without one. The values stay in the order of the flow."""
    changed = []
    for call in calls:
        use, before = call.content.template, call.message.content.get("template") or {}
        now = use.model_dump(mode="json") | {"parameters": before.get("parameters", [])} if use else {}
        if (now.get("sent") or before.get("sent")) and now != before:
            call.message.content = {**call.message.content, "template": now}
            changed.append(call.message)
    Message.objects.bulk_update(changed, ["content"])


def _files_sent(calls: list[Call]) -> set[tuple[int, int]]:
    """(message, channel) whose picture an earlier try has sent, where it is a message of its own."""
    again = [call.message.pk for call in calls if call.number > 1]
    tries = DeliveryAttempt.objects.filter(message_id__in=again, file_sent=True)
    return set(tries.values_list("message_id", "channel_id")) if again else set()


def _threads(calls: list[Call]) -> tuple[dict[_Place, tuple[str, ...]], dict[_Place, str]]:
    """E-mail: the newest ids exchanged with each point, oldest first; and what the shopper's newest mail is about."""
    talks = {call.message.conversation_id for call in calls if call.way.channel.kind == ChannelKind.EMAIL}
    if not talks:
        return {}, {}
    place = Window(RowNumber(), partition_by=["conversation", "channel", "point"], order_by="-pk")
    mails = Message.objects.filter(conversation_id__in=talks, channel__kind=ChannelKind.EMAIL).exclude(provider_id="")
    newest = mails.annotate(place=place).filter(place__lte=THREAD).order_by("pk")
    found: dict[_Place, list[str]] = defaultdict(list)
    subjects: dict[_Place, str] = {}
    for talk, channel, point, provider_id, direction, subject in newest.values_list(
        "conversation_id", "channel_id", "point_id", "provider_id", "direction", "content__subject"
    ):
        found[talk, channel, point].append(provider_id)
        if direction == Direction.IN and subject:
            subjects[talk, channel, point] = str(subject)
    return {key: tuple(ids) for key, ids in found.items()}, subjects


def make(call: Call) -> SendResult:
    """The call itself, in a thread of its own. Raises ChannelError, or whatever is broken in the driver."""
    message = call.message
    return driver_for(call.way.channel.kind).send(
        channel=call.way.channel,
        point=call.way.point,
        message=call.content,
        mode=call.mode,
        ref=message.ref,
        context=SendContext(
            purpose=Purpose(message.purpose),
            typed=message.author == Author.PERSON,
            attempt=call.number,
            file_sent=call.file_sent,
            thread=call.thread,
            subject=call.subject,
            leaving=call.leaving,
        ),
    )


def explain(call: Call, error: BaseException) -> ChannelError:
    """What a driver raised. A fault of ours is settled at once where the message cannot have left yet."""
    if isinstance(error, ChannelError):
        return error
    log.error("delivery.crashed", exc_info=error, extra={"message_id": call.message.pk, "left": call.left})
    name = type(error).__name__
    if call.left:
        return ChannelError(f"The answer could not be read ({name})", outcome=Outcome.UNKNOWN, code="crash")
    return ChannelError(
        f"Not sent: this message could not be made ready ({name}). The log of this moment says why.",
        outcome=Outcome.BUG,
        code="crash",
    )
