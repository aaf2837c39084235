"""Meta's message templates: our rows, their review, and which one speaks the shopper's language."""

import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from post_purchase.channels.base import ChannelError, Outcome, TemplateUpdate
from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import Channel, ChannelStatus, Message, MessageTemplate, ShopSettings, TemplateStatus
from post_purchase.words import MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

from .channels import halt_channel
from .template_words import READING, free_name, meta_language, next_name

log = logging.getLogger("post_purchase.templates")
MAX_BODY = 1024
MOST_NEWS = 30  # of one template
LOOK_AGAIN = timedelta(minutes=10)  # while Meta reviews; its callback usually tells earlier
LOOK_DAILY = timedelta(days=1)  # while there are words of earlier versions
TRY_AGAIN = timedelta(minutes=5)
# 2388024: this name has content in this language. 2388023: it had, and is being deleted (for 30 days).
NAME_TAKEN = ("100/2388024", "100/2388023")
_VARIABLE = re.compile(r"\{\{(\d+)\}\}")
STATUSES = {
    "APPROVED": TemplateStatus.APPROVED,
    "REINSTATED": TemplateStatus.APPROVED,
    "UNPAUSED": TemplateStatus.APPROVED,
    "FLAGGED": TemplateStatus.APPROVED,
    "PENDING": TemplateStatus.PENDING,
    "IN_APPEAL": TemplateStatus.PENDING,
    "REJECTED": TemplateStatus.REJECTED,
    "PAUSED": TemplateStatus.PAUSED,
    "DISABLED": TemplateStatus.DISABLED,
    "DELETED": TemplateStatus.DISABLED,
    "PENDING_DELETION": TemplateStatus.DISABLED,
    "ARCHIVED": TemplateStatus.DISABLED,
}


@dataclass(frozen=True)
class TemplateSpec:
    """A template that the flows need. `body` has {{1}}, {{2}}...; `samples` are example values in that order."""

    name: str
    language: str  # BCP 47: "en", "pt-BR"
    category: str  # UTILITY or MARKETING
    body: str
    samples: Sequence[str] = ()
    names: Sequence[str] = ()  # what a person reads beside each gap; empty: its number


def templates_wanted(shop: Shop, specs: Sequence[TemplateSpec] = ()) -> None:
    """The shop's flows or accounts have changed: save what they say now, and look at its templates soon."""
    kinds = [kind for kind, driver in DRIVERS.items() if driver.has_templates]
    channels = Channel.objects.filter(shop=shop, kind__in=kinds, status=ChannelStatus.ACTIVE)
    if specs:
        for channel in channels:
            save_specs(channel, specs)
    if channels.update(templates_due_at=clock.now()):
        wake(Job.SUBMIT_TEMPLATES)


def ensure_templates(
    *, channel: Channel, specs: Sequence[TemplateSpec], kept: Sequence[TemplateSpec] | None = None
) -> None:
    """Save what the flows need as rows, hand new words to the network, ask about those under review.

    With `kept` whatever is in neither of the two is let go. Repeating it changes nothing.
    Sets `templates_due_at` for the next look, or None where nothing is open.
    """
    save_specs(channel, specs)
    due: timedelta | None = None
    try:
        _adopt(channel)
        for template in channel.templates.filter(status=TemplateStatus.DRAFT).order_by("pk"):
            _submit(channel, template)
        if kept is not None:
            _let_go(channel, [*specs, *kept])
    except ChannelError as error:
        log.warning("templates.refused", extra={"channel": channel.pk, "code": error.code})
        due = TRY_AGAIN
        if error.outcome == Outcome.HALT_ACCOUNT:
            halt_channel(channel, str(error))
    if due is None and channel.templates.filter(status=TemplateStatus.PENDING).exists():
        due = LOOK_AGAIN
    if due is None and kept is not None and _older(channel, specs):
        due = LOOK_DAILY
    # Only over the due time that this look answers: a flow that was switched on meanwhile stays due.
    mine = Channel.objects.filter(pk=channel.pk, templates_due_at=channel.templates_due_at)
    mine.update(templates_due_at=clock.now() + due if due else None)


