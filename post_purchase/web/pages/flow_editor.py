"""The flow editor: the path, beside it the panel of what was chosen. It saves by itself; the server has the draft."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows import describing, drafts, known_values, paths
from post_purchase.flows.definition import Problem
from post_purchase.flows.editing import problems_of, template_states
from post_purchase.flows.troubles import START, Templates, in_words, of_what, warnings
from post_purchase.models import Flow, Product, ShopSettings
from post_purchase.services.template_words import state_key
from post_purchase.web.forms import conditions, starts, step_fields, steps, wordings
from post_purchase.web.forms.settings import LANGUAGES
from post_purchase.words import ChannelKind
from shopapp.web.embedded import ShopRequest, shop_required

from . import flow_languages
from .answers import draw, page, refused
from .flow_numbers import numbers_view
from .flow_path import Card, PathView, place_of, places_to_move
from .flow_tests import context_for_tests
from .flows import flow_of

Document = Mapping[str, Any]
PHONES = [(kind.value, kind.label) for kind in ChannelKind]
LISTED = ("cases", "ways", "variants")


@shop_required
@require_GET
def flow(request: ShopRequest, pk: int) -> HttpResponse:
    return page(request, "pages/flow.html", **context_of(request, flow_of(request, pk), request.GET))


def context_of(request: ShopRequest, row: Flow, asked: Mapping[str, str]) -> dict[str, Any]:
    document = row.draft
    languages = languages_in(document)
    language = asked.get("language", "")
    if language not in dict(languages):
        language = "en" if "en" in dict(languages) else next(iter(dict(languages)), "en")
    chosen, adding = asked.get("step", ""), asked.get("add", "")
    known = dict(paths.edges(document))
    undo, redo = drafts.can_step(row)
    settings = ShopSettings.objects.filter(shop_id=row.shop_id).first() or ShopSettings(shop_id=row.shop_id)
    numbers = numbers_view(row, document)
    problems = [Problem(one.path, of_what(one)) for one in problems_of(document)]
    hints = [Problem(one.path, of_what(one)) for one in warnings_of(row, settings, language_names())]
    hints = [hint for hint in hints if hint not in problems]
    view = PathView(
        document, problems=problems, warnings=hints, language=language, chosen=chosen,
        adding=adding if adding in known else "", numbers=numbers, flows=flows_started(row, document),
    )  # fmt: skip
    panel = _panel(row, document, chosen, adding if adding in known else "", language, view)
    for condition in _conditions(panel):
        if condition.name == asked.get("more"):
            conditions.one_more(condition)
    panel["facts"] = dict.fromkeys(one for condition in _conditions(panel) for one in condition.facts)
    _name_products(row, panel)
    for said in panel.get("messages", ()):
        said.no_offer = said.no_offer and _answered(request, said.no_offer)
    tests = context_for_tests(request, row, chosen, language) if panel.get("messages") else {}
    return {
        "flow": row,
        "languages": languages,
        "language": language,
        "view": view,
        "numbers": numbers,
        "problems": [in_words(document, problem, language_names()) for problem in problems],
        "changed": row.live_version is None or row.live_version.document != document,
        "canary_steps": [*(share for share in (25, 50) if share > row.canary_share), 100, 0],
        "undo": undo,
        "redo": redo,
        "panel": panel,
        "orders": tests.get("orders", []),
        "tests": tests,
        "values": known_values.offered(document, describing.VALUES),
        "phones": PHONES,
        "news": list(describing.NEWS.items()),
        "saved_by": by_whom(request, row.draft_saved_by),
        **flow_languages.parts(row, settings),
    }


def _answered(request: ShopRequest, no_offer: Document) -> dict[str, Any]:
    """Who said that the words are no offer, and when."""
    user = str(no_offer.get("by") or "")
    who = "You" if user == request.shop_user and user else by_whom(request, user)
    return {"who": who, "when": parse_datetime(str(no_offer.get("at") or ""))}


def _name_products(row: Flow, panel: dict[str, Any]) -> None:
    """Conditions keep the numbers of products; people read their titles."""
    rows = [one for condition in _conditions(panel) for one in condition.rows if one.fact == "order.products"]
    numbers = {number for one in rows for number in _numbers(one.value)}
    if not numbers:
        return
    known = Product.objects.filter(shop_id=row.shop_id, shopify_id__in=numbers)
    titles = dict(known.values_list("shopify_id", "title"))
    for one in rows:
        one.named_values = ", ".join(titles.get(number, f"{number} (not known)") for number in _numbers(one.value))


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 19][:20]


def _panel(row: Flow, document: Document, chosen: str, adding: str, language: str, view: PathView) -> dict[str, Any]:
    """What stands beside the path."""
    if adding:
        kinds = [
            (name, [(key, *describing.KINDS[key]) for key in members]) for name, members in describing.GROUPS.items()
        ]
        return {"kind": "add", "edge": adding, "beside": place_of(adding), "kinds": kinds}
    if chosen == START:
        groups = starts.start_groups(document)
        return {"kind": "start", "id": START, "groups": groups, "seen": mark(document, START, language)}
    if chosen.startswith("@path."):
        at = listener_at(document, chosen)
        if at is not None:
            group = starts.listener_group(document, at)
            return {"kind": "path", "id": chosen, "at": at, "groups": [group], "seen": mark(document, chosen, language)}
    step = paths.steps_of(document).get(chosen)
    if step is None:
        return {"kind": ""}
    said = wordings.inputs_of(document, step, language)
    states = template_states(row.shop_id) if any(one.has_template for one in said) else {}
    for one in said:
        one.state = template_words(document, one.message, language, states) if one.has_template else ""
        one.template_problems = template_troubles(view.card(chosen), one)
    missing = [
        name
        for name in ("reminder", "retry_message")
        if step["kind"] in ("ask", "collect_review") and not step.get(name)
    ]
    return {
        "kind": "step",
        "id": chosen,
        "card": view.card(chosen),
        "inputs": step_fields.inputs_of(step, document, flow_names(row)),
        "parts": steps.parts_of(step, document, language),
        "part_name": next((name for name in LISTED if name in step), ""),
        "ways": steps.ways_as_inputs(step, document, language),
        "messages": said,
        "missing": [(name, wordings.NAMES[name]) for name in missing],
        "answers": list(step.get("choices") or {}) if step["kind"] == "ask" else [],
        "is_ask": step["kind"] == "ask",
        "troubles": troubles_of(view.card(chosen), said),
        "places": places_to_move(document, chosen, language),
        "seen": mark(document, chosen, language),
    }  # fmt: skip


def troubles_of(card: Card, said: list[wordings.WordingInput]) -> list[dict[str, Any]]:
    """What is wrong at the step, or worth knowing; an offer under another name can be answered right there."""
    messages = {f"messages.{one.message}.purpose": one for one in said}
    copied = {f"messages.{one.message}.languages": one for one in said if one.to_translate}
    lacking = {f"messages.{one.message}.template": one for one in said if not one.has_template}
    return [
        {
            "tone": tone,
            "message": problem.message,
            "offer": messages.get(problem.path),
            "template": lacking.get(problem.path),
            "copy": copied.get(problem.path),
        }
        for tone, found in (("warning", card.problems), ("info", card.warnings))
        for problem in found
    ]


def template_troubles(card: Card, said: wordings.WordingInput) -> list[str]:
    """What stands at the field: of this language, and of the values that all share."""
    if not said.has_template:
        return []
    found = [*card.problems, *card.warnings]
    own = (f"{said.base}.template", f"messages.{said.message}.template")
    return list(dict.fromkeys(one.message for one in found if one.path.startswith(own)))


def _conditions(panel: Mapping[str, Any]) -> list[conditions.ConditionInput]:
    inputs = [*panel.get("inputs", ()), *(one for group in panel.get("groups", ()) for one in group.inputs)]
    return [one.condition for one in (*inputs, *panel.get("parts", ())) if one.condition is not None]


NOT_YET = "new to Meta; it is sent for approval when you publish"
_STATES = {
    "draft": "about to be handed to Meta", "pending": "Meta is reading it", "approved": "approved by Meta",
    "rejected": "refused by Meta", "paused": "paused by Meta", "disabled": "switched off by Meta",
}  # fmt: skip


def template_words(document: Document, message: str, language: str, states: Templates) -> str:
    """The template's state at Meta in this language, on each network that has it."""
    template = ((document.get("messages") or {}).get(message) or {}).get("template") or {}
    spoken = (((document.get("texts") or {}).get(language) or {}).get("messages") or {}).get(message) or {}
    name, body = str(template.get("name")), str(spoken.get("template") or "")
    found = sorted(states.get(state_key(language, str(template.get("category") or "UTILITY"), body), {}).items())
    if not found:
        return f"{name}: {NOT_YET}"
    told = [
        f"{_STATES.get(status, NOT_YET)}{f' ({reason})' if reason else ''}{f' on {network}' if len(found) > 1 else ''}"
        for network, (status, reason) in found
    ]
    return f"{name}: {', '.join(told)}"


