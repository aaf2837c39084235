"""The editor's inputs: lengths of time as a number and a unit, everything else as the flow's own text."""

from collections.abc import Mapping
from dataclasses import dataclass

from post_purchase.flows.editing import EditableField
from post_purchase.flows.step import parse_duration

UNITS = (("minutes", 60), ("hours", 3600), ("days", 86400))
MAX_TEXT = 4000
SMALL_WORDS = "Words that stand in where a value is missing"


@dataclass(frozen=True)
class Input:
    field: EditableField
    number: str = ""
    unit: str = ""

    @property
    def short_label(self) -> str:
        """Inside its message's group the message's name need not be said again."""
        return self.field.label.split(": ", 1)[-1].capitalize() if self.field.kind == "line" else self.field.label


def input_of(field: EditableField) -> Input:
    if field.kind != "duration":
        return Input(field)
    seconds = int(parse_duration(field.value).total_seconds())
    unit, size = next((found for found in reversed(UNITS) if seconds % found[1] == 0), UNITS[0])
    return Input(field, number=str(seconds // size), unit=unit)


def groups_of(fields: list[EditableField]) -> list[tuple[str, list[Input]]]:
    """Texts of one language by message, the small words last."""
    groups: dict[str, tuple[str, list[Input]]] = {}
    for field in fields:
        parts = field.path.split(".")
        key = parts[3] if parts[2] == "messages" else "words"
        title = key.replace("_", " ").capitalize() if parts[2] == "messages" else SMALL_WORDS
        groups.setdefault(key, (title, []))[1].append(input_of(field))
    return list(groups.values())


def edits_from(data: Mapping[str, str], fields: list[EditableField]) -> tuple[dict[str, str], dict[str, str]]:
    """(edits for `apply_edits`, errors by input name). Only fields that were sent count."""
    edits: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        if field.kind == "duration":
            number, unit = data.get(f"{field.path}#number"), data.get(f"{field.path}#unit", "")
            if number is None:
                continue
            length = iso_duration(number, unit)
            if length:
                edits[field.path] = length
            else:
                errors[f"{field.path}#number"] = "Write a whole number, 400 days at most."
        elif field.path in data:
            value = data[field.path].replace("\r\n", "\n")
            if len(value) > MAX_TEXT:
                errors[field.path] = f"This is longer than {MAX_TEXT} characters."
            edits[field.path] = value
    return edits, errors


def iso_duration(number: str, unit: str) -> str:
    """ "7", "days" -> "P7D"; empty where it is none."""
    number = number.strip()
    if not number.isascii() or not number.isdigit() or len(number) > 6 or unit not in dict(UNITS):
        return ""
    if int(number) * dict(UNITS)[unit] > 400 * 86400:
        return ""
    return f"P{int(number)}D" if unit == "days" else f"PT{int(number)}{unit[0].upper()}"
