"""What can be set at a step of a flow, as fields with labels, and what stands in them now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from post_purchase.flows.describing import NEWS, title_of
from post_purchase.flows.paths import steps_of
from post_purchase.flows.step import parse_duration, parse_offset
from post_purchase.words import ParcelState

from . import conditions
from .flows import UNITS

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
