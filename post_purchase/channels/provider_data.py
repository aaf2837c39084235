"""What the networks publish as tables (limits, error codes), read from data/ once."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .base import ChannelError, Outcome

FOLDER = Path(__file__).parent / "data"
_LONG_NUMBER = re.compile(r"\+?\d[\d ()-]{6,}\d")  # phones must not reach rows and logs by way of an error text


@lru_cache
def load(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def limits(network: str) -> dict[str, int]:
    return dict(load("limits.yaml")[network])


@dataclass(frozen=True)
class Rule:
    outcome: Outcome
    words: str
    seconds: int = 60
    growth: int = 0


class ErrorTable:
    """Folds a provider's (code, subcode) into one of our outcomes."""

    def __init__(self, file: str, network: str):
        self.network = network
        self.rules: dict[str, Rule] = {}
        for each in load(file)["rules"]:
            rule = Rule(Outcome(each["outcome"]), each["words"], each.get("seconds", 60), each.get("growth", 0))
            for code in each["codes"]:
                for key in _expand(str(code)):
                    self.rules[key] = rule

    def error(
        self, *, code: int, subcode: int = 0, text: str = "", status: int = 400, attempt: int = 1
    ) -> ChannelError:
        """`text` is the provider's own sentence; it is added where our words alone would not help to mend it."""
        rule = self.rules.get(f"{code}/{subcode}") or self.rules.get(str(code))
        label = f"{code}/{subcode}" if subcode else str(code)
        if rule is None and (status >= 500 or status == 429):
            rule = Rule(Outcome.RETRY_AFTER, f"{self.network} has a fault of its own. We try again.")
        if rule is None:
            rule = Rule(Outcome.BUG, f"{self.network} refused this.")
        words = f"{rule.words} ({private(text)})" if rule.outcome == Outcome.BUG and text else rule.words
        wait = None
        if rule.outcome == Outcome.RETRY_AFTER:
            wait = timedelta(seconds=rule.growth ** min(attempt, 8) if rule.growth else rule.seconds)
        return ChannelError(words, outcome=rule.outcome, code=label, retry_after=wait)


def _expand(code: str) -> list[str]:
    first, dash, last = code.partition("-")
    return [str(each) for each in range(int(first), int(last) + 1)] if dash else [code]


def private(text: str) -> str:
    """A provider's sentence without anything that looks like a phone number, and not too long."""
    return _LONG_NUMBER.sub("…", " ".join(text.split()))[:160]
