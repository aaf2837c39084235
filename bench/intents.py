"""How well shoppers are understood: accuracy, abstention, wrong answers, per language; what is taken for what."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

SENTENCES = Path(__file__).resolve().parent / "sentences"
WORST = 10
OTHER = "other"


@dataclass(frozen=True)
class Case:
    language: str
    wanted: frozenset[str]  # empty: something else
    text: str


@dataclass(frozen=True)
class Score:
    right: int  # exactly what was asked, or rightly nothing
    silent: int  # something was asked and nothing was understood: a person answers
    wrong: int  # something was understood that was not asked, or a part was missed
    invented: int  # of these: an intent that was not asked at all
    total: int


def cases(name: str) -> list[Case]:
    found: list[Case] = []
    language = ""
    for line in (SENTENCES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            language = line[1:-1]
        elif line and not line.startswith("#"):
            label, _, text = line.partition(" | ")
            found.append(Case(language, frozenset(label.split("+")) - {OTHER}, text))
    return found


def score(given: list[Case], asked: Callable[[str, str], frozenset[str]]) -> Score:
    right = silent = wrong = invented = 0
    for case in given:
        got = asked(case.text, case.language)
        right += got == case.wanted
        silent += bool(case.wanted) and not got
        wrong += got != case.wanted and bool(got)
        invented += bool(got - case.wanted)
    return Score(right, silent, wrong, invented, len(given))


def main(folder: Path, postgres_url: str | None) -> None:
    from post_purchase.services.understanding import understand

    def asked(text: str, language: str) -> frozenset[str]:
        return understand(text, language).names

    for name in ("development", "held_out"):
        given = cases(name)
        asked("", "en")
        began = perf_counter()
        whole = score(given, asked)
        each = (perf_counter() - began) / len(given) * 1e6
        print(f"\n### Intents, {name.replace('_', '-')} ({len(given)} sentences, {each:.0f} µs each)\n")
        print("| language | right | silent | wrong | of these invented |\n|---|---|---|---|---|")
        for language in dict.fromkeys(case.language for case in given):
            _row(language, score([case for case in given if case.language == language], asked))
        _row("all", whole)
        _confusion(given, asked)


def _row(label: str, found: Score) -> None:
    parts = (found.right, found.silent, found.wrong, found.invented)
    print(f"| {label} | " + " | ".join(f"{part / found.total:.0%}" for part in parts) + " |")


def _confusion(given: list[Case], asked: Callable[[str, str], frozenset[str]]) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    for case in given:
        got = asked(case.text, case.language)
        if got != case.wanted:
            taken["+".join(sorted(case.wanted)) or OTHER, "+".join(sorted(got)) or OTHER] += 1
            if os.environ.get("BENCH_SHOW"):
                print(case.language, sorted(case.wanted), sorted(got), case.text, file=sys.stderr)
    print("\nTaken for something else most often: " + (_told(taken) or "none") + ".")


def _told(taken: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{wanted} for {got} ({count})" for (wanted, got), count in taken.most_common(WORST))