def save_specs(channel: Channel, specs: Iterable[TemplateSpec]) -> None:
    """A row for each that this network takes."""
    categories = driver_for(channel.kind).template_categories
    fitting = [spec for spec in specs if spec.category.upper() in categories]
    rows = list(channel.templates.order_by("pk"))
    wanted = {_words_of(spec) for spec in fitting}
    for spec in fitting:
        _save(channel, spec, rows, wanted)


def save_spec(channel: Channel, spec: TemplateSpec, *, is_own: bool = False) -> None:
    """A row for its words, under its name or, where other words have that, under another."""
    _save(channel, spec, list(channel.templates.order_by("pk")), {_words_of(spec)}, is_own=is_own)


Words = tuple[str, str, str]  # Meta's language, category, body


def _words_of(spec: TemplateSpec) -> Words:
    return meta_language(spec.language), spec.category.upper(), spec.body.strip()


def _words_in(row: MessageTemplate) -> Words:
    return row.language, row.asked_category or row.category, row.body


def _save(
    channel: Channel, spec: TemplateSpec, rows: list[MessageTemplate], wanted: set[Words], *, is_own: bool = False
) -> None:
    """`rows`: all of the channel, kept up to date. What was never approved and nobody wants is written over."""
    language, category, body = _words_of(spec)
    names = spec.names or [str(number) for number in range(1, len(spec.samples) + 1)]
    parameters = [{"name": name, "sample": sample} for name, sample in zip(names, spec.samples, strict=True)]
    problem = why_unfit(spec)
    state = {"status": TemplateStatus.REJECTED if problem else TemplateStatus.DRAFT, "status_reason": problem}
    values = {"category": category, "asked_category": category, "body": body, "parameters": parameters} | state
    same = same_words(rows, (language, category, body), spec.name)
    if same is not None:
        samples = [parameter.get("sample") for parameter in same.parameters]
        if same.status in _UNREAD and samples != list(spec.samples):
            _write_over(same, values)
        return
    named = [row for row in rows if row.language == language]
    mended = next((row for row in named if row.name == spec.name and row.status in _UNREAD and not row.is_own), None)
    if mended is not None and _words_in(mended) not in wanted:
        _write_over(mended, values)
    elif name := free_name(spec.name, body, {row.name for row in named}):
        key = {"channel": channel, "name": name, "language": language}
        rows.append(MessageTemplate.objects.get_or_create(**key, defaults=values | {"is_own": is_own})[0])


_UNREAD = (TemplateStatus.DRAFT, TemplateStatus.REJECTED)


def _write_over(row: MessageTemplate, values: Mapping[str, object]) -> None:
    MessageTemplate.objects.filter(pk=row.pk).update(**values, updated_at=clock.now())
    for name, value in values.items():
        setattr(row, name, value)


def same_words(rows: Iterable[MessageTemplate], words: Words, name: str = "") -> MessageTemplate | None:
    """The template that says just this. Meta takes the same words only once, so the name does not matter."""
    found = [row for row in rows if _words_in(row) == words]
    return min(found, key=lambda row: (row.status != TemplateStatus.APPROVED, row.name != name, row.pk), default=None)


def _adopt(channel: Channel) -> None:
    """What the network already has: after a reconnect, after a lost answer, and the state of those under review."""
    open_rows = Q(status=TemplateStatus.PENDING) | Q(status=TemplateStatus.DRAFT, provider_id="")
    rows = list(channel.templates.filter(open_rows))
    if not rows:
        return
    listed = driver_for(channel.kind).list_templates(channel=channel)
    by_name = {(update.name, update.language): update for update in listed}
    for row in rows:
        update = by_name.get((row.name, row.language))
        if row.status == TemplateStatus.DRAFT and (update is None or update.body.strip() != row.body):
            _find_place(row, update, listed)
        elif update is not None:
            _apply(MessageTemplate.objects.filter(pk=row.pk), update)


