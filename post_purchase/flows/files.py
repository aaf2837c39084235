"""A flow as a YAML file that diffs well, and back. Problems name the line. Pure."""

from collections.abc import Mapping
from typing import Any

import yaml

from .definition import DocumentError, Problem, load

MAX_FILE = 1_000_000  # bytes
MAX_DEPTH = 40
_ORDER = (
    "schema", "key", "name", "description", "trigger", "exits", "goals", "start", "steps", "listeners", "messages",
    "texts", "kind", "title", "why", "news", "if", "message", "question", "purpose", "subject", "text",
)  # fmt: skip
_OPENS = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
_LAST = ("next", "goto", "template")


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Writer.add_representer(str, _text)


def write(document: Mapping[str, Any]) -> str:
    """One setting a line, in an order that never changes; steps and messages stay in theirs."""
    return yaml.dump(
        _ordered(document), Dumper=_Writer, allow_unicode=True, sort_keys=False, default_flow_style=False, width=4096
    )


def _ordered(value: Any, free: bool = False) -> Any:
    """`free`: the names are the merchant's own, such as step ids, and keep their order."""
    if isinstance(value, Mapping):
        keys = list(value)
        if not free:
            known = {name: at for at, name in enumerate(_ORDER)} | dict.fromkeys(_LAST, 900)
            keys.sort(key=lambda key: known.get(key, 500))
        return {
            key: _ordered(value[key], key in ("steps", "messages", "texts", "choices", "words", "forms"))
            for key in keys
        }
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def read(text: str) -> dict[str, Any]:
    """The document of a file. Raises DocumentError; each problem begins with its line."""
    if len(text.encode("utf-8", "replace")) > MAX_FILE:
        raise DocumentError([Problem("", "The file is larger than 1 MB")])
    try:
        refuse_what_grows(text)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        raw = loader.construct_document(node) if node is not None else None
    except DocumentError:
        raise
    except RecursionError as error:
        raise DocumentError([Problem("", "The file is nested too deeply")]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError([Problem("", _where(error))]) from error
    if not isinstance(raw, dict):
        raise DocumentError([Problem("line 1", "This is not a flow: it begins with names like key, name and steps")])
    try:
        return load(raw).to_json()
    except DocumentError as error:
        raise DocumentError([_placed(problem, node) for problem in error.problems]) from error


def refuse_what_grows(text: str) -> None:
    """Raises DocumentError. Anchors can unpack to any size; the parser's time grows with the depth of brackets."""
    depth = 0
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            raise DocumentError([Problem("", "The file may not use anchors (& and *)")])
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > MAX_DEPTH:
            raise DocumentError([Problem("", "The file is nested too deeply")])


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "This is not YAML"
    return f"line {mark.line + 1}: {said}" if mark is not None else str(said)


def _placed(problem: Problem, node: Any) -> Problem:
    line = 1
    for part in problem.path.split("."):
        child = _child(node, part)
        if child is None:
            break
        line, node = child
    return Problem(f"line {line}, {problem.path}", problem.message)


def _child(node: Any, name: str) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line + 1, value) for key, value in node.value if key.value == name), None)
    if isinstance(node, yaml.SequenceNode) and name.isdigit() and int(name) < len(node.value):
        return node.value[int(name)].start_mark.line + 1, node.value[int(name)]
    return None
