"""Meta's message templates: our rows, their review, and which one speaks the shopper's language."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from post_purchase.channels.base import ChannelError, Outcome, TemplateUpdate
from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import Channel, ChannelStatus, MessageTemplate, ShopSettings, TemplateStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

from .channels import halt_channel

log = logging.getLogger("post_purchase.templates")
MAX_BODY = 1024
MOST_NEWS = 30  # of one template
LOOK_AGAIN = timedelta(minutes=10)  # while Meta reviews; its callback usually tells earlier
TRY_AGAIN = timedelta(minutes=5)
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


def templates_wanted(shop: Shop) -> None:
    """The shop's flows or accounts have changed: look at its templates soon."""
    kinds = [kind for kind, driver in DRIVERS.items() if driver.has_templates]
    channels = Channel.objects.filter(shop=shop, kind__in=kinds, status=ChannelStatus.ACTIVE)
    if channels.update(templates_due_at=clock.now()):
        wake(Job.SUBMIT_TEMPLATES)


def ensure_templates(*, channel: Channel, specs: Sequence[TemplateSpec]) -> None:
    """Save what the flows need as rows, hand new and changed ones to the network, ask about those under review.

    Repeating it changes nothing. Sets `templates_due_at` for the next look, or None where nothing is open.
    """
    categories = driver_for(channel.kind).template_categories
    for spec in specs:
        if spec.category.upper() in categories:
            save_spec(channel, spec)
    due: timedelta | None = None
    try:
        _adopt(channel)
        for template in channel.templates.filter(status=TemplateStatus.DRAFT).order_by("pk"):
            _submit(channel, template)
    except ChannelError as error:
        log.warning("templates.refused", extra={"channel": channel.pk, "code": error.code})
        due = TRY_AGAIN
        if error.outcome == Outcome.HALT_ACCOUNT:
            halt_channel(channel, str(error))
    if due is None and channel.templates.filter(status=TemplateStatus.PENDING).exists():
        due = LOOK_AGAIN
    # Only over the due time that this look answers: a flow that was switched on meanwhile stays due.
    mine = Channel.objects.filter(pk=channel.pk, templates_due_at=channel.templates_due_at)
    mine.update(templates_due_at=clock.now() + due if due else None)


def save_spec(channel: Channel, spec: TemplateSpec, *, is_own: bool = False) -> None:
    """A row for it; a changed text makes it a draft again."""
    names = spec.names or [str(number) for number in range(1, len(spec.samples) + 1)]
    parameters = [{"name": name, "sample": sample} for name, sample in zip(names, spec.samples, strict=True)]
    category = spec.category.upper()
    wanted = {"category": category, "asked_category": category, "body": spec.body.strip(), "parameters": parameters}
    problem = why_unfit(spec)
    state = {"status": TemplateStatus.REJECTED if problem else TemplateStatus.DRAFT, "status_reason": problem}
    key = {"channel": channel, "name": spec.name, "language": meta_language(spec.language)}
    template, created = MessageTemplate.objects.get_or_create(**key, defaults=wanted | state | {"is_own": is_own})
    # Meta may move a template to another category by itself; that alone is no reason to submit it again.
    samples = [parameter.get("sample") for parameter in template.parameters]
    if not created and (template.body, samples) != (wanted["body"], list(spec.samples)):
        MessageTemplate.objects.filter(pk=template.pk).update(**wanted, **state, updated_at=clock.now())


def _adopt(channel: Channel) -> None:
    """What the network already has: after a reconnect, after a lost answer, and the state of those under review."""
    open_rows = Q(status=TemplateStatus.PENDING) | Q(status=TemplateStatus.DRAFT, provider_id="")
    rows = {(row.name, row.language): row for row in channel.templates.filter(open_rows)}
    if not rows:
        return
    for update in driver_for(channel.kind).list_templates(channel=channel):
        row = rows.get((update.name, update.language))
        if row is None:
            continue
        if row.status == TemplateStatus.DRAFT and update.body.strip() != row.body:
            MessageTemplate.objects.filter(pk=row.pk).update(provider_id=update.provider_id)  # submitted as an edit
        else:
            _apply(MessageTemplate.objects.filter(pk=row.pk), update)


def adopt_news(channel: Channel, update: TemplateUpdate) -> int:
    """One line of the network's list. A draft is what the shop wants to say next: it stays."""
    mine = channel.templates.filter(name=update.name, language=update.language)
    return _apply(mine.exclude(status=TemplateStatus.DRAFT), update)


def _submit(channel: Channel, template: MessageTemplate) -> None:
    """Raises ChannelError where the whole account has a problem; a template that is refused keeps the reason."""
    try:
        receipt = driver_for(channel.kind).submit_template(channel=channel, template=template)
    except ChannelError as error:
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
    changed = sum(rows.filter(pk=row.pk).update(**_news(row, update)) for row in rows)
    if changed and STATUSES.get(update.status.upper()) == TemplateStatus.APPROVED:
        wake(Job.SEND_MESSAGES)  # messages may wait for it
    return changed


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


def approved_templates(
    *, channels: Collection[int], names: Collection[str]
) -> dict[tuple[int, str], dict[str, MessageTemplate]]:
    """{(channel, name): {language: template}}, in one query; none where nothing is asked for."""
    found: dict[tuple[int, str], dict[str, MessageTemplate]] = {}
    if channels and names:
        rows = MessageTemplate.objects.filter(channel_id__in=channels, name__in=names, status=TemplateStatus.APPROVED)
        for row in rows:
            found.setdefault((row.channel_id, row.name), {})[row.language] = row
    return found


def template_for(channel: Channel, name: str, language: str) -> MessageTemplate | None:
    """The approved template of one channel in this language, or in the nearest that there is."""
    own = ShopSettings.objects.filter(shop=channel.shop_id).values_list("default_language", flat=True).first() or "en"
    approved = approved_templates(channels=[channel.pk], names=[name])
    return nearest(approved.get((channel.pk, name), {}), language=language, own=own)


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


def meta_language(language: str) -> str:
    """Meta writes "pt_BR" and "en"; Shopify "pt-BR"."""
    base, _, region = language.replace("_", "-").partition("-")
    return f"{base.lower()}_{region.upper()}" if len(region) == 2 else base.lower()


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
    numbers = {int(each) for each in found}
    if numbers != set(range(1, len(numbers) + 1)):
        return "The values must be numbered {{1}}, {{2}}, {{3}}, and none left out"
    if len(spec.samples) != len(numbers):
        return "Every value needs an example"
    if any(re.search(r"[#$%]", each) for each in re.findall(r"\{\{(.*?)\}\}", body)):
        return "A value's name may not contain #, $ or %"
    return ""
