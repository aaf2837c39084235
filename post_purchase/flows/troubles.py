"""What must be mended before publishing, and what a merchant should know: each where it is. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.services.template_words import state_key

from . import hole_lint, offer_lint, sms_lint, window
from .definition import Problem
from .describing import title_of
from .languages import copies
from .paths import edges, reach, steps_of
from .reshaping import messages_of
from .template_lint import lint

Raw = Mapping[str, Any]
START = "@start"
# services.template_words.state_key: {network: (status, reason)}
Templates = Mapping[tuple[str, str, str], Mapping[str, tuple[str, str]]]
_REVIEWED = {"rejected": "refused", "paused": "paused", "disabled": "switched off"}


def warnings(document: Raw, languages: Iterable[str], templates: Templates, names: Mapping[str, str]) -> list[Problem]:
    """What does not stop publishing. `languages`: the shop's; `names`: what they are called."""
    found: list[Problem] = []
    texts, specs = document.get("texts") or {}, document.get("messages") or {}
    wanted = [tag for tag in languages if tag in texts] or list(texts)
    used = [message for step in steps_of(document).values() for message in messages_of(step).values()]
    found += _copies(document, dict.fromkeys(used), names)
    for message in dict.fromkeys(used):
        for tag in wanted:
            wording = ((texts.get(tag) or {}).get("messages") or {}).get(message) or {}
            where, name = f"texts.{tag}.messages.{message}", names.get(tag, tag)
            if not wording.get("text"):
                found.append(Problem(where, f"There is no text in {name}; another language is used"))
            if (specs.get(message) or {}).get("url") and not wording.get("url_title") and _is_own(wording):
                found.append(Problem(where, f"The link's button has no words in {name}, so it is not shown"))
            template = (specs.get(message) or {}).get("template")
            if not template:
                continue
            if not wording.get("template"):
                found.append(Problem(where, f"This WhatsApp text has no template in {name}"))
                continue
            key = state_key(tag, str(template.get("category") or "UTILITY"), str(wording["template"]))
            states = templates.get(key, {})
            for network, (status, reason) in sorted(states.items()):
                if status in _REVIEWED:
                    why = f": {reason}" if reason else ""
                    told = f"Meta has {_REVIEWED[status]} the {network} template in {name}{why}"
                    found.append(Problem(where, told))
    found += [
        *lint(document, wanted),
        *sms_lint.lint(document, wanted),
        *offer_lint.hints(document),
        *offer_lint.unasked_answers(document),
        *window.lint(document),
        *hole_lint.lint(document, wanted),
    ]
    reached = {
        name for edge, target in edges(document) if not edge.startswith("steps.") for name in reach(document, target)
    }
    found += [
        Problem(f"steps.{name}", "Nothing leads to this step") for name in steps_of(document) if name not in reached
    ]
    return found


def _is_own(wording: Raw) -> bool:
    return bool(wording.get("text")) and not wording.get("to_translate")


def _copies(document: Raw, messages: Iterable[str], names: Mapping[str, str]) -> Iterable[Problem]:
    for message in messages:
        if copied := copies(document, message):
            listed = ", ".join(names.get(tag, tag) for tag in copied)
            source = ", ".join(dict.fromkeys(names.get(tag, tag) for tag in copied.values()))
            told = f"Still to be translated into {listed}: until then the words in {source} are sent"
            yield Problem(f"messages.{message}.languages", told)


def by_place(document: Raw, problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """{step id, "@start" or "@path.<n>": what is wrong there}."""
    saying: dict[str, list[str]] = {}
    for name, step in steps_of(document).items():
        for message in messages_of(step).values():
            saying.setdefault(message, []).append(name)
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        for place in _places(problem.path.split("."), saying):
            found.setdefault(place, []).append(problem)
    return found


def in_words(document: Raw, problem: Problem, names: Mapping[str, str] | None = None) -> str:
    """Where it is, as the merchant calls the place: "“Hello” in German: ...". `names`: of languages."""
    place = next(iter(by_place(document, [problem])), START)
    step = steps_of(document).get(place)
    if step is not None:
        root, tag = (*problem.path.split("."), "")[:2]
        spoken = f" in {(names or {}).get(tag, tag)}" if root == "texts" else ""
        return f"“{title_of(place, step)}”{spoken}: {of_what(problem)}"
    return problem.message if problem.path.endswith(".purpose") else str(problem)


def of_what(problem: Problem) -> str:
    """Rules of Meta's for a template's text begin with what they are about."""
    meta = problem.path.endswith(".template") and problem.message[:1].islower()
    return f"The text for WhatsApp {problem.message}" if meta else problem.message


def _places(path: list[str], saying: Mapping[str, list[str]]) -> list[str]:
    if path[0] == "steps" and len(path) > 1:
        return [path[1]]
    if path[0] == "messages" and len(path) > 1:
        return saying.get(path[1], [START])
    if path[0] == "texts" and len(path) > 3 and path[2] == "messages":
        return saying.get(path[3], [START])
    if path[0] == "listeners" and len(path) > 1:
        return [f"@path.{path[1]}"]
    return [START]
