"""What a merchant does with a flow: take it from the library, change texts and delays, publish, switch on and off."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django.db.models import Max

from post_purchase.models import ChannelStatus, Flow, FlowStatus, FlowVersion, MessageTemplate, TemplateStatus
from post_purchase.services.template_words import state_key
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.models import Shop

from . import drafts, languages, offer_lint, shelf
from .definition import DocumentError, FlowDocument, Problem, load
from .sample import text_problems
from .step import format_duration, parse_duration
from .templates import hand_in, with_own_templates


class NotPublished(Exception):
    """The flow has no version that could run."""


@dataclass(frozen=True)
class EditableField:
    """One thing that the merchant may change. `path` is what `apply_edits` takes."""

    path: str  # "texts.de.messages.receipt.text", "steps.use_time.for"
    kind: Literal["text", "line", "duration", "hours"]  # textarea, input, ISO 8601, "10:00-19:00"
    label: str
    value: str
    language: str = ""
    help: str = ""


def install_library(shop: Shop) -> list[Flow]:
    """A flow for each of the library, off, as a draft. Repeating it changes nothing, also not what was edited."""
    documents = shelf.library()
    here = set(shop.flows.filter(key__in=documents).values_list("key", flat=True))
    now = clock.now()
    missing = [
        Flow(shop=shop, key=key, name=document["name"], draft=document, draft_saved_at=now)
        for key, document in documents.items()
        if key not in here
    ]
    Flow.objects.bulk_create(missing, ignore_conflicts=True)  # somebody else may install them at this moment
    installed = {flow.key: flow for flow in shop.flows.filter(key__in=documents)}
    return [installed[key] for key in documents]


def save_draft(
    flow: Flow, document: Mapping[str, Any], *, user: str = "", what: str = "Changed texts and delays"
) -> list[Problem]:
    """Keep the document as it is, so that no typed word is lost, and say what must be mended before publishing."""
    drafts.keep(flow, document, user=user, what=what)
    return problems_of(document)


def problems_of(document: Mapping[str, Any]) -> list[Problem]:
    """Also what shows only when a text is filled in: it would stop the next order; and offers that call themselves
    news."""
    try:
        found = text_problems(load(document))
    except DocumentError as error:
        found = error.problems
    return [*found, *offer_lint.lint(document)]


def _usable(document: Mapping[str, Any]) -> FlowDocument:
    """Raises DocumentError where it may not go to shoppers."""
    loaded = load(document)
    if not shelf.is_ready_made(document) and (found := [*text_problems(loaded), *offer_lint.lint(document)]):
        raise DocumentError(found)
    return loaded


@transaction.atomic
def publish(flow: Flow, user: str = "", *, share: int = 100) -> FlowVersion:
    """Make the draft the live version. Runs under way keep theirs. The same document again is the same version.

    With a `share` below 100 only so many per cent of the new runs get it (the canary); the live one stays.
    Raises DocumentError with every problem of the draft.
    """
    flow = locked(flow)
    document = _usable(flow.draft)
    if flow.live_version is not None and flow.live_version.document == flow.draft:
        return flow.live_version
    version = flow.canary_version if flow.canary_version and flow.canary_version.document == flow.draft else None
    version = version or _new_version(flow, flow.draft, user)
    if share < 100 and flow.live_version is not None:
        flow.canary_version, flow.canary_share = version, max(1, share)
        flow.save(update_fields=["canary_version", "canary_share"])
    else:
        _go_live(flow, version, document.name)
    hand_in(flow.shop)
    return version


def locked(flow: Flow) -> Flow:
    """The newest row, so that two clicks come one after the other."""
    rows = Flow.objects.select_for_update(of=("self",)).select_related("live_version", "canary_version", "shop")
    return rows.get(pk=flow.pk)


def _new_version(flow: Flow, document: Mapping[str, Any], user: str, same_as: int | None = None) -> FlowVersion:
    newest = flow.versions.aggregate(newest=Max("number"))["newest"] or 0
    return FlowVersion.objects.create(
        flow=flow,
        number=newest + 1,
        document=document,
        published_at=clock.now(),
        published_by=user[:64],
        same_as=same_as,
    )


def _go_live(flow: Flow, version: FlowVersion, name: str) -> None:
    flow.live_version, flow.name, flow.canary_version, flow.canary_share = version, name[:120], None, 0
    flow.save(update_fields=["live_version", "name", "canary_version", "canary_share"])


@transaction.atomic
def set_share(flow: Flow, share: int) -> Flow:
    """How many per cent of the new runs get the new version: 100 makes it the live one, 0 takes it back.

    Raises NotPublished where there is no version on trial.
    """
    flow = locked(flow)
    if flow.canary_version is None:
        raise NotPublished("No new version is on trial")
    if share >= 100:
        _go_live(flow, flow.canary_version, str(flow.canary_version.document.get("name") or flow.name))
    else:
        flow.canary_version, flow.canary_share = (flow.canary_version, share) if share > 0 else (None, 0)
        flow.save(update_fields=["canary_version", "canary_share"])
    hand_in(flow.shop)
    return flow


@transaction.atomic
def roll_back(flow: Flow, version: FlowVersion, user: str = "") -> FlowVersion:
    """An earlier version is live again, at once, as a version of its own: who and when stay on record.

    The draft is left alone. Raises DocumentError where the old version can no longer be used.
    """
    flow = locked(flow)
    document = load(version.document)
    if found := offer_lint.lint(version.document):
        raise DocumentError(found)
    if flow.live_version is not None and flow.live_version.document == version.document:
        if flow.canary_version is not None:
            _go_live(flow, flow.live_version, document.name)
        return flow.live_version
    made = _new_version(flow, version.document, user, same_as=version.same_as or version.number)
    _go_live(flow, made, document.name)
    hand_in(flow.shop)
    return made


@transaction.atomic
def switch_on(flow: Flow, user: str = "") -> Flow:
    """From now on new events start runs. Publishes the draft where nothing was yet (may raise DocumentError)."""
    if flow.live_version is None:
        publish(flow, user)
    elif found := offer_lint.lint(flow.live_version.document):
        raise DocumentError(found)
    Flow.objects.filter(pk=flow.pk).update(status=FlowStatus.ON)
    flow.refresh_from_db()
    hand_in(flow.shop)
    return flow


def switch_off(flow: Flow) -> Flow:
    """No new runs. Those under way finish: somebody was promised something."""
    Flow.objects.filter(pk=flow.pk).update(status=FlowStatus.OFF)
    flow.refresh_from_db()
    return flow


def editable_fields(document: Mapping[str, Any]) -> list[EditableField]:
    """Texts by language, then delays and hours with the reason that the flow gives for them."""
    return [*_text_fields(document), *_time_fields(document)]


_LINES = ("subject", "preheader", "url_title", "list_title")


def _text_fields(document: Mapping[str, Any]) -> Iterable[EditableField]:
    for language, spoken in document.get("texts", {}).items():
        for message, wording in spoken.get("messages", {}).items():
            base, name = f"texts.{language}.messages.{message}", message.replace("_", " ").capitalize()
            yield EditableField(f"{base}.text", "text", name, wording.get("text", ""), language)
            for line in _LINES:
                if line in wording:
                    label = f"{name}: {line.replace('_', ' ')}"
                    yield EditableField(f"{base}.{line}", "line", label, wording[line], language)
            for kind, form in wording.get("forms", {}).items():
                yield EditableField(f"{base}.forms.{kind}", "text", f"{name} on {kind}", form, language)
            for choice, title in wording.get("choices", {}).items():
                yield EditableField(f"{base}.choices.{choice}", "line", f"{name}: tap {choice}", title, language)
        for word, text in spoken.get("words", {}).items():
            yield EditableField(f"texts.{language}.words.{word}", "line", f"Word: {word}", text, language)


_DELAYS = {
    "for": "wait",
    "timeout": "give up after",
    "reminder_after": "remind after",
    "photo_reminder_after": "remind of the photo after",
    "photo_timeout": "go on without a photo after",
}


def _time_fields(document: Mapping[str, Any]) -> Iterable[EditableField]:
    for step_id, step in document.get("steps", {}).items():
        name, why = step_id.replace("_", " ").capitalize(), step.get("why", "")
        for field, label in _DELAYS.items():
            if field in step:
                yield EditableField(f"steps.{step_id}.{field}", "duration", f"{name}: {label}", step[field], help=why)
        if "between" in step:
            hours = "-".join(str(hour)[:5] for hour in step["between"])
            yield EditableField(f"steps.{step_id}.between", "hours", f"{name}: only between", hours, help=why)


def apply_edits(document: Mapping[str, Any], edits: Mapping[str, str]) -> dict[str, Any]:
    """The document with the merchant's values. Only what `editable_fields` lists can be changed.

    Raises DocumentError for a path that is not editable, or a duration that is none.
    """
    editable = {field.path: field for field in editable_fields(document)}
    problems = [Problem(path, "cannot be changed here") for path in edits if path not in editable]
    changed: dict[str, Any] = _copied(document)
    for path, value in edits.items():
        if path in editable:
            try:
                _set(changed, path.split("."), _read(editable[path].kind, value))
            except ValueError as error:
                problems.append(Problem(path, str(error)))
    if problems:
        raise DocumentError(problems)
    return languages.unmark_changed(document, changed)


def _read(kind: str, value: str) -> Any:
    value = value.replace("\r\n", "\n")
    if kind == "duration":
        return format_duration(parse_duration(value.strip().upper()))
    if kind == "hours":
        hours = [part.strip() for part in value.replace("–", "-").split("-")]
        if len(hours) != 2:
            raise ValueError("write two hours, like 10:00-19:00")
        return hours
    return value if kind == "text" else " ".join(value.split())


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


def _set(target: Any, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value


def template_states(shop_id: int) -> dict[tuple[str, str, str], dict[str, tuple[str, str]]]:
    """{services.template_words.state_key: {network: (status, reason)}}; where two accounts of one network differ, the
    one with the problem. One query."""
    rows = MessageTemplate.objects.filter(channel__shop_id=shop_id, channel__status=ChannelStatus.ACTIVE)
    found: dict[tuple[str, str, str], dict[str, tuple[str, str]]] = {}
    for row in rows.select_related("channel").defer("history", "parameters").order_by("channel_id", "pk"):
        key = state_key(row.language, row.asked_category or row.category, row.body)
        networks, label = found.setdefault(key, {}), ChannelKind(row.channel.kind).label
        if networks.get(label, ("approved", ""))[0] == TemplateStatus.APPROVED:
            networks[label] = (row.status, row.status_reason)
    return found


@transaction.atomic
def add_flow(shop: Shop, document: Mapping[str, Any], *, user: str = "") -> Flow:
    """A flow of the shop's own, off, as a draft. A key that is taken gets a number, and so do names of templates."""
    flows = Flow.objects.filter(shop=shop)
    taken = set(flows.values_list("key", flat=True))
    document = with_own_templates(document, flows.values_list("draft", flat=True))
    wanted = str(document.get("key") or "flow")[:40]
    base = wanted if wanted[0].isalpha() else f"flow_{wanted}"[:40]
    stem = base.rstrip("0123456789").rstrip("_")[:36]
    key = base if base not in taken else next(k for n in range(2, 999) if (k := f"{stem}_{n}") not in taken)
    name = str(document.get("name") or key)[:120]
    return Flow.objects.create(
        shop=shop,
        key=key,
        name=name,
        draft={**document, "key": key},
        draft_saved_at=clock.now(),
        draft_saved_by=user[:64],
    )
