"""The one way in which a version goes live: whoever asks for it says what happens to the people inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from post_purchase.models import Flow, FlowVersion, RunMove

from . import drafts, editing, moving

DRAFT, TRIAL, OLDER = "draft", "trial", "older"
FINISH, MOVE, RETIME = "finish", "move", "retime"


class Unanswered(Exception):
    """People are inside, and nothing was said about them."""

    def __init__(self, people: int):
        super().__init__(f"{people} inside")
        self.people = people


class Outdated(Exception):
    """What would go live is not what the merchant has looked at."""


class NothingThere(Exception):
    """There is no such version, or nothing on trial."""


@dataclass(frozen=True)
class Candidate:
    """What would be live. `version`: where it stands already, so that who is in it need not be asked about."""

    of: str  # DRAFT, TRIAL, the number of an earlier version; OLDER: what is live, for who is in an older one
    document: Mapping[str, Any]
    version: FlowVersion | None
    left_alone: frozenset[int]  # versions whose people are not asked about

    @property
    def mark(self) -> str:
        return drafts.mark_of(self.document)


def candidate(flow: Flow, of: str) -> Candidate:
    """Raises NothingThere."""
    live, trial = flow.live_version, flow.canary_version
    if of == DRAFT:
        here = next((one for one in (live, trial) if one is not None and one.document == flow.draft), None)
        return Candidate(of, flow.draft, here, _only(here))
    if of == TRIAL and trial is not None:
        return Candidate(of, trial.document, trial, _only(trial))
    if of == OLDER and live is not None:
        return Candidate(of, live.document, live, _only(live, trial))
    version = flow.versions.filter(number=int(of)).first() if of.isascii() and of.isdigit() and len(of) < 9 else None
    if version is None:
        raise NothingThere
    same = live if live is not None and live.document == version.document else None
    return Candidate(of, version.document, same, _only(same))


def _only(*versions: FlowVersion | None) -> frozenset[int]:
    return frozenset(version.pk for version in versions if version is not None)


@transaction.atomic
def go_live(
    flow: Flow,
    of: str,
    *,
    how: str,
    chosen: Mapping[tuple[int, str], str],
    user: str,
    share: int = 100,
    seen: str = "",
) -> tuple[FlowVersion, RunMove | None]:
    """`how` the people inside go on; `chosen`: see moving.ask_to_move; `seen`: the mark of what was looked at.

    With a share below 100 everybody inside stays: they are asked about when all get it.
    Raises Unanswered, Outdated, NothingThere, DocumentError.
    """
    flow = editing.locked(flow)
    what = candidate(flow, of)
    if seen and seen != what.mark:
        raise Outdated
    trial = of == DRAFT and share < 100 and flow.live_version is not None
    people = 0 if trial else moving.people_inside(flow, what.left_alone)
    if people and how not in (FINISH, MOVE, RETIME):
        raise Unanswered(people)
    version = _made_live(flow, what, user, share)
    if not people or how == FINISH:
        return version, None
    leave = what.left_alone if of == OLDER else ()
    return version, moving.ask_to_move(flow, version, chosen, retime=how == RETIME, user=user, leave=leave)


def _made_live(flow: Flow, what: Candidate, user: str, share: int) -> FlowVersion:
    if what.of == DRAFT:
        return editing.publish(flow, user, share=share)
    if what.of == OLDER and what.version is not None:
        return what.version
    if what.of == TRIAL and what.version is not None:
        editing.set_share(flow, 100)
        return what.version
    return editing.roll_back(flow, flow.versions.get(number=int(what.of)), user)
