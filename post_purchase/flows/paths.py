"""The document as a path that is read from top to bottom, its branches side by side. Pure; takes broken drafts.

Each step is drawn once. Where two ways meet again the path goes on below them; every other way to a step that stands
elsewhere is a pointer to it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Raw = Mapping[str, Any]
FORKS = ("branch", "split", "experiment", "ask")  # all ways are equals; elsewhere `next` is the main way
_SIDES = ("on_timeout", "on_help", "on_failure", "on_none", "on_missing", "on_stale", "on_cut_short")


@dataclass
class Way:
    edge: str  # where it is written: "steps.review.on_help"
    line: "Line"


@dataclass
class Block:
    step: str
    ways: list[Way] = field(default_factory=list)  # side by side below the step
    edge: str = ""  # its main way, on which the line goes on


@dataclass
class Line:
    """Steps one below the other."""

    edge: str  # what leads to its first step
    blocks: list[Block] = field(default_factory=list)
    last_edge: str = ""  # the way out of the last step: a step can be added there
    goes_to: str = ""  # the step elsewhere at which it goes on
    joins: bool = False  # that step stands right below the ways
    ends: bool = False


def ways_of(step: Raw) -> list[tuple[str, str | None]]:
    """(field, target) of every way out as it is written, the main one first. Agrees with Step.targets()."""
    kind = step.get("kind")
    found: list[tuple[str, str | None]] = []
    if kind == "ask":
        choices: Any = step.get("choices") if _is_map(step.get("choices")) else {}
        found += [(f"choices.{name}", _text(target)) for name, target in choices.items()]
        if _takes_other_answers(step) or not found or step.get("next"):
            found.append(("next", _text(step.get("next"))))
        return [*found, ("on_timeout", _text(step.get("on_timeout")))]
    for name in ("cases", "ways", "variants"):
        parts = step.get(name) if isinstance(step.get(name), list | tuple) else []
        found += [
            (f"{name}.{at}.goto", _text(part.get("goto"))) for at, part in enumerate(parts or []) if _is_map(part)
        ]
    if kind in ("split", "experiment"):
        return found
    if kind != "end":
        found.append(("next", _text(step.get("next"))))
    for name in _sides(step):
        found.append((name, _text(step.get(name))))
    return found


def _sides(step: Raw) -> list[str]:
    match step.get("kind"):
        case "wait":
            named = {"on_timeout": "until", "on_missing": "date", "on_cut_short": "cut_short_by"}
            return [way for way, part in named.items() if step.get(part)]
        case "collect_review":
            return ["on_timeout", "on_help"]
        case "reward":
            return ["on_failure"]
        case "recommend" | "send_guide":
            return ["on_none"]
        case "digest":
            return ["on_stale"] if step.get("states") else []
        case _:
            return [name for name in _SIDES if step.get(name)]


def _takes_other_answers(step: Raw) -> bool:
    return bool(step.get("any_text") or step.get("rating") or step.get("photos") or step.get("number_from") is not None)


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def steps_of(document: Raw) -> dict[str, Raw]:
    steps: Any = document.get("steps")
    return {str(name): step for name, step in steps.items() if _is_map(step)} if _is_map(steps) else {}


def listeners_of(document: Raw) -> list[Raw]:
    found = document.get("listeners")
    return [one for one in found if _is_map(one)] if isinstance(found, list | tuple) else []


def edges(document: Raw) -> Iterator[tuple[str, str | None]]:
    """(edge, target) of everything that leads to a step."""
    yield "start", _text(document.get("start"))
    for name, step in steps_of(document).items():
        for way, target in ways_of(step):
            yield f"steps.{name}.{way}", target
    for at, listener in enumerate(listeners_of(document)):
        yield f"listeners.{at}.goto", _text(listener.get("goto"))


def reach(document: Raw, start: str | None) -> list[str]:
    """The steps that can follow, nearest first."""
    steps, found = steps_of(document), []
    waiting = [start]
    while waiting:
        name = waiting.pop(0)
        if name is None or name not in steps or name in found:
            continue
        found.append(name)
        waiting += [target for _, target in ways_of(steps[name])]
    return found


def lines(document: Raw) -> list[Line]:
    """The main path, then one for each news that is heard, then what nothing leads to."""
    return _Drawing(document).lines()


class _Drawing:
    def __init__(self, document: Raw):
        self.document, self.steps = document, steps_of(document)
        self.drawn: set[str] = set()
        self.reached: dict[str | None, list[str]] = {}

    def lines(self) -> list[Line]:
        roots = [("start", _text(self.document.get("start")))]
        roots += [
            (f"listeners.{at}.goto", _text(one.get("goto"))) for at, one in enumerate(listeners_of(self.document))
        ]
        found = [self.line(edge, target, frozenset()) for edge, target in roots]
        while left := [name for name in self.steps if name not in self.drawn]:
            led_to = {target for name in left for _, target in ways_of(self.steps[name])}
            first = next((name for name in left if name not in led_to), left[0])
            found.append(self.line("", first, frozenset()))
        return found

    def reach(self, start: str | None) -> list[str]:
        if start not in self.reached:
            self.reached[start] = reach(self.document, start)
        return self.reached[start]

    def line(self, edge: str, target: str | None, stops: frozenset[str], joint: str = "") -> Line:
        line = Line(edge, last_edge=edge)
        while target is not None:
            if target not in self.steps or target in self.drawn or target in stops:
                line.goes_to, line.joins = target, target == joint
                return line
            self.drawn.add(target)
            block, target = self.block(target, stops, joint)
            line.blocks.append(block)
            line.last_edge = block.edge
        line.ends = True
        return line

    def block(self, name: str, stops: frozenset[str], joint: str) -> tuple[Block, str | None]:
        """The step with its side ways, and the step at which the line goes on."""
        step = self.steps[name]
        ways = ways_of(step)
        block = Block(name)
        main = next((target for way, target in ways if way == "next"), None)
        if step.get("kind") in FORKS and len(ways) > 1:
            below = self.meeting(ways)
            sides, block.edge = ways, ""
            if below is None and main is not None and all(target is None for way, target in ways if way != "next"):
                below, sides, block.edge = main, [one for one in ways if one[0] != "next"], f"steps.{name}.next"
        else:
            below, sides = main, [one for one in ways if one[0] != "next"]
            block.edge = f"steps.{name}.next" if any(way == "next" for way, _ in ways) else ""
        inner = stops | ({below, *self.reach(below)} if below is not None else set())
        for way, target in sides:
            block.ways.append(
                Way(f"steps.{name}.{way}", self.line(f"steps.{name}.{way}", target, inner, below or joint))
            )
        return block, below

    def meeting(self, ways: list[tuple[str, str | None]]) -> str | None:
        """The first step that two of the ways have in common."""
        followed = [self.reach(target) for _, target in ways if target in self.steps]
        for at, own in enumerate(followed):
            others = {name for other, names in enumerate(followed) if other != at for name in names}
            if found := next((name for name in own if name in others and name not in self.drawn), None):
                return found
        return None