def _find_place(row: MessageTemplate, named: TemplateUpdate | None, listed: Sequence[TemplateUpdate]) -> None:
    """Of words that are not at the network under the row's name. `named`: what is there under it."""
    mine = _names_beside(row)
    here = (each for each in listed if each.language == row.language and each.body.strip() == row.body)
    twin = next((each for each in here if each.name not in mine), None)
    if twin is not None:
        MessageTemplate.objects.filter(pk=row.pk).update(name=twin.name)
        _apply(MessageTemplate.objects.filter(pk=row.pk), twin)
    elif named is not None and STATUSES.get(named.status.upper()) == TemplateStatus.REJECTED:
        MessageTemplate.objects.filter(pk=row.pk).update(provider_id=named.provider_id)  # submitted as an edit
    elif named is not None:
        _rename(row, mine | {each.name for each in listed if each.language == row.language})


def _rename(row: MessageTemplate, taken: Collection[str]) -> bool:
    """Another name for words that the network has not got yet, where others have theirs."""
    name = next_name(row.name, row.body, taken)
    if name:
        MessageTemplate.objects.filter(pk=row.pk).update(name=name)
        row.name = name
    return bool(name)


def _older(channel: Channel, specs: Iterable[TemplateSpec]) -> list[MessageTemplate]:
    """Of flows, with words that are not among these; where the network lets them be deleted."""
    if not driver_for(channel.kind).deletes_templates:
        return []
    settled = channel.templates.exclude(status__in=(TemplateStatus.PENDING, TemplateStatus.DISABLED))
    words = {_words_of(spec) for spec in specs}
    return [row for row in settled.filter(is_own=False).order_by("pk") if _words_in(row) not in words]


def _let_go(channel: Channel, kept: Iterable[TemplateSpec]) -> None:
    """An account has room for only so many. Meta keeps a deleted name for 30 days; what comes then has another."""
    for row in _older(channel, kept):
        shared = MessageTemplate.objects.filter(provider_id=row.provider_id, name=row.name, language=row.language)
        if row.provider_id and not shared.exclude(pk=row.pk).exists():  # another number of the account may say it
            try:
                driver_for(channel.kind).delete_template(channel=channel, template=row)
            except ChannelError as error:
                if error.outcome != Outcome.BUG:
                    raise
                log.warning("templates.not_deleted", extra={"channel": channel.pk, "code": error.code})
                return
        row.delete()


def adopt_news(channel: Channel, update: TemplateUpdate) -> int:
    """One line of the network's list. A draft is what the shop wants to say next: it stays."""
    mine = channel.templates.filter(name=update.name, language=update.language)
    return _apply(mine.exclude(status=TemplateStatus.DRAFT), update)


def _names_beside(row: MessageTemplate) -> set[str]:
    return set(row.channel.templates.filter(language=row.language).exclude(pk=row.pk).values_list("name", flat=True))


def _submit(channel: Channel, template: MessageTemplate) -> None:
    """Raises ChannelError where the whole account has a problem; a template that is refused keeps the reason."""
    try:
        receipt = driver_for(channel.kind).submit_template(channel=channel, template=template)
    except ChannelError as error:
        if error.code in NAME_TAKEN and not template.provider_id and _rename(template, _names_beside(template)):
            _submit(channel, template)
            return
        if error.outcome in (Outcome.BUG, Outcome.OTHER_CHANNEL, Outcome.USE_TEMPLATE):
            MessageTemplate.objects.filter(pk=template.pk).update(
                status=TemplateStatus.REJECTED, status_reason=str(error)[:255], updated_at=clock.now()
            )
            return
        raise
    # The callback with the verdict may have overtaken this answer: only a DRAFT is set to what the answer says.
    MessageTemplate.objects.filter(pk=template.pk).update(provider_id=receipt.provider_id)
    update = TemplateUpdate(
        account_id="",
        name=template.name,
        language=template.language,
        status=receipt.status,
        category=receipt.category,
        provider_id=receipt.provider_id,
    )
    _apply(MessageTemplate.objects.filter(pk=template.pk, status=TemplateStatus.DRAFT), update)


def apply_update(update: TemplateUpdate) -> int:
    """The network's news of a template. Returns how many rows changed (an account may have several numbers)."""
    owners = Q(channel__account_id=update.account_id) | Q(channel__options__waba_id=update.account_id)
    rows = MessageTemplate.objects.filter(owners, name=update.name).exclude(channel__status=ChannelStatus.DISCONNECTED)
    if update.language:
        rows = rows.filter(language=update.language)
    return _apply(rows, update)


