"""The numbers that the editor shows: of all versions together, or, while one is on trial, of each beside the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from post_purchase.flows import paths
from post_purchase.flows.numbers import FlowNumbers, StepNumbers, numbers_of
from post_purchase.flows.variants import Result, result
from post_purchase.models import Flow, FlowVersion

SHOWN = 3  # versions of an experiment
GOALS = 2  # that a version on trial is compared by


@dataclass
class NumbersView:
    range: str = ""
    cards: dict[str, list[tuple[str, StepNumbers]]] = field(default_factory=dict)  # (label, numbers) by step
    results: dict[str, list[Result]] = field(default_factory=dict)  # by experiment, the newest version first
    trial: list[Result] = field(default_factory=list)  # one for each goal


def numbers_view(flow: Flow, document: Mapping[str, Any]) -> NumbersView:
    live, trial = flow.live_version, flow.canary_version
    if live is None:
        return NumbersView()
    numbers = numbers_of(flow, document)
    columns = [("", numbers.steps)]
    if trial is not None:
        columns = [(f"Version {one.number}", numbers.of([one.pk])) for one in (live, trial)]
    view = NumbersView(numbers.range)
    for step in paths.steps_of(document):
        if found := [(label, steps[step]) for label, steps in columns if step in steps]:
            view.cards[step] = found
    view.results = _experiments(flow, document, numbers)
    if trial is not None:
        view.trial = _on_trial(live, trial, numbers)
    return view


def _experiments(flow: Flow, document: Mapping[str, Any], numbers: FlowNumbers) -> dict[str, list[Result]]:
    asked = {name for name, step in paths.steps_of(document).items() if step.get("kind") == "experiment"}
    tried = {version for version, step in numbers.variants if step in asked}
    found: dict[str, list[Result]] = {}
    if not tried:
        return found
    for version in flow.versions.filter(pk__in=tried).order_by("-number"):
        steps = paths.steps_of(version.document)
        for name in sorted(asked & set(steps)):
            step = steps[name]
            if step.get("kind") != "experiment" or len(found.get(name, ())) == SHOWN:
                continue
            goal = str(step.get("goal"))
            variants = [str(one.get("name")) for one in step.get("variants") or ()]
            tallies = numbers.variants[version.pk, name]
            title = _goals(version.document).get(goal, goal)
            made = result(f"Version {version.number}", goal, title, variants, tallies)
            found.setdefault(name, []).append(made)
    return found


def _on_trial(live: FlowVersion, trial: FlowVersion, numbers: FlowNumbers) -> list[Result]:
    known = _goals(live.document)
    shared = [name for name in _goals(trial.document) if name in known][:GOALS]
    tallies = {f"Version {one.number}": numbers.reached[one.pk] for one in (live, trial)}
    return [result("", name, known[name], list(tallies), tallies) for name in shared]


def _goals(document: Mapping[str, Any]) -> dict[str, str]:
    """{name: as the merchant calls it}"""
    return {
        str(one.get("name")): str(one.get("title") or one.get("name")).replace("_", " ")
        for one in document.get("goals") or ()
    }