@shop_required
@require_POST
def save_step(request: ShopRequest, pk: int, step: str) -> HttpResponse:
    """Autosave: what is typed goes into the draft. What is wrong is named at its field; the rest is kept."""
    row = flow_of(request, pk)
    language = request.POST.get("language", "en")[:16]
    if not known(row.draft, step):
        return refused("This step is not there any more. Load the page again to see the newest draft.", status=409)
    errors: dict[str, str] = {}
    names = flow_names(row)

    def work(document: dict[str, Any]) -> Document:
        changed, wrong = typed(document, step, request.POST, language, names)
        errors.update(wrong)
        return changed

    before = row.draft
    try:
        row = drafts.change(
            row, work, user=request.shop_user, what=f"Changed {words_for(row.draft, step)}",
            part=f"{step}:{language}", seen=None if request.POST.get("force") else request.POST.get("seen", ""),
            look=lambda document: mark(document, step, language),
        )  # fmt: skip
    except drafts.Stale as stale:
        return JsonResponse({"conflict": conflict_words(request, stale)}, status=409)
    except drafts.TooLarge as error:
        return refused(str(error))
    return JsonResponse({"errors": errors, **pieces(request, row, step, language, before)})


def pieces(request: ShopRequest, row: Flow, step: str, language: str, before: Document) -> dict[str, Any]:
    """What the page draws anew after an autosave: everything but the fields in which somebody types."""
    context = context_of(request, row, {"step": step, "language": language})
    was, now = paths.steps_of(before).get(step, {}), paths.steps_of(row.draft).get(step, {})
    return {
        "seen": mark(row.draft, step, language),
        "path": draw(request, "parts/flow_path.html", **context),
        "bar": draw(request, "parts/flow_bar.html", **context),
        "troubles": draw(request, "parts/flow_troubles.html", **context),
        "drawn": drawn(request, context, before),
        "fields": {f"{one.base}.template": one.template for one in context["panel"].get("messages", ())},
        "redraw": _shape(was) != _shape(now) or _trigger_shape(before) != _trigger_shape(row.draft),
    }