def _apply(rows: QuerySet[MessageTemplate], update: TemplateUpdate) -> int:
    found = list(rows)
    changed = sum(rows.filter(pk=row.pk).update(**_news(row, update)) for row in found)
    if changed and STATUSES.get(update.status.upper(), TemplateStatus.PENDING) != TemplateStatus.PENDING:
        _look_again({row.channel_id for row in found})
    return changed


def _look_again(channels: Collection[int]) -> None:
    """Messages that waited for Meta's word may go now, or another way."""
    now = clock.now()
    held = Message.objects.filter(status=MessageStatus.HELD, next_attempt_at__gt=now, reason__contains=READING)
    held.filter(shop__in=Channel.objects.filter(pk__in=channels).values("shop")).update(next_attempt_at=now)
    wake(Job.SEND_MESSAGES)


def _news(row: MessageTemplate, update: TemplateUpdate) -> dict[str, object]:
    """The fields that this changes, and a line for each thing that a person would want to know."""
    now, told = clock.now(), []
    values: dict[str, object] = {"updated_at": now}
    status, reason = STATUSES.get(update.status.upper()), update.reason[:255]
    if status:
        values |= {"status": status, "status_reason": reason}
        if (status, reason) != (row.status, row.status_reason):
            told.append(f"{status.label}: {reason}" if reason else status.label)
    elif reason:
        values["status_reason"] = reason
    if update.provider_id:
        values["provider_id"] = update.provider_id
    quality = update.quality.upper()
    if quality and quality != row.quality:
        values["quality"] = quality
        told.append(f"Quality {quality.lower()}")
    category, coming = update.category.upper(), update.coming_category.upper()
    if category and category != row.category:
        values |= {"category": category, "coming_category": "", "coming_at": None}
        told.append(f"Charged as {category.lower()} from now on, before as {row.category.lower()}")
    if coming and coming not in (row.coming_category, category or row.category):
        values |= {"coming_category": coming, "coming_at": update.coming_at}
        told.append(f"Announced: it will be charged as {coming.lower()}")
    if told:
        values["history"] = [*row.history, *({"at": now.isoformat(), "what": each} for each in told)][-MOST_NEWS:]
    return values


def template_for(channel: Channel, name: str, language: str) -> MessageTemplate | None:
    """The approved template of one channel in this language, or in the nearest that there is."""
    own = ShopSettings.objects.filter(shop=channel.shop_id).values_list("default_language", flat=True).first() or "en"
    rows = channel.templates.filter(name=name, status=TemplateStatus.APPROVED)
    return nearest({row.language: row for row in rows}, language=language, own=own)


def nearest(approved: Mapping[str, MessageTemplate], *, language: str, own: str) -> MessageTemplate | None:
    """In this language, or in the nearest that there is: de-AT, de, the shop's `own`, English."""
    if not approved:
        return None
    for wish in (language, own or "en", "en"):
        exact, base = meta_language(wish), meta_language(wish).partition("_")[0]
        near = next((code for code in sorted(approved) if code.partition("_")[0] == base), "")
        for code in (exact, base, near):
            if code in approved:
                return approved[code]
    return None


def why_unfit(spec: TemplateSpec) -> str:
    """What Meta's machine would refuse, in words for the merchant; "" where it is fine."""
    body = spec.body.strip()
    found = _VARIABLE.findall(body)
    if not body or len(body) > MAX_BODY:
        return f"The template's text must have 1 to {MAX_BODY} characters"
    if _VARIABLE.match(body) or re.search(r"\{\{\d+\}\}$", body):
        return "The template's text may not begin or end with a value"
    if re.search(r"\}\}\s*\{\{", body):
        return "Two values may not stand next to each other"
    if [int(each) for each in found] != list(range(1, len(found) + 1)):  # what flows say: template_words.numbered
        return "The values must be numbered {{1}}, {{2}}, {{3}} in the order in which they stand"
    if len(spec.samples) != len(found):
        return "Every value needs an example"
    if any(re.search(r"[#$%]", each) for each in re.findall(r"\{\{(.*?)\}\}", body)):
        return "A value's name may not contain #, $ or %"
    return ""
