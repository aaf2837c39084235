"""The path as the page draws it: every step with its words, its troubles and its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from post_purchase.flows import describing, paths
from post_purchase.flows.definition import Problem
from post_purchase.flows.numbers import StepNumbers
from post_purchase.flows.troubles import START, by_place
from post_purchase.flows.variants import Result

from .flow_numbers import NumbersView

HIDDEN_BY = 160  # characters of a summary
WIDEST = 4  # columns: static/flow.css has w0 to w4


@dataclass
class Card:
    id: str
    title: str
    kind: str
    kind_name: str
    summary: str
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    chosen: bool = False
    numbers: list[tuple[str, StepNumbers]] = field(default_factory=list)  # (of which version, numbers)
    results: list[Result] = field(default_factory=list)  # of an experiment


@dataclass
class WayView:
    name: str
    line: "LineView"

    @property
    def width(self) -> int:
        """How many columns it would like to have; 0: there is nothing in it."""
        return min(self.line.columns, WIDEST)


@dataclass
class BlockView:
    card: Card
    ways: list[WayView]
    edge: str

    @property
    def columns(self) -> int:
        return sum(max(way.line.columns, 1) for way in self.ways)


@dataclass
class LineView:
    edge: str
    blocks: list[BlockView]
    last_edge: str
    goes_to: str  # a title
    goes_to_id: str
    joins: bool
    ends: bool

    @property
    def columns(self) -> int:
        """The most ways that lie beside each other in it."""
        return max((max(block.columns, 1) for block in self.blocks), default=0)


@dataclass
class RootView:
    """A whole path with what starts it."""

    place: str  # "@start", "@path.0", "": nothing leads to it
    title: str
    summary: str
    line: LineView
    chosen: bool = False
    problems: list[Problem] = field(default_factory=list)


class PathView:
    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        problems: list[Problem],
        warnings: list[Problem],
        language: str,
        chosen: str = "",
        adding: str = "",
        numbers: NumbersView | None = None,
        flows: Mapping[str, str] | None = None,
    ):
        self.document, self.language, self.chosen, self.adding = document, language, chosen, adding
        self.problems, self.warnings = by_place(document, problems), by_place(document, warnings)
        self.steps, self.numbers, self.flows = paths.steps_of(document), numbers or NumbersView(), flows or {}
        self.roots = [self._root(line) for line in paths.lines(document)]

    def _root(self, line: paths.Line) -> RootView:
        drawn = self._line(line)
        if line.edge == "start":
            trigger = self.document.get("trigger") or {}
            only = describing.condition(trigger.get("if"))
            exits = [str(one.get("reason", "")) for one in self.document.get("exits") or []]
            summary = [f"Only if {only}." if only else "", f"Ends early: {'; '.join(exits)}." if exits else ""]
            title = f"When {describing.news(trigger.get('news')) or '…'}"
            return self._placed(START, title, " ".join(filter(None, summary)), drawn)
        if line.edge.startswith("listeners."):
            at = int(line.edge.split(".")[1])
            listener = paths.listeners_of(self.document)[at]
            only = describing.condition(listener.get("if"))
            title = f"Meanwhile, when {describing.news(listener.get('news')) or '…'}"
            return self._placed(f"@path.{at}", title, f"Only if {only}." if only else "", drawn)
        return RootView("", "Nothing leads here", "Move a step to the path, or delete it.", drawn)

    def _placed(self, place: str, title: str, summary: str, line: LineView) -> RootView:
        return RootView(place, title, summary, line, place == self.chosen, self.problems.get(place, []))

    def _line(self, line: paths.Line) -> LineView:
        target = self.steps.get(line.goes_to)
        title = describing.title_of(line.goes_to, target) if target is not None else line.goes_to
        blocks = [self._block(block) for block in line.blocks]
        return LineView(line.edge, blocks, line.last_edge, title, line.goes_to, line.joins, line.ends)

    def _block(self, block: paths.Block) -> BlockView:
        step = self.steps[block.step]
        ways = [
            WayView(
                describing.way_name(step, way.edge.split(".", 2)[2], self.document, self.language), self._line(way.line)
            )
            for way in block.ways
        ]
        return BlockView(self.card(block.step), ways, block.edge)

    def _summary(self, step: Mapping[str, Any]) -> str:
        if step.get("kind") == "start_flow":
            return self.flows.get(str(step.get("flow", "")), str(step.get("flow", "")))
        return describing.summary(step, self.document, self.language)

    def card(self, step_id: str) -> Card:
        step = self.steps[step_id]
        return Card(
            id=step_id,
            title=describing.title_of(step_id, step),
            kind=str(step.get("kind", "")),
            kind_name=describing.kind_name(step.get("kind")),
            summary=_short(self._summary(step)),
            problems=self.problems.get(step_id, []),
            warnings=self.warnings.get(step_id, []),
            chosen=step_id == self.chosen,
            numbers=self.numbers.cards.get(step_id, []),
            results=self.numbers.results.get(step_id, []),
        )


def _short(text: str) -> str:
    return text if len(text) <= HIDDEN_BY else f"{text[: HIDDEN_BY - 1].rstrip()}…"


def place_of(edge: str) -> str:
    """The card from which the edge leads away."""
    root, _, rest = edge.partition(".")
    name = rest.split(".")[0]
    return name if root == "steps" else f"@path.{name}" if root == "listeners" else START


def places_to_move(document: Mapping[str, Any], step_id: str, language: str) -> list[tuple[str, str]]:
    """(edge, words) of every place where the step could stand: for those who do not drag."""
    steps, found = paths.steps_of(document), []
    for edge, target in paths.edges(document):
        if target == step_id or edge.startswith(f"steps.{step_id}."):
            continue
        found.append((edge, edge_words(document, edge, language)))
    return found if step_id in steps else []


def edge_words(document: Mapping[str, Any], edge: str, language: str) -> str:
    parts = edge.split(".", 2)
    if edge == "start":
        return "At the start"
    if parts[0] == "listeners":
        listener = paths.listeners_of(document)[int(parts[1])]
        return f"First when {describing.news(listener.get('news'))}"
    step = paths.steps_of(document)[parts[1]]
    title, way = describing.title_of(parts[1], step), describing.way_name(step, parts[2], document, language)
    return f"After {title}" if way == "Then" else f"{title}: {way}"
