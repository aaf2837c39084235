"""What a text of this flow can name at all: who writes contact.frist_name means contact.first_name. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from post_purchase.services import texts

from .definition import RESERVED, FlowDocument
from .step import Step

HISTORY = (
    "orders", "reviews", "last_rating", "days_since_order", "bought_since", "due_again_at", "win_back_at",
)  # fmt: skip
GIVEN_BY = {"reward": "gives a reward", "recommend": "finds a product"}  # kind of step: what it does
_OF_LISTS = {"first", "last", "size"}
_CLOSE = 0.8  # a field that a shop made itself may be called nearly anything


def unknown(template: str, values: Mapping[str, Any], document: FlowDocument) -> Iterator[str]:
    """What is wrong with the names in a text, each with the nearest that there is. `values`: of a made-up order."""
    known = _complete(values, document)
    for segments in texts.names_in(template):
        path = _written(segments)
        kind = _gives(segments)
        if kind and kind not in kinds_of(document):
            yield f"“{path}” is known only after a step that {GIVEN_BY[kind]}, and this flow has none"
        elif not _is_there(segments, known):
            near = _nearest(path, list(_paths(known)))
            if segments[0] != "contact" or get_close_matches(_last(path), [_last(near)], 1, _CLOSE):
                yield f"There is no value “{path}”" + (f", but there is “{near}”" if near else "")


def is_wrong(path: str, values: Mapping[str, Any], document: FlowDocument) -> bool:
    """There is no such value at all: it is a problem, not one that some orders lack."""
    return path.partition(".")[0].partition("[")[0] in values and any(unknown(f"{{{{ {path} }}}}", values, document))


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _nearest(path: str, known: list[str]) -> str:
    """Of the same thing, else of another, else by all that is written."""
    root, _, last = path.rpartition(".")
    known.sort(key=lambda one: "[" in one)
    for among in ([one for one in known if one.startswith(f"{root}.")], known):
        by_last = {_last(one): one for one in reversed(among) if "." in one}
        if near := get_close_matches(last, by_last, n=1, cutoff=0.6) if root else ():
            return by_last[near[0]]
    return "" if root in known else next(iter(get_close_matches(path, known, n=1, cutoff=0.6)), "")


def _complete(values: Mapping[str, Any], document: FlowDocument) -> dict[str, Any]:
    """`values` of the made-up order, and the names of what is not always there."""
    steps = document.steps.values()
    answers = {name: "" for name in (*RESERVED, *map(_saved, steps)) if name}
    fields = {step.field: "" for step in steps if step.kind == "set_field"}
    tests = {f"variant_{name}": "" for name, step in document.steps.items() if step.kind == "experiment"}
    return {
        **values,
        "answers": {**answers, **tests, **(values.get("answers") or {})},
        "contact": {**fields, **values["contact"]},
        "history": dict.fromkeys(HISTORY),
    }


def offered(document: Mapping[str, Any], values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Of the values that a text is offered by picking (Liquid: its name) those that this flow can know."""
    steps = [step for step in (document.get("steps") or {}).values() if isinstance(step, Mapping)]
    kinds = {step.get("kind") for step in steps}
    rated = "collect_review" in kinds or any(step.get("rating") for step in steps) or _hears_reviews(document)
    gone = [*([] if "reward" in kinds else ["reward.code", "reward.ends_at"]), *([] if rated else ["answers.rating"])]
    return [(liquid, name) for liquid, name in values.items() if not any(path in liquid for path in gone)]


def _hears_reviews(document: Mapping[str, Any]) -> bool:
    return "review_given" in ((document.get("trigger") or {}).get("news") or ())


def kinds_of(document: FlowDocument) -> set[str]:
    return {step.kind for step in document.steps.values()}


def _saved(step: Step) -> str:
    return str(getattr(step, "save_as", ""))


def _gives(segments: tuple[str | int, ...]) -> str:
    if segments[:2] in (("reward", "code"), ("reward", "ends_at")) or segments[:2] == ("answers", "reward"):
        return "reward"
    return "recommend" if segments[0] == "products" or segments[:2] == ("answers", "products") else ""


def _is_there(segments: tuple[str | int, ...], known: Mapping[str, Any]) -> bool:
    found: Any = known
    for place, name in enumerate(segments):
        if segments[:2] == ("bought", "metafields"):
            return True
        if isinstance(found, Mapping):
            if name not in found:
                return False
            found = found[name]
        elif isinstance(found, list | tuple):
            if not isinstance(name, int) and name not in _OF_LISTS:
                return False
            found = "" if name == "size" else found[0] if found else None
        elif place and name != "size" and found is not None:
            return False
    return True


def _written(segments: Iterable[str | int]) -> str:
    return "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in segments)[1:]


def _paths(known: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in known.items():
        yield prefix + name
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _paths(value[0], f"{prefix}{name}[0].")
