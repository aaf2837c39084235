"""From a Rehearsal row to the play and back: what is played, and what is kept of it."""

import logging
import time
from collections.abc import Sequence

from post_purchase.flows.claiming import trouble
from post_purchase.flows.definition import DocumentError, FlowDocument, load
from post_purchase.flows.versions import document_of
from post_purchase.models import Flow, Rehearsal, RehearsedMessage
from post_purchase.services import rehearsals
from post_purchase.words import Mode
from shopapp.lib.queue import Job, wake
from shopapp.lib.trouble import describe

from . import past, show
from .assumptions import Assumptions
from .player import Told
from .show import Script
from .world import PlayedFlow

log = logging.getLogger("post_purchase.rehearsal")
SECONDS = 600.0  # of one run; RQ's limit for the default queue is 900


def play_due() -> int:
    """Play every rehearsal that is due. Returns how many came to an end."""
    started, ended = time.monotonic(), 0
    while (rehearsal := rehearsals.claim()) is not None:
        _play(rehearsal)
        ended += 1
        if time.monotonic() - started > SECONDS:
            wake(Job.REHEARSE)
            break
    return ended


def _play(rehearsal: Rehearsal) -> None:
    if rehearsal.attempts > rehearsals.MAX_ATTEMPTS:
        rehearsals.fail(rehearsal=rehearsal, error="Given up: no try came to an end. Tell us, so that we can look.")
        return
    kept = 0

    def keep(told: Sequence[Told]) -> None:
        nonlocal kept
        rows = [_row(rehearsal, one) for one in told[: max(0, rehearsals.MOST_KEPT - kept)]]
        kept += len(rows)
        rehearsals.keep(rehearsal=rehearsal, rows=rows)

    def note(done: int, total: int) -> None:
        rehearsals.note(rehearsal=rehearsal, done=done, total=total)

    try:
        theatre = past.theatre_of(rehearsal.shop, rehearsal.since, rehearsal.until)
        result = show.rehearse(theatre, script_of(rehearsal), keep=keep, note=note)
        result |= {"listed": kept, "made_up": theatre.made_up}
        rehearsals.finish(rehearsal=rehearsal, result=result)
        log.info("rehearsal.done", extra={"rehearsal": rehearsal.pk, "people": result["people"]})
    except rehearsals.Stopped:
        log.info("rehearsal.stopped", extra={"rehearsal": rehearsal.pk})
    except DocumentError as error:
        rehearsals.fail(rehearsal=rehearsal, error=f"This draft cannot be played: {error.problems[0]}")
    except trouble() as error:
        log.exception("rehearsal.failed", extra={"rehearsal": rehearsal.pk})
        rehearsals.fail(rehearsal=rehearsal, error=f"The rehearsal stopped at a fault of ours ({describe(error)})")


def script_of(rehearsal: Rehearsal) -> Script:
    """Raises DocumentError where the draft is broken. Another flow's broken version is left out, as in production."""
    own = rehearsal.flow
    draft = PlayedFlow(own.key, own.name, load(rehearsal.document), rehearsed=True)
    versions = {int(pk): version for pk, version in rehearsal.versions.items()}
    flows = {flow.pk: flow for flow in Flow.objects.filter(pk__in=versions).only("pk", "key", "name")}
    live: dict[int, PlayedFlow] = {}
    for pk, version in sorted(versions.items()):
        if pk in flows and (document := _readable(version)) is not None:
            live[pk] = PlayedFlow(flows[pk].key, flows[pk].name, document, rehearsed=pk == own.pk)
    together = {**live, own.pk: draft}
    same = own.pk in live and live[own.pk].document == draft.document
    return Script(
        draft=tuple(together[pk] for pk in sorted(together)),
        live=None if same else tuple(live.values()),
        assumed=Assumptions.from_json(rehearsal.assumptions),
        seed=rehearsal.seed,
    )


def _readable(version: int) -> FlowDocument | None:
    try:
        return document_of(version)
    except DocumentError:
        log.warning("rehearsal.version_broken", extra={"version": version})
        return None


def _row(rehearsal: Rehearsal, told: Told) -> RehearsedMessage:
    return RehearsedMessage(
        rehearsal=rehearsal,
        order_id=told.order_id,
        contact_id=told.contact_id,
        flow_key=told.flow,
        message=told.message[:64],
        purpose=told.purpose,
        language=told.language,
        kind=told.kind,
        template=told.mode == Mode.TEMPLATE,
        outcome=told.outcome,
        held=bool(told.held),
        reason=(told.reason or told.held)[:255],
        queued_at=told.queued_at,
        sent_at=told.at,
    )
