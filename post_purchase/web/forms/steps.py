"""The panel beside the path: what is typed goes back into the step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from post_purchase.flows.describing import title_of, way_name
from post_purchase.flows.paths import steps_of, ways_of

from . import conditions
from .flows import iso_duration
from .step_fields import WAITS, FieldSpec, answers_of, in_units, specs_of, wait_mode

HEAVY = 4000


def read(
    step: Mapping[str, Any],
    data: Any,
    document: Mapping[str, Any],
    flows: Mapping[str, str],
    prefix: str = "step.",
) -> tuple[dict[str, Any], dict[str, str]]:
    """(the step with what was typed, errors by field). What is wrong is not taken over; the rest is."""
    changed: dict[str, Any] = dict(step)
    errors: dict[str, str] = {}
    for spec in specs_of(step, document, flows):
        READERS[spec.kind](changed, spec, prefix + spec.name, data, errors)
    mode = data.get(f"{prefix}#mode", "")
    changed.pop("#mode", None)
    if step.get("kind") == "wait" and mode in WAITS and mode != wait_mode(step):
        changed = _as_wait(changed, mode)
    _read_parts(changed, data, errors, prefix)
    _read_ways(changed, data, document, prefix)
    return changed, errors


def _as_wait(step: dict[str, Any], mode: str) -> dict[str, Any]:
    kept = {name: step[name] for name in ("kind", "title", "why", "next") if name in step}
    fresh: dict[str, dict[str, Any]] = {
        "for": {"for": "P1D"},
        "between": {"between": ["10:00", "19:00"]},
        "until": {
            "until": {"fact": "conversation.started", "equals": True},
            "timeout": "P7D",
            "on_timeout": step.get("on_timeout") or step.get("on_missing"),
        },
        "date": {"date": "order.day_expected", "on_missing": step.get("on_missing") or step.get("on_timeout")},
    }
    return kept | fresh[mode]


def _read_ways(step: dict[str, Any], data: Any, document: Mapping[str, Any], prefix: str) -> None:
    """Where each way leads: to another step, or to the end."""
    steps = steps_of(document)
    for way, _ in ways_of(step):
        name = f"{prefix}@{way}"
        if name not in data:
            continue
        target = data[name] if data[name] in steps else None
        *path, last = way.split(".")
        place: Any = step
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if target is not None or place.get(last) is not None:
            place[last] = target


def ways_as_inputs(
    step: Mapping[str, Any], document: Mapping[str, Any], language: str, prefix: str = "step."
) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
    """(input, label, [(step id, title, chosen)]) for each way out."""
    steps = steps_of(document)
    return [
        (
            f"{prefix}@{way}",
            way_name(step, way, document, language),
            [("", "End here", target not in steps)]
            + [(name, title_of(name, one), name == target) for name, one in steps.items() if one is not step],
        )
        for way, target in ways_of(step)
    ]


def _read_parts(step: dict[str, Any], data: Any, errors: dict[str, str], prefix: str) -> None:
    """Cases, weights and names of the ways of a branch, a split or an experiment."""
    for kind in ("cases", "ways", "variants"):
        parts = [dict(part) for part in step.get(kind) or []]
        for at, part in enumerate(parts):
            name = f"{prefix}{kind}.{at}"
            if kind == "cases" and (f"{name}.if#both" in data or f"{name}.if#yaml" in data):
                found, wrong = conditions.read(f"{name}.if", data, part.get("if"))
                errors.update(wrong)
                if found is not None:
                    part["if"] = found
            if weight := data.get(f"{name}.weight", ""):
                if weight.isascii() and weight.isdigit() and 1 <= int(weight) <= 1000:
                    part["weight"] = int(weight)
                else:
                    errors[f"{name}.weight"] = "Write a whole number from 1 to 1000."
            if title := data.get(f"{name}.name", "").strip().lower().replace(" ", "_"):
                part["name"] = title[:40]
        if parts:
            step[kind] = parts


Reader = Callable[[dict[str, Any], FieldSpec, str, Any, dict[str, str]], None]


def _read_text(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if name not in data:
        return
    text = data[name].replace("\r\n", "\n")
    text = text if spec.kind == "area" else " ".join(text.split())
    if len(text) > HEAVY:
        errors[name] = f"This is longer than {HEAVY} characters."
    elif text or spec.name in step:
        step[spec.name] = text
    if not text and spec.name in ("title", "why", "save_as", "answer", "value", "from", "date"):
        step.pop(spec.name, None)


def _read_number(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    text = data.get(name, "").strip()
    if not text:
        return
    if text.isascii() and text.isdigit() and len(text) < 6 and spec.low <= int(text) <= spec.high:
        step[spec.name] = int(text)
    else:
        errors[name] = f"Write a whole number from {spec.low} to {spec.high}."


def _read_duration(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if f"{name}#number" not in data:
        return
    number = data[f"{name}#number"].strip()
    if not number and spec.name in ("reminder_after", "photo_reminder_after", "at_least"):
        step.pop(spec.name, None)
        return
    length = iso_duration(number, data.get(f"{name}#unit", ""))
    if not length:
        errors[f"{name}#number"] = "Write a whole number, 400 days at most."
    elif in_units(step.get(spec.name)) != (number, data.get(f"{name}#unit", "")):
        step[spec.name] = length


def _read_offset(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    text = data.get(name, "").strip()
    number = text.lstrip("-")
    if name not in data:
        return
    if not (number.isascii() and number.isdigit() and int(number) <= 400):
        errors[name] = "Write a number of days, like -2."
    elif int(number) == 0:
        step.pop(spec.name, None)
    else:
        step[spec.name] = f"{'-' if text.startswith('-') else ''}P{int(number)}D"


def _read_hours(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if name not in data:
        return
    hours = [part.strip() for part in data[name].replace("–", "-").split("-")]
    if hours == [str(hour)[:5] for hour in step.get(spec.name) or ()]:
        return
    if len(hours) == 2 and all(_is_hour(hour) for hour in hours) and hours[0] < hours[1]:
        step[spec.name] = hours
    else:
        errors[name] = "Write two hours of one day, like 10:00-19:00."


def _is_hour(text: str) -> bool:
    hour, _, minute = text.partition(":")
    return len(text) == 5 and (hour + minute).isascii() and (hour + minute).isdigit() and hour < "24" and minute < "60"


def _read_tick(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if data.get("ticks"):  # the form was sent: what is not there is not ticked
        if data.get(name):
            step[spec.name] = True
        else:
            step.pop(spec.name, None)


def _read_choice(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if name in data and (data[name] in spec.options or data[name] == ""):
        _read_text(step, spec, name, data, errors)


def _read_several(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if not data.get("ticks"):
        return
    chosen = [value for value in data.getlist(name) if value in spec.options]
    if chosen:
        step[spec.name] = chosen
    elif spec.name == "weekdays":
        step.pop(spec.name, None)
    else:
        errors[name] = "Choose one at least."


def _read_condition(step: dict[str, Any], spec: FieldSpec, name: str, data: Any, errors: dict[str, str]) -> None:
    if f"{name}#both" not in data and f"{name}#yaml" not in data:
        return
    found, wrong = conditions.read(name, data, step.get(spec.name))
    errors.update(wrong)
    if found is not None:
        step[spec.name] = found
    elif not wrong:
        errors[f"{name}#0#fact"] = "Say what must be so."


READERS: dict[str, Reader] = {
    "text": _read_text, "area": _read_text, "number": _read_number, "duration": _read_duration,
    "offset": _read_offset, "hours": _read_hours, "tick": _read_tick, "choice": _read_choice,
    "several": _read_several, "condition": _read_condition,
}  # fmt: skip


@dataclass
class PartInput:
    """A case, a way or a variant."""

    place: str  # "cases.0"
    title: str
    condition: conditions.ConditionInput | None = None
    weight: str = ""
    name: str = ""


def parts_of(
    step: Mapping[str, Any], document: Mapping[str, Any], language: str, prefix: str = "step."
) -> list[PartInput]:
    asked, found = answers_of(document), []
    for kind in ("cases", "ways", "variants"):
        for at, part in enumerate(step.get(kind) or []):
            made = PartInput(f"{kind}.{at}", way_name(step, f"{kind}.{at}.goto", document, language))
            if kind == "cases":
                made.condition = conditions.input_of(f"{prefix}{kind}.{at}.if", "If", part.get("if"), asked)
            else:
                made.weight = str(part.get("weight", 1))
                made.name = str(part.get("name", "")) if kind == "variants" else ""
            found.append(made)
    return found