def drawn(request: ShopRequest, context: dict[str, Any], before: Document) -> dict[str, str]:
    """Small pieces among the fields, by their id; fields themselves only where there are others now."""
    found = {}
    for one in context["panel"].get("messages", ()):
        found[f"purpose-{one.message}"] = wordings.purpose_name(one)
        if one.has_template:
            shown = {**context, "said": one}
            found[f"template-{one.message}"] = draw(request, "parts/flow_template_state.html", **shown)
            if len(wordings.values_in(before, one.message)) != len(one.values):
                found[f"values-{one.message}"] = draw(request, "parts/flow_template_values.html", **shown)
    if found:
        found["flow-whatsapp"] = draw(request, "parts/flow_whatsapp.html", **context)
    return found


def _shape(step: Document) -> Any:
    """Where it changes, the panel has other fields than before."""
    return (
        [name for name, _ in paths.ways_of(step)],
        step_fields.wait_mode(step),
        [bool(step.get(n)) for n in ("reminder",)],
    )


def _trigger_shape(document: Document) -> Any:
    return [spec.name for spec in starts.trigger_specs(document.get("trigger") or {})]


def typed(
    document: dict[str, Any], place: str, data: Any, language: str, flows: Mapping[str, str]
) -> tuple[Document, dict[str, str]]:
    if place == START:
        return starts.read_start(document, data)
    at = listener_at(document, place)
    if at is not None:
        return starts.read_listener(document, at, data)
    step = paths.steps_of(document).get(place)
    if step is None:
        return document, {}
    changed, errors = wordings.read(document, step, data, language)
    changed["steps"][place], wrong = steps.read(step, data, document, flows)
    return changed, errors | wrong


