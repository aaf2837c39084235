"""The panel beside the path: a step's settings as fields, and what is typed back into the step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from post_purchase.flows.describing import NEWS, title_of, way_name
from post_purchase.flows.paths import steps_of, ways_of
from post_purchase.flows.step import parse_duration, parse_offset
from post_purchase.words import ParcelState

from . import conditions
from .flows import UNITS, iso_duration

WEEKDAYS = (
    ("mon", "Monday"), ("tue", "Tuesday"), ("wed", "Wednesday"), ("thu", "Thursday"),
    ("fri", "Friday"), ("sat", "Saturday"), ("sun", "Sunday"),
)  # fmt: skip
WAITS = {
    "for": "For some time",
    "between": "Until an hour of the shopper's day",
    "until": "Until something is so",
    "date": "Until a date",
}
TIMES = {
    "": "now",
    "order.placed_at": "the order was placed",
    "order.delivered_at": "the order arrived",
    "parcel.delivered_at": "the parcel arrived",
    "parcel.shipped_at": "the parcel was sent",
}
DATES = {
    "order.day_expected": "The day on which the order is expected",
    "parcel.day_expected": "The day on which the parcel is expected",
    "order.delivered_at": "The day on which the order arrived",
    "contact.fields.birthday": "The shopper's birthday",
}
BY = {
    "compatible": "What goes with what was bought",
    "bought_together": "What others bought with it",
    "same_again": "The same again",
}
HEAVY = 4000


@dataclass
class FieldSpec:
    name: str
    kind: str  # text, area, number, duration, offset, hours, tick, choice, several, condition
    label: str
    help: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    low: int = 0
    high: int = 1000


@dataclass
class StepInput:
    spec: FieldSpec
    name: str  # of the input
    value: Any = ""
    number: str = ""
    unit: str = "days"
    condition: conditions.ConditionInput | None = None
    units = tuple(name for name, _ in UNITS)

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """(value, words, chosen); a value that is not in the list stays as it is."""
        chosen = self.value if isinstance(self.value, list | tuple) else [self.value]
        found = dict(self.spec.options) | {str(one): str(one) for one in chosen if one not in self.spec.options}
        return [(key, words, key in chosen) for key, words in found.items()]


def specs_of(step: Mapping[str, Any], document: Mapping[str, Any], flows: Mapping[str, str]) -> list[FieldSpec]:
    """What can be set at this step. `flows`: key and name of the shop's flows."""
    goals = {str(goal.get("name")): str(goal.get("title") or goal.get("name")) for goal in document.get("goals") or []}
    reviews = {name: title_of(name, one) for name, one in steps_of(document).items() if one["kind"] == "collect_review"}
    asked = {
        str(one["message"]): title_of(name, one)
        for name, one in steps_of(document).items()
        if one["kind"] == "ask" and one.get("message")
    }
    own: dict[str, list[FieldSpec]] = {
        "ask": [
            FieldSpec("timeout", "duration", "Wait for an answer"),
            FieldSpec("rating", "tick", "One to five stars are an answer"),
            FieldSpec("any_text", "tick", "Any words are an answer"),
            FieldSpec("photos", "tick", "A photo is an answer"),
            FieldSpec("save_as", "text", "Remember the answer as", "Conditions and texts can name it: answers.…"),
            FieldSpec("reminder_after", "duration", "Remind after"),
            FieldSpec("retries", "number", "Ask again when the answer is not understood", "times", high=5),
        ],
        "wait": _wait_specs(step),
        "digest": [
            FieldSpec("for", "duration", "Gather for"),
            FieldSpec("news", "several", "This news", options=NEWS),
            FieldSpec("states", "several", "Only parcels that then still are", options=dict(ParcelState.choices)),
        ],
        "collect_review": [
            FieldSpec("timeout", "duration", "Wait for the stars"),
            FieldSpec("reminder_after", "duration", "Remind of the stars after"),
            FieldSpec("low_rating", "number", "Offer a person's help up to", "stars", low=1, high=5),
            FieldSpec("photo_reminder_after", "duration", "Remind of the photo after"),
            FieldSpec("photo_timeout", "duration", "Go on without a photo after"),
        ],
        "add_photo": [FieldSpec("review_step", "choice", "The review that was given at", options=reviews)],
        "reward": [
            FieldSpec("timeout", "duration", "Wait for the code at most"),
            FieldSpec("for_friend", "tick", "For a friend", "Called so in your list of discounts"),
            FieldSpec(
                "new_customers_only",
                "tick",
                "Only for new customers",
                "The checkout takes the code only from who is in your customer segment “number_of_orders = 0” "
                "(Customers, Segments). A guest whom your store has never seen may be refused: try it once yourself",
            ),
        ],
        "recommend": [
            FieldSpec("by", "choice", "Look for", options=BY),
            FieldSpec("limit", "number", "Products at most", low=1, high=5),
        ],
        "experiment": [FieldSpec("goal", "choice", "Judged by the goal", "Goals stand at the top of the path.", goals)],
        "tag": [FieldSpec("tag", "text", "Tag")],
        "set_field": [
            FieldSpec("field", "text", "Remember as", "Small letters: size, taste, birthday"),
            FieldSpec("answer", "text", "The answer of the question", "The name under which a question remembers it"),
            FieldSpec("value", "text", "Or this word"),
        ],
        "give_consent": [FieldSpec("asked_in", "choice", "The question they said yes to", options=asked)],
        "note": [FieldSpec("text", "area", "Note for the team", "May name values: {{ order.name }}")],
        "hand_off": [FieldSpec("reason", "text", "Why, for your team")],
        "call_webhook": [FieldSpec("url", "text", "Address", "Begins with https://. Signed, and tried again.")],
        "start_flow": [FieldSpec("flow", "choice", "Flow", options=flows)],
        "end": [FieldSpec("reason", "text", "Why it ends", "You read it at the run.")],
    }
    found = [FieldSpec("title", "text", "Name of the step"), *own.get(str(step.get("kind")), [])]
    if step.get("kind") in ("wait", "ask", "collect_review", "digest"):
        found.append(FieldSpec("why", "text", "Why this long", "For you and your team"))
    return found


