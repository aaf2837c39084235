"""Changes of a flow's shape: steps are added, moved, copied and deleted; the draft goes back and forth."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from post_purchase.flows import describing, drafts, languages, message_rules, paths, reshaping
from post_purchase.flows.reshaping import CannotReshape
from post_purchase.flows.troubles import START
from post_purchase.models import Flow, ShopSettings
from shopapp.web.embedded import ShopRequest, shop_required

from . import flow_languages, flow_messages
from .answers import refused
from .flow_editor import conflict_words, listener_at
from .flows import flow_of

Document = Mapping[str, Any]


@shop_required
@require_POST
def change(request: ShopRequest, pk: int) -> HttpResponse:
    row = flow_of(request, pk)
    verb = request.POST.get("do", "")
    if verb in ("undo", "redo"):
        return _step_through(request, row, -1 if verb == "undo" else 1)
    if verb not in _VERBS:
        return refused("That is not something that can be done with a flow.")
    told: dict[str, str] = {"user": request.shop_user, "default": _default_language(row)}

    def work(document: dict[str, Any]) -> Document:
        return _VERBS[verb](document, request.POST, told)

    try:
        what = _what(row.draft, verb, request.POST)
        drafts.change(row, work, user=request.shop_user, what=what)
    except CannotReshape as error:
        return refused(str(error))
    except drafts.TooLarge as error:
        return refused(str(error))
    return _answer(
        row, told.get("toast", what), told.get("step", ""), told.get("language", request.POST.get("language", ""))
    )


def _default_language(row: Flow) -> str:
    found = ShopSettings.objects.filter(shop_id=row.shop_id).values_list("default_language", flat=True).first()
    return str(found or "en")


def _answer(row: Flow, toast: str, step: str, language: str) -> JsonResponse:
    query = "&".join(f"{name}={value}" for name, value in (("step", step), ("language", language[:16])) if value)
    address = f"/app/flows/{row.pk}{'?' if query else ''}{query}"
    return JsonResponse({"toast": toast, "go": address, "focus": "panel"})


def _step_through(request: ShopRequest, row: Flow, by: int) -> HttpResponse:
    place = request.POST.get("place", "")
    if not (place.isascii() and place.isdigit() and len(place) < 10):
        return refused("Load the page again and try once more.")
    try:
        what = drafts.step_through(row, by, place=int(place), user=request.shop_user)
    except drafts.Stale as stale:
        words = conflict_words(request, stale).split(".")[0]
        return refused(f"{words}. Look at the newest draft first.", status=409)
    if not what:
        return refused("There is nothing more to undo." if by < 0 else "There is nothing to do again.")
    return JsonResponse({"toast": f"{'Taken back' if by < 0 else 'Done again'}: {what}", "go": "", "focus": ""})


def _name(document: Document, step: str) -> str:
    found = paths.steps_of(document).get(step)
    return f"“{describing.title_of(step, found)}”" if found is not None else "a step"


def _what(document: Document, verb: str, data: Mapping[str, str]) -> str:
    step = data.get("step", "")
    words = {
        "add": f"Added: {describing.kind_name(data.get('kind'))}",
        "move": f"Moved {_name(document, step)}",
        "up": f"Moved {_name(document, step)} up",
        "down": f"Moved {_name(document, step)} down",
        "copy": f"Copied {_name(document, step)}",
        "delete": f"Deleted {_name(document, step)}",
        "listen": "Added a path for news",
        "unlisten": "Deleted a path",
        "add_part": "Added a way" if data.get("place", "").startswith("steps.") else "Added an end or a goal",
        "drop_part": "Took out a way" if data.get("place", "").startswith("steps.") else "Took out an end or a goal",
        "add_message": f"Added a message to {_name(document, step)}",
        "drop_message": f"Took a message out of {_name(document, step)}",
    }
    if verb in words:
        return words[verb]
    if verb in flow_languages.VERBS:
        return flow_languages.what(verb, _name(document, step), data)
    return flow_messages.what(verb, _name(document, step), data)


def _add(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    kind = data.get("kind", "")
    if kind not in describing.KINDS:
        raise CannotReshape("Choose what the step shall do.")
    language = _language(document, data)
    changed, told["step"] = reshaping.add(document, data.get("edge", ""), kind, language)
    return languages.mark_new(message_rules.first_purposes(changed, told["step"]), told["step"], language)


def _move(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    if not data.get("edge"):
        raise CannotReshape("Choose a place first.")
    return reshaping.move(document, told["step"], data["edge"])


def _shift(by: int) -> Callable[[dict[str, Any], Mapping[str, str], dict[str, str]], Document]:
    def shifted(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
        told["step"] = data.get("step", "")
        return reshaping.shift(document, told["step"], by)

    return shifted


def _copy(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    changed, told["step"] = reshaping.copy(document, data.get("step", ""))
    return changed


def _delete(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    step = data.get("step", "")
    title = _name(document, step)
    changed, gone = reshaping.delete(document, step)
    more = len(gone) - 1
    along = f" and {more} {'step' if more == 1 else 'steps'} that only it led to" if more else ""
    told["toast"] = f"Deleted {title}{along}. Undo brings it back."
    return changed


def _listen(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    if data.get("news") not in describing.NEWS:
        raise CannotReshape("Choose the news that the path shall hear.")
    changed, at = reshaping.listen(document, data["news"])
    told["step"] = f"@path.{at}"
    return changed


def _unlisten(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    at = listener_at(document, data.get("step", ""))
    told["toast"] = "The path is deleted. Undo brings it back."
    return reshaping.stop_listening(document, -1 if at is None else at)


def _add_part(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    place = data.get("place", "")
    told["step"] = place.split(".")[1] if place.startswith("steps.") else START
    title = " ".join(data.get("title", "").split())[:24]
    if place.endswith(".choices") and not title:
        raise CannotReshape("Write what the answer is called.")
    return reshaping.add_part(document, place, title, _language(document, data))


def _drop_part(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    place = data.get("place", "")
    told["step"] = place.split(".")[1] if place.startswith("steps.") else START
    return reshaping.drop_part(document, place)


def _add_message(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    return reshaping.add_message(document, told["step"], data.get("field", ""), _language(document, data))


def _drop_message(document: dict[str, Any], data: Mapping[str, str], told: dict[str, str]) -> Document:
    told["step"] = data.get("step", "")
    return reshaping.drop_message(document, told["step"], data.get("field", ""))


def _language(document: Document, data: Mapping[str, str]) -> str:
    spoken = document.get("texts") or {}
    wanted = data.get("language", "")
    return wanted if wanted in spoken else "en" if "en" in spoken or not spoken else next(iter(spoken))


_VERBS: dict[str, Callable[[dict[str, Any], Mapping[str, str], dict[str, str]], Document]] = {
    "add": _add, "move": _move, "up": _shift(-1), "down": _shift(1), "copy": _copy, "delete": _delete,
    "listen": _listen, "unlisten": _unlisten, "add_part": _add_part, "drop_part": _drop_part,
    "add_message": _add_message, "drop_message": _drop_message, **flow_messages.VERBS,
    **flow_languages.VERBS,
}  # fmt: skip