def known(document: Document, place: str) -> bool:
    return place == START or place in paths.steps_of(document) or listener_at(document, place) is not None


def listener_at(document: Document, place: str) -> int | None:
    number = place.removeprefix("@path.")
    if number == place or not (number.isascii() and number.isdigit() and len(number) < 4):
        return None
    return int(number) if int(number) < len(paths.listeners_of(document)) else None


def mark(document: Document, place: str, language: str) -> str:
    """What the panel shows of the document, as a short name: see drafts."""
    if place == START:
        return drafts.mark_of(*(document.get(name) for name in ("name", "description", "trigger", "exits", "goals")))
    at = listener_at(document, place)
    if at is not None:
        return drafts.mark_of(paths.listeners_of(document)[at])
    step = paths.steps_of(document).get(place)
    return drafts.mark_of(step, wordings.part_of(document, step, language)) if step is not None else ""


def words_for(document: Document, place: str) -> str:
    if place == START:
        return "what starts and ends the flow"
    if listener_at(document, place) is not None:
        return "what a path hears"
    return f"“{describing.title_of(place, paths.steps_of(document)[place])}”"


def conflict_words(request: ShopRequest, stale: drafts.Stale) -> str:
    who = "You, in another window," if stale.by == request.shop_user else by_whom(request, stale.by)
    return f"{who} changed the same part meanwhile. Your words are still here."


def by_whom(request: ShopRequest, user: str) -> str:
    """Shopify tells us the number of a member of staff, not the name."""
    if not user:
        return "Doorstep"
    return "You" if user == request.shop_user else f"A colleague (staff {user})"


def language_names() -> dict[str, str]:
    return dict(LANGUAGES)


def languages_in(document: Document) -> list[tuple[str, str]]:
    tags = [str(tag) for tag in document.get("texts") or {}]
    return [(tag, flow_languages.language_name(tag)) for tag in tags or ["en"]]


def flow_names(row: Flow) -> dict[str, str]:
    return dict(Flow.objects.filter(shop_id=row.shop_id).exclude(pk=row.pk).values_list("key", "name"))


def flows_started(row: Flow, document: Document) -> dict[str, str]:
    """The names of the shop's flows, where this one starts another."""
    starts_one = any(step.get("kind") == "start_flow" for step in paths.steps_of(document).values())
    return flow_names(row) if starts_one else {}


def warnings_of(row: Flow, settings: ShopSettings, names: Mapping[str, str]) -> list[Problem]:
    languages = [str(tag) for tag in settings.languages] or list(row.draft.get("texts") or {})
    return warnings(row.draft, languages, template_states(row.shop_id), names)
