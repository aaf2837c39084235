"""Chance that can be repeated: the same run comes to the same side of the same step, however often asked. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

_RANGE = 2**32


def pick(weights: Sequence[int], facts: Mapping[str, Any], place: str) -> int:
    """The index of one of the weights, as likely as it is heavy."""
    run = facts.get("run")
    seed = f"{run.get('id', 0) if isinstance(run, Mapping) else 0}:{place}"
    drawn = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    mark = drawn * sum(weights) // _RANGE
    for index, weight in enumerate(weights):
        if mark < weight:
            return index
        mark -= weight
    return len(weights) - 1