def wait_mode(step: Mapping[str, Any]) -> str:
    return next((mode for mode in ("between", "until", "date") if step.get(mode)), "for")


def _wait_specs(step: Mapping[str, Any]) -> list[FieldSpec]:
    mode = wait_mode(step)
    parts = {
        "for": [
            FieldSpec("for", "duration", "Wait"),
            FieldSpec("from", "choice", "Counted from when", options=TIMES),
            FieldSpec("at_least", "duration", "But from now at least"),
        ],
        "between": [
            FieldSpec("between", "hours", "Between these hours", "Like 10:00-19:00, in the shopper's time zone"),
            FieldSpec("weekdays", "several", "Only on", options=dict(WEEKDAYS)),
        ],
        "until": [
            FieldSpec("until", "condition", "Until this is so"),
            FieldSpec("timeout", "duration", "Give up after"),
        ],
        "date": [
            FieldSpec("date", "choice", "The date", options=DATES),
            FieldSpec("offset", "offset", "Days before (-) or after it", "Like -2 for two days before"),
        ],
    }
    return [FieldSpec("#mode", "choice", "How to wait", options=WAITS), *parts[mode]]


def inputs_of(
    step: Mapping[str, Any], document: Mapping[str, Any], flows: Mapping[str, str], prefix: str = "step."
) -> list[StepInput]:
    asked = answers_of(document)
    return [field_of(spec, step, prefix, asked) for spec in specs_of(step, document, flows)]


def answers_of(document: Mapping[str, Any]) -> list[str]:
    """Facts that this flow's own questions make."""
    steps = steps_of(document)
    named = [f"answers.{step['save_as']}" for step in steps.values() if step.get("save_as")]
    return [*dict.fromkeys(named), *(f"seen.{name}" for name in steps)]


def field_of(spec: FieldSpec, step: Mapping[str, Any], prefix: str, asked: list[str]) -> StepInput:
    raw = step.get(spec.name)
    made = StepInput(spec, prefix + spec.name, "" if raw is None else raw)
    match spec.kind:
        case "duration":
            made.number, made.unit = in_units(raw)
        case "offset":
            made.value = _days(raw)
        case "hours":
            made.value = "-".join(str(hour)[:5] for hour in raw) if isinstance(raw, list | tuple) else ""
        case "condition":
            made.condition = conditions.input_of(made.name, spec.label, raw, asked)
        case "several":
            made.value = list(raw) if isinstance(raw, list | tuple) else []
    if spec.name == "#mode":
        made.value = wait_mode(step)
    return made


def in_units(raw: Any) -> tuple[str, str]:
    try:
        seconds = int(parse_duration(str(raw)).total_seconds()) if raw else -1
    except ValueError:
        seconds = -1
    if seconds < 0:
        return "", "days"
    unit, size = next((found for found in reversed(UNITS) if seconds % found[1] == 0), UNITS[0])
    return str(seconds // size), unit


def _days(raw: Any) -> str:
    try:
        return str(parse_offset(str(raw)).days) if raw else "0"
    except ValueError:
        return "0"


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
