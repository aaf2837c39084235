"""Which template a message goes with: the one that says what its own flow version says, in the reader's language."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import MD5

from post_purchase.channels.base import TemplateUse
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, MessageTemplate, TemplateStatus

from .template_words import READING
from .templates import nearest

SOON = timedelta(minutes=15)  # a look at the account's templates that is due so soon may bring it
_ORDER = (TemplateStatus.APPROVED, TemplateStatus.PENDING, TemplateStatus.DRAFT)


@dataclass(frozen=True)
class Choice:
    template: MessageTemplate | None = None  # approved
    waits: str = ""  # why there is none yet


NONE = Choice()


def templates_for(
    *, channels: Collection[int], uses: Iterable[TemplateUse]
) -> dict[int, list[tuple[str, MessageTemplate]]]:
    """{channel: [(digest of the words, template)]}: all that these messages may need, in one query, or in none."""
    digests, names = set[str](), set[str]()
    for use in uses:
        if use.bodies:
            digests.update(use.bodies.values())
        else:
            names.add(use.name)
    found: dict[int, list[tuple[str, MessageTemplate]]] = {}
    if channels and (digests or names):
        rows = MessageTemplate.objects.filter(channel_id__in=channels).annotate(digest=MD5("body"))
        for row in rows.filter(Q(digest__in=digests) | Q(name__in=names)).defer("history", "parameters").order_by("pk"):
            found.setdefault(row.channel_id, []).append((row.digest, row))
    return found


def choose_template(
    rows: Iterable[tuple[str, MessageTemplate]], use: TemplateUse, *, channel: Channel, own: str, now: datetime
) -> Choice:
    """`own`: the shop's language. A text that Meta still reads is waited for: no other words go instead."""
    fitting = [row for digest, row in rows if _fits(row, digest, use)]
    best: dict[str, MessageTemplate] = {}
    for row in sorted(fitting, key=lambda row: (_rank(row), row.name != use.name), reverse=True):
        if row.status in _ORDER:
            best[row.language] = row
    found = nearest(best, language=use.language, own=own)
    if found is not None:
        return Choice(found) if found.status == TemplateStatus.APPROVED else Choice(waits=READING)
    due = channel.templates_due_at
    takes = use.category in driver_for(channel.kind).template_categories
    if use.bodies and not fitting and takes and due is not None and due <= now + SOON:
        return Choice(waits=READING)
    return NONE


def _fits(row: MessageTemplate, digest: str, use: TemplateUse) -> bool:
    if not use.bodies:  # chosen by a person, who saw its words
        return row.name == use.name and row.status == TemplateStatus.APPROVED
    return use.bodies.get(row.language) == digest and (row.asked_category or row.category) == use.category


def _rank(row: MessageTemplate) -> int:
    return _ORDER.index(row.status) if row.status in _ORDER else len(_ORDER)
