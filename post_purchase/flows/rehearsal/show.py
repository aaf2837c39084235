"""The whole rehearsal, some hundred people at a time, and one person's journey with the words that they would read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from post_purchase.channels.base import OutMessage
from post_purchase.flows import effects as wants
from post_purchase.flows.wording import NoWording, closed_text, compose
from post_purchase.services.texts import TextError
from post_purchase.words import EventKind, Mode

from .assumptions import Assumptions, Chance
from .past import CLOSED_TALKS, Key, keys_of, people
from .player import Outcome, Player, Run, Told
from .tally import Tally, difference
from .world import Cast, Person, PlayedFlow, Theatre

AT_ONCE = 200  # people read together
MOST_PEOPLE = 50_000


@dataclass(frozen=True)
class Script:
    """What is rehearsed. `live`: what is on today, to compare with; None where the draft is the same."""

    draft: tuple[PlayedFlow, ...]
    live: tuple[PlayedFlow, ...] | None
    assumed: Assumptions = field(default_factory=Assumptions)
    seed: int = 1


Keep = Callable[[Sequence[Told]], None]
Note = Callable[[int, int], None]  # (people done, people in all)


def rehearse(theatre: Theatre, script: Script, *, keep: Keep, note: Note) -> dict[str, Any]:
    """Play everybody. `keep` gets the messages as they come, `note` the progress (it may raise to stop)."""
    keys = keys_of(theatre)
    people_in_all = len(keys)
    keys = _sample(keys)
    note(0, len(keys))
    chance = Chance(script.seed)
    draft, live = Cast(script.draft), Cast(script.live or ())
    tally, before = Tally(script.draft), Tally(script.live or ())
    more = _asked_for(script)
    check = _Words(script.draft)
    for start in range(0, len(keys), AT_ONCE):
        told: list[Told] = []
        for person in people(theatre, keys[start : start + AT_ONCE], more=more):
            outcome = Player(person, theatre, draft, script.assumed, chance, check).play()
            tally.add(person, outcome)
            told += outcome.told
            if script.live is not None:
                before.add(person, Player(person, theatre, live, script.assumed, chance).play())
        keep(told)
        note(min(start + AT_ONCE, len(keys)), len(keys))
    for problem in check.problems:
        tally.problems[problem] += 1
    result = tally.to_json()
    result["people_in_all"] = people_in_all
    result["difference"] = difference(result, before.to_json()) if script.live is not None else None
    return result


def _asked_for(script: Script) -> frozenset[str]:
    """What costs a query and one of the flows names: facts, and talks that were closed."""
    documents = [flow.document for flow in (*script.draft, *(script.live or ()))]
    closed = any(EventKind.CONVERSATION_CLOSED in document.hears for document in documents)
    return frozenset({CLOSED_TALKS} if closed else ()).union(*(document.asks_for for document in documents))


def _sample(keys: list[Key]) -> list[Key]:
    """Everybody; of very many evenly spread ones, so that it ends within minutes."""
    if len(keys) <= MOST_PEOPLE:
        return keys
    return [keys[place * len(keys) // MOST_PEOPLE] for place in range(MOST_PEOPLE)]


class _Words:
    """Fills in each message once in each language, to find a text that would stop a run."""

    def __init__(self, flows: Sequence[PlayedFlow]):
        self.documents = {flow.key: flow.document for flow in flows}
        self.seen: set[tuple[str, str, str]] = set()
        self.problems: list[tuple[str, str]] = []

    def happened(self, at: datetime, what: str, about: str) -> None:
        pass

    def said(self, told: Told, run: Run, say: wants.Say, facts: dict[str, Any], answers: dict[str, Any]) -> None:
        key = (told.flow, told.message, told.language)
        if key in self.seen:
            return
        self.seen.add(key)
        try:
            compose(self.documents[told.flow], say, facts, answers)
        except (TextError, NoWording) as error:
            self.problems.append((told.flow, f"{told.message} ({told.language}): {error}"))


@dataclass(frozen=True)
class Moment:
    """One line of a journey. `told` and `content`: a message of ours."""

    at: datetime
    what: str
    about: str = ""
    told: Told | None = None
    content: OutMessage | None = None
    template: str = ""  # its words for outside the window

    @property
    def shown(self) -> str:
        """As the phone shows it."""
        return self.template if self.told and self.told.mode == Mode.TEMPLATE and self.template else self.text

    @property
    def text(self) -> str:
        """In the words for the network that it went over."""
        return self.content.on(self.told.kind).text if self.content and self.told else ""


class _Line:
    def __init__(self, flows: Sequence[PlayedFlow]):
        self.documents = {flow.key: flow.document for flow in flows}
        self.moments: list[Moment] = []

    def happened(self, at: datetime, what: str, about: str) -> None:
        self.moments.append(Moment(at, what, about))

    def said(self, told: Told, run: Run, say: wants.Say, facts: dict[str, Any], answers: dict[str, Any]) -> None:
        try:
            content = compose(self.documents[told.flow], say, facts, answers).content
        except (TextError, NoWording) as error:
            content = OutMessage(text=str(error))
        template = closed_text(self.documents[told.flow], told.message, content)
        self.moments.append(Moment(told.queued_at, "message", told=told, content=content, template=template))


def journey(theatre: Theatre, script: Script, key: Key) -> tuple[Person, list[Moment], Outcome] | None:
    """One person's weeks once more, as in the rehearsal, in the order of the clock. None: nobody has this key."""
    found = next(iter(people(theatre, [key], more=_asked_for(script))), None)
    if found is None:
        return None
    line = _Line(script.draft)
    outcome = Player(found, theatre, Cast(script.draft), script.assumed, Chance(script.seed), line).play()
    moments = [
        moment if moment.told is None or moment.told.at is None else replace(moment, at=moment.told.at)
        for moment in line.moments
    ]
    moments.sort(key=lambda moment: moment.at)
    return found, moments, outcome
