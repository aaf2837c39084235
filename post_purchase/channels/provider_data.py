"""What the networks publish as tables (limits, error codes), read from data/ once."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from shopapp.lib import data_file

from .base import ChannelError, Outcome

FOLDER = Path(__file__).parent / "data"
AGAIN = timedelta(seconds=30)
_LONG_NUMBER = re.compile(r"\+?\d[\d ()-]{6,}\d")  # phones must not reach rows and logs by way of an error text


@lru_cache
def load(name: str) -> Any:
    return data_file.read(FOLDER / name)


def limits(network: str) -> dict[str, int]:
    return dict(load("limits.yaml")[network])


@dataclass(frozen=True)
class Rule:
    outcome: Outcome
    words: str
    seconds: int = 60
    growth: int = 0
    says: tuple[str, ...] = ()  # only where the provider's sentence holds one of these (lower case)


class ErrorTable:
    """Folds a provider's (code, subcode) into one of our outcomes."""

    def __init__(self, file: str, network: str):
        self.network = network
        self.rules: dict[str, Rule] = {}
        self.said: dict[str, list[Rule]] = {}  # for providers that tell their errors apart by words
        for each in load(file)["rules"]:
            says = tuple(each.get("says", ()))
            rule = Rule(Outcome(each["outcome"]), each["words"], each.get("seconds", 60), each.get("growth", 0), says)
            for code in each["codes"]:
                for key in _expand(str(code)):
                    if says:
                        self.said.setdefault(key, []).append(rule)
                    else:
                        self.rules[key] = rule

    def error(
        self,
        *,
        code: int,
        subcode: int = 0,
        text: str = "",
        status: int = 400,
        attempt: int = 1,
        asked: timedelta | None = None,
    ) -> ChannelError:
        """`text` is the provider's own sentence; it is added where our words alone would not help to mend it.

        `asked`: how long the provider itself wants us to wait.
        """
        rule = next((each for each in self.said.get(str(code), ()) if any(w in text.lower() for w in each.says)), None)
        rule = rule or self.rules.get(f"{code}/{subcode}") or self.rules.get(str(code))
        label = f"{code}/{subcode}" if subcode else str(code)
        if rule is None and (status >= 500 or status == 429):
            rule = Rule(Outcome.RETRY_AFTER, f"{self.network} has a fault of its own. We try again.")
        if rule is None:
            rule = Rule(Outcome.BUG, f"{self.network} refused this.")
        words = f"{rule.words} ({private(text)})" if rule.outcome == Outcome.BUG and text else rule.words
        wait = None
        if rule.outcome == Outcome.RETRY_AFTER:
            wait = asked or timedelta(seconds=rule.growth ** min(attempt, 8) if rule.growth else rule.seconds)
        return ChannelError(words, outcome=rule.outcome, code=label, retry_after=wait)

    def no_answer(self, *, unknown: bool) -> ChannelError:
        """Nothing that can be read came back. `unknown`: a message may have gone all the same."""
        if unknown:
            return ChannelError(
                f"{self.network} did not answer in time; the message may or may not have arrived",
                outcome=Outcome.UNKNOWN,
            )
        return ChannelError(f"{self.network} cannot be reached", outcome=Outcome.RETRY_AFTER, retry_after=AGAIN)


def _expand(code: str) -> list[str]:
    first, dash, last = code.partition("-")
    return [str(each) for each in range(int(first), int(last) + 1)] if dash else [code]


def private(text: str) -> str:
    """A provider's sentence without anything that looks like a phone number, and not too long."""
    return _LONG_NUMBER.sub("…", " ".join(text.split()))[:160]
