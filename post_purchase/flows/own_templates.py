"""The WhatsApp text of a message, written in the editor: made, changed, taken out. Pure; takes broken drafts.

A value is written as `{{ order.name }}` like in any text, and kept as {{1}} with a sample, as Meta wants it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from post_purchase.services import texts

from .message_rules import category_for, with_message
from .reshaping import CannotReshape
from .sample import sample_answers, sample_facts
from .template_lint import longest_sample
from .wording import variables

Raw = Mapping[str, Any]
MOST_VALUES = 20
_TAG, _PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL), re.compile(r"\{\{\s*(\d{1,3})\s*\}\}")
_BLOCK = re.compile(
    r"\{%-?\s*(if|unless|for|case)\b(?:(?!\{%-?\s*(?:if|unless|for|case)\b).)*?\{%-?\s*end\1\s*-?%\}", re.S
)
_LEFT = re.compile(r"\{%.*?%\}", re.DOTALL)


def add_template(document: Raw, message: str, language: str) -> dict[str, Any]:
    """A text for Meta that begins as what the message says, in each language whose words name the same values."""
    changed, spec = with_message(document, message)
    if spec.get("template"):
        raise CannotReshape("It has a text for WhatsApp already")
    name = _free_name(changed, f"{changed.get('key') or 'flow'}_{message}")
    spec["template"] = {"name": name, "category": category_for(str(spec.get("purpose"))), "parameters": []}
    spoken = changed.get("texts") or {}
    for tag in dict.fromkeys((language, *spoken)):
        wording = ((spoken.get(tag) or {}).get("messages") or {}).get(message)
        if not isinstance(wording, dict) or not wording.get("text") or wording.get("to_translate"):
            continue
        body = _plain(str(wording["text"]))
        before = list(spec["template"]["parameters"])
        written = numbered(spec["template"], body)
        if before and spec["template"]["parameters"] != before:
            spec["template"]["parameters"] = before  # says something else: to be written by a person
        elif written:
            wording["template"] = written
    return changed


def drop_template(document: Raw, message: str) -> dict[str, Any]:
    changed, spec = with_message(document, message)
    if not spec.pop("template", None):
        raise CannotReshape("It has no text for WhatsApp")
    for wording in _wordings(changed, message):
        wording.pop("template", None)
    return changed


def drop_value(document: Raw, message: str, number: int) -> dict[str, Any]:
    """A value that no language names any more; those behind it move up."""
    changed, spec = with_message(document, message)
    template = spec.get("template") or {}
    parameters = list(template.get("parameters") or ())
    if not 0 < number <= len(parameters) or number in used_values(changed, message):
        raise CannotReshape("This value is still in the text")
    template["parameters"] = [*parameters[: number - 1], *parameters[number:]]
    for wording in _wordings(changed, message):
        if body := wording.get("template"):
            wording["template"] = _PLACE.sub(lambda found: _moved_up(int(found[1]), number), str(body))
    return changed


def _moved_up(number: int, gone: int) -> str:
    return f"{{{{{number - 1 if number > gone else number}}}}}"


def used_values(document: Raw, message: str) -> set[int]:
    bodies = [str(wording.get("template") or "") for wording in _wordings(document, message)]
    return {int(number) for body in bodies for number in _PLACE.findall(body)}


def numbered(template: dict[str, Any], body: str) -> str:
    """The body with {{1}} for `{{ order.name }}`; the template gets the values that it lacks, each with a sample."""
    parameters: list[Any] = [dict(one) for one in template.get("parameters") or ()]

    def number(found: re.Match[str]) -> str:
        inside = " ".join(found[1].split())
        if inside.isdecimal() or not inside:
            return found[0]
        value = f"{{{{ {inside} }}}}"
        known = [" ".join(str(one.get("value")).split()) for one in parameters]
        if value not in known:
            if len(parameters) >= MOST_VALUES:
                return found[0]
            parameters.append({"name": _name(inside, parameters), "value": value, "sample": sample_of(value)})
            return f"{{{{{len(parameters)}}}}}"
        return f"{{{{{known.index(value) + 1}}}}}"

    written = _TAG.sub(number, body)
    template["parameters"] = parameters
    return written


def sample_of(value: str) -> str:
    """As the made-up order fills it in; "" where that says nothing."""
    facts = sample_facts("en")
    filled = variables(facts, sample_answers(facts), 1, {})
    try:
        said = texts.render(value, filled, language="en", timezone=facts["timezone"])
    except texts.TextError:
        return ""
    return " ".join(said.split())[: longest_sample()]


def set_sample(template: dict[str, Any], number: int, sample: str) -> None:
    parameters = [dict(one) for one in template.get("parameters") or ()]
    parameters[number]["sample"] = " ".join(sample.split())
    template["parameters"] = parameters


def _plain(text: str) -> str:
    """Without what is said only now and then: a template has no conditions."""
    before = ""
    while before != text:
        before, text = text, _BLOCK.sub("", text)
    lines = [" ".join(line.split()) for line in _LEFT.sub("", text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _name(inside: str, parameters: list[Any]) -> str:
    path = re.split(r"[|\s]", inside, maxsplit=1)[0]
    word = re.sub(r"[^a-z0-9_]+", "_", path.rpartition(".")[2].lower()).strip("_")[:36]
    word = word if word[:1].isalpha() else f"value_{word}".strip("_")
    taken = {one.get("name") for one in parameters}
    return word if word not in taken else next(one for n in range(2, 99) if (one := f"{word}_{n}") not in taken)


def _free_name(document: Raw, like: str) -> str:
    taken = {
        str((spec.get("template") or {}).get("name"))
        for spec in (document.get("messages") or {}).values()
        if isinstance(spec, Mapping)
    }
    name = re.sub(r"[^a-z0-9_]+", "_", like.lower()).strip("_")[:90]
    name = name if name[:1].isalpha() else f"flow_{name}"[:90]
    return name if name not in taken else next(one for n in range(2, 999) if (one := f"{name}_{n}") not in taken)


def _wordings(document: Raw, message: str) -> Iterable[dict[str, Any]]:
    for spoken in (document.get("texts") or {}).values():
        wording = ((spoken or {}).get("messages") or {}).get(message)
        if isinstance(wording, dict):
            yield wording
