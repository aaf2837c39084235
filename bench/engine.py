"""The pure engine: `advance()` calls per second on one core, over the recorded life of a five-star photo review."""

import os
from pathlib import Path

from bench.machinery import base_environment, heading, median_seconds, row

ROUNDS = 2000


def main(folder: Path, postgres_url: str | None) -> None:
    os.environ.update(
        base_environment(folder, f"sqlite:///{folder}/engine.sqlite3") | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    import django

    django.setup()
    from post_purchase.flows import engine
    from post_purchase.flows.state import RunState
    from tests.flows.journey import T0, Journey

    journey = Journey("photo_review")
    journey.facts["order"] |= {"delivered": True, "delivered_at": T0.isoformat()}
    journey.parcel(1, "delivered")
    journey.start()
    journey.pass_time(days=7, hours=2)
    journey.tap("5")
    journey.write("Lovely mug")
    journey.send_photo(11)
    journey.pass_time(days=1)
    reward = {"code": "THANKS-7F3K", "percentage": "10", "ends_at": "2026-05-10T10:00:00+00:00"}
    journey.hear("reward_issued", **reward)

    def replay() -> None:
        for _ in range(ROUNDS):
            state = RunState()
            for event, facts, now in journey.log:
                state, _effects = engine.advance(journey.document, state, event, facts, now)

    calls = ROUNDS * len(journey.log)
    heading("Engine in memory (one core, the photo review flow)")
    row(
        "advance()",
        f"{calls / median_seconds(replay):.0f}/s",
        target="≥ 50,000/s",
        note=f"{len(journey.log)} events a life",
    )
