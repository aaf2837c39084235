"""The message templates that a shop's flows and team need outside the messaging window: services/templates submits."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

from django.db.models import Q

from post_purchase.models import FlowRun, FlowStatus, FlowVersion, Message, RunStatus
from post_purchase.services.template_words import numbered
from post_purchase.services.templates import TemplateSpec, templates_wanted
from shopapp.lib import clock
from shopapp.models import Shop

from .definition import DocumentError, FlowDocument
from .facts import settings_of
from .team_templates import team_specs
from .versions import document_of

ROLL_BACK = timedelta(days=30)  # so long the words of an earlier version can be had again at once


def hand_in(shop: Shop) -> None:
    """A version has been published, or put on trial: what it says is submitted, what it said before is kept."""
    templates_wanted(shop, template_specs(shop))


def template_specs(shop: Shop) -> list[TemplateSpec]:
    """Each text for Meta that may have to go, in the shop's languages; the published ones first, the team's own last.

    Of the live and the canary version of flows that are on, and of each version that somebody is still in.
    """
    flows = shop.flows.filter(status=FlowStatus.ON).order_by("pk")
    begun = [pk for pair in flows.values_list("live_version", "canary_version") for pk in pair if pk is not None]
    languages = languages_of(shop)
    needed = _specs([*begun, *sorted(_still_needed(shop) - set(begun))], languages)
    return [*needed, *team_specs(languages)]


def _still_needed(shop: Shop) -> set[int]:
    """Versions with somebody under way, or with a message in the outbox."""
    under_way = FlowRun.objects.filter(shop=shop).exclude(status=RunStatus.ENDED)
    waiting = Message.objects.filter(shop=shop, next_attempt_at__isnull=False, run__isnull=False)
    return set(under_way.values_list("version", flat=True).distinct()) | set(
        waiting.values_list("run__version", flat=True).distinct()
    )


def kept_specs(shop: Shop) -> list[TemplateSpec]:
    """Besides: what may be wanted again at once, in every language. Of flows that are off, and of late versions."""
    kept = _still_needed(shop)
    recent = clock.now() - ROLL_BACK
    versions = FlowVersion.objects.filter(flow__shop=shop)
    for flow in shop.flows.filter(Q(live_version__isnull=False) | Q(canary_version__isnull=False)):
        kept |= {pk for pk in (flow.live_version_id, flow.canary_version_id) if pk is not None}
        mine = versions.filter(flow=flow)
        kept |= set(mine.filter(published_at__gt=recent).values_list("pk", flat=True))
        before = mine.filter(published_at__lte=recent).order_by("-number").values_list("pk", flat=True)
        kept |= set(before[:1])
    return [*_specs(sorted(kept), []), *team_specs([])]


def _specs(versions: Iterable[int], languages: list[str]) -> Iterable[TemplateSpec]:
    found: dict[tuple[str, str, str], TemplateSpec] = {}
    for version in versions:
        try:
            document = document_of(version)
        except DocumentError:  # its runs are parked, and say so
            continue
        for spec in specs_of(document, languages):
            found.setdefault((spec.language, spec.category, spec.body.strip()), spec)
    return found.values()


def with_own_templates(document: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """With names for its templates that no other flow has: a copy may be given other words."""
    taken = {name for other in others for name in _template_names(other)}
    changed: dict[str, Any] = deepcopy(dict(document))
    for name in sorted(taken & set(_template_names(changed))):
        own = next(each for number in range(2, 999) if (each := f"{name[:96]}_{number}") not in taken)
        taken.add(own)
        for spec in changed["messages"].values():
            if (spec.get("template") or {}).get("name") == name:
                spec["template"]["name"] = own
    return changed


def _template_names(document: Mapping[str, Any]) -> Iterable[str]:
    for spec in (document.get("messages") or {}).values():
        if isinstance(spec, dict) and isinstance(spec.get("template"), dict) and "name" in spec["template"]:
            yield str(spec["template"]["name"])


def languages_of(shop: Shop) -> list[str]:
    """The shop's chosen languages, the default first; empty: all."""
    settings = settings_of(shop)
    if not settings.languages:
        return []
    return list(dict.fromkeys([settings.default_language, *settings.languages]))


def specs_of(document: FlowDocument, languages: Collection[str]) -> list[TemplateSpec]:
    """`languages` empty: every language of the document."""
    specs = []
    for language, spoken in document.texts.items():
        if languages and language not in languages:
            continue
        for message, wording in spoken.messages.items():
            spec = document.messages.get(message)
            if spec is not None and spec.template is not None and wording.template:
                body, order = numbered(wording.template)
                parts = [spec.template.parameters[place - 1] for place in order]
                specs.append(
                    TemplateSpec(
                        name=spec.template.name,
                        language=language,
                        category=spec.template.category,
                        body=body,
                        samples=[part.sample for part in parts],
                        names=[part.name for part in parts],
                    )
                )
    return specs
