"""A condition as rows "fact, comparison, value", joined by and or by or. What is nested deeper is written as YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from post_purchase.flows import files
from post_purchase.flows.conditions import Condition
from post_purchase.flows.describing import COMPARISONS, FACTS, condition
from post_purchase.flows.describing import fact as fact_words
from post_purchase.flows.possible import impossible, impossible_parts

MAX_ROWS = 12
MAX_YAML = 4000
BOTH = {"all": "All of these are so", "any": "One of these is so"}


# In a list that a page has several times, an escaped apostrophe would take six bytes.
OFFERED = tuple((path, words.replace("'", "’")) for path, words in FACTS.items())


@dataclass
class Row:
    fact: str = ""
    comparison: str = "equals"
    value: str = ""
    named: bool = True  # the fact is one of the list
    named_values: str = ""  # what the numbers stand for


@dataclass
class ConditionInput:
    name: str
    label: str
    both: str = "all"
    rows: list[Row] = field(default_factory=list)
    yaml: str = ""  # where it does not fit into rows
    words: str = ""

    facts = OFFERED
    comparisons = tuple(COMPARISONS.items())
    joints = tuple(BOTH.items())


def input_of(name: str, label: str, raw: Any, asked: list[str] | None = None) -> ConditionInput:
    """`asked`: further facts that this flow knows, such as its own answers."""
    made = ConditionInput(name, label, words=condition(raw))
    made.facts = (*OFFERED, *((path, fact_words(path)) for path in asked or () if path not in FACTS))
    rows, both = _rows(raw)
    if rows is None:
        made.yaml = yaml.safe_dump(raw, allow_unicode=True, sort_keys=False, default_flow_style=None, width=100).strip()
        return made
    known = dict(made.facts)
    for row in rows:
        row.named = row.fact in known
    made.rows, made.both = rows or [Row()], both
    return made


def one_more(made: ConditionInput) -> None:
    """An empty row below the others. Not drawn unasked: a row that is left empty says nothing."""
    if made.rows and made.rows[-1].fact and len(made.rows) < MAX_ROWS:
        made.rows.append(Row())


def _rows(raw: Any) -> tuple[list[Row] | None, str]:
    if not raw:
        return [], "all"
    if not isinstance(raw, Mapping):
        return None, "all"
    for both in BOTH:
        if isinstance(raw.get(both), list | tuple) and len(raw) == 1:
            rows = [_row(part) for part in raw[both]]
            return (None if None in rows else [row for row in rows if row]), both
    row = _row(raw)
    return ([row] if row else None), "all"


def _row(part: Any) -> Row | None:
    if not isinstance(part, Mapping) or "fact" not in part or len(part) != 2:
        return None
    comparison = next((name for name in COMPARISONS if name in part), "")
    return Row(str(part["fact"]), comparison, _written(part[comparison])) if comparison else None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(_written, value)) if isinstance(value, list | tuple) else str(value)


def read(name: str, data: Mapping[str, str], before: Any = None) -> tuple[Any, dict[str, str]]:
    """(the condition as it is kept in a document, or None; errors by field). Empty rows are left out.

    Where it means the same as `before`, it is written as it was.
    """
    found, errors = _read_yaml(name, data[f"{name}#yaml"]) if f"{name}#yaml" in data else _read_rows(name, data)
    return (before if before is not None and _plainly(found) == _plainly(before) else found), errors


def _plainly(raw: Any) -> Any:
    if isinstance(raw, Mapping):
        return {key: _plainly(value) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_plainly(value) for value in raw]
    return raw if isinstance(raw, bool) else str(raw)


def _read_rows(name: str, data: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
    parts: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    for at in range(MAX_ROWS):
        path = data.get(f"{name}#{at}#fact", "").strip()
        if not path:
            continue
        comparison, text = data.get(f"{name}#{at}#is", "equals"), data.get(f"{name}#{at}#value", "").strip()
        if comparison not in COMPARISONS:
            comparison = "equals"
        value = _value(comparison, text)
        if value is None:
            errors[f"{name}#{at}#value"] = _HELP.get(comparison, "Write a value.")
            continue
        part = {"fact": path, comparison: value}
        try:
            Condition.model_validate(part)
        except ValueError:
            errors[f"{name}#{at}#fact"] = "Nothing is known of this."
            continue
        if why := impossible(path, comparison, value):
            errors[f"{name}#{at}#value"] = why
            continue
        parts.append(part)
    if len(parts) <= 1:
        return (parts[0] if parts else None), errors
    both = data.get(f"{name}#both", "all")
    return {both if both in BOTH else "all": parts}, errors


_HELP = {"at_least": "Write a number.", "at_most": "Write a number.", "exists": "Write yes or no."}
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def _value(comparison: str, text: str) -> Any:
    if comparison in ("at_least", "at_most"):
        return _number(text.replace(",", "."))
    if comparison == "exists":
        return _YES_NO.get(text.lower() or "yes")
    if comparison in ("one_of", "contains"):
        return [_plain(part.strip()) for part in text.split(",") if part.strip()] or None
    return _plain(text) if text else None


def _plain(text: str) -> Any:
    if text.lower() in _YES_NO:
        return _YES_NO[text.lower()]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return None
    if number != number or abs(number) > 1e12:
        return None
    return int(number) if number.is_integer() else number


def _read_yaml(name: str, text: str) -> tuple[Any, dict[str, str]]:
    if not text.strip():
        return None, {}
    try:
        files.refuse_what_grows(text[: MAX_YAML + 1])
        raw = yaml.safe_load(text) if len(text) <= MAX_YAML else None
        Condition.model_validate(raw)
    except (ValueError, yaml.YAMLError, RecursionError):
        return None, {f"{name}#yaml": "This is not a condition. Write it like {fact: order.total, at_least: 50}."}
    if why := next(impossible_parts(raw), ""):
        return None, {f"{name}#yaml": why}
    return raw, {}
