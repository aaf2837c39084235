"""Whatever comes, in whatever order and however often: the engine's promises."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from post_purchase.flows import effects, engine, shelf
from post_purchase.flows.state import RunState
from post_purchase.words import PARCEL_RANK, ParcelState

from .golden.player import Player
from .journey import Journey

NEWS = [f"parcel_{state}" for state in ("shipped", "delayed", "out_for_delivery", "attempted", "delivered", "failed")]
STATE_OF = {"parcel_shipped": "in_transit"} | {news: news.removeprefix("parcel_") for news in NEWS[1:]}
WORDS = st.sampled_from(["5", "1", "", "not here", "Skip", "No photo", "hello", "⭐⭐", "where is my order", "١"])


class AnyLife(RuleBasedStateMachine):
    key = ""

    def __init__(self) -> None:
        super().__init__()
        self.ended_with: int | None = None
        self.journey = self.begin()
        self.after()

    def begin(self) -> Journey:
        journey = Journey(self.key)
        journey.facts["conversation"]["started"] = False
        journey.start()
        return journey

    def after(self) -> None:
        if self.journey.state.status != "active" and self.ended_with is None:
            self.ended_with = len(self.journey.said)

    @rule()
    def opens_the_chat(self) -> None:
        self.journey.facts["conversation"]["started"] = True
        self.journey.hear("conversation_started")
        self.after()

    @rule(news=st.sampled_from(NEWS), parcel=st.integers(1, 3))
    def carrier_tells(self, news: str, parcel: int) -> None:
        before = self.journey.facts["parcels"].get(str(parcel))
        state = STATE_OF[news]
        if before is None or PARCEL_RANK[ParcelState(state)] >= PARCEL_RANK[ParcelState(before["state"])]:
            self.journey.parcel(parcel, state, partial=parcel > 1)
        if state == "delivered":
            self.journey.facts["order"] |= {"delivered": True, "delivered_at": self.journey.now.isoformat()}
        self.journey.hear(news, key=f"{news}:{parcel}", parcel=parcel)
        self.after()

    @rule(text=WORDS, media=st.booleans(), handled=st.booleans())
    def writes(self, text: str, media: bool, handled: bool) -> None:
        self.journey.write(text, has_media=media, handled=handled)
        self.after()

    @rule(photos=st.lists(st.integers(1, 9), max_size=3))
    def photo_is_stored(self, photos: list[int]) -> None:
        self.journey.hear("media_stored", attachments=photos)
        self.after()

    @precondition(lambda self: getattr(self.journey, "last", None) is not None and self.journey.last.choices)
    @rule(data=st.data())
    def taps(self, data: Any) -> None:
        place = data.draw(st.sampled_from(self.journey.last.choices))
        self.journey.hear("message_received", text="", button_id=place)
        self.after()

    @rule(ok=st.booleans())
    def shopify_answers(self, ok: bool) -> None:
        reward = {"code": "A-1", "percentage": "10", "ends_at": "2026-12-01T00:00:00+00:00"}
        self.journey.hear("reward_issued" if ok else "reward_failed", **(reward if ok else {}))
        self.after()

    @rule(hours=st.sampled_from([1, 5, 21, 24, 24 * 8, 24 * 40]))
    def time_passes(self, hours: int) -> None:
        self.journey.pass_time(hours=hours)
        self.after()

    @rule(kind=st.sampled_from(["opted_out", "order_cancelled", "order_refunded", "handed_off", "contact_redacted"]))
    def something_ends(self, kind: str) -> None:
        if kind == "order_cancelled":
            self.journey.facts["order"]["cancelled"] = True
        elif kind == "order_refunded":
            self.journey.facts["order"]["fully_refunded"] = True
        elif kind == "handed_off":
            self.journey.facts["conversation"]["handed_off"] = True
        self.journey.hear(kind)
        self.after()

    @invariant()
    def nothing_is_said_after_the_end(self) -> None:
        assert self.ended_with is None or len(self.journey.said) == self.ended_with

    @invariant()
    def nothing_is_said_without_a_chat(self) -> None:
        assert not self.journey.said or self.journey.facts["conversation"]["started"]

    @invariant()
    def it_is_over_or_waits_for_something_nameable(self) -> None:
        state = self.journey.state
        assert state.status in ("active", "ended")  # a sound document is never parked
        if state.status == "active":
            assert state.threads
            assert engine.waiting_for(self.journey.document, state)
            assert all(thread.due_at is not None for thread in state.threads)

    @invariant()
    def one_review_one_reward(self) -> None:
        assert len(self.journey.did(effects.SaveReview)) <= 1
        assert len(self.journey.did(effects.RequestReward)) <= 1
        rewarded = self.journey.did(effects.RequestReward)
        assert not rewarded or self.journey.did(effects.SaveReview) or self.key == "referral"

    def teardown(self) -> None:
        """The log, replayed through JSON, gives the same state and the same effects."""
        state, again = RunState(), []
        for event, facts, now in self.journey.log:
            state, wanted = engine.advance(
                self.journey.document,
                RunState.from_json(state.to_json()),
                type(event).from_json(event.to_json()),
                facts,
                now,
            )
            again += [effect for effect in wanted if not isinstance(effect, effects.Say)]
        assert state == self.journey.state
        assert again == self.journey.done
        self.journey.pass_time(days=120)
        if self.journey.facts["conversation"]["started"]:
            assert self.journey.state.status == "ended"


class ThankYouLife(AnyLife):
    key = "thank_you"

    @invariant()
    def thanked_once(self) -> None:
        assert self.journey.said.count("receipt") <= 1


class PhotoReviewLife(AnyLife):
    key = "photo_review"

    @invariant()
    def asked_once(self) -> None:
        assert self.journey.said.count("ask_rating") <= 1
        assert self.journey.said.count("remind_photo") <= 1


PRODUCT = {"product_id": 2, "title": "Linen apron", "because": "Mug", "url": "https://x.example/p", "cart_url": None}


class LibraryLife(AnyLife):
    """Any ready-made flow, begun by the news that begins it, with everything known that it may ask for."""

    def begin(self) -> Journey:
        journey = Player(self.key)
        journey.finds = (PRODUCT,)
        journey.facts |= {
            "guide": {"text": "Rinse it first.", "video_url": "", "product": "Mug"},
            "history": {"orders": 3, "last_rating": None, "bought_since": False},
            "consent": {"marketing": True},
        }
        journey.parcel(1)
        journey.start(journey.document.trigger.news[0], parcel=1)
        return journey

    @rule(orders=st.booleans(), rating=st.sampled_from([1, 2, 3, 4, 5]))
    def the_shopper_does_something_else(self, orders: bool, rating: int) -> None:
        self.journey.facts["history"] |= {"bought_since": orders, "last_rating": rating}

    @rule(news=st.sampled_from(["return_requested", "conversation_closed", "parcel_stalled", "delivery_assumed"]))
    def something_else_happens(self, news: str) -> None:
        self.journey.hear(news, parcel=1)
        self.after()

    @invariant()
    def one_reward_and_for_a_review_or_a_friend(self) -> None:
        rewarded = self.journey.did(effects.RequestReward)
        assert len(rewarded) <= 1
        assert all(effect.for_friend or self.journey.did(effects.SaveReview) for effect in rewarded)

    @invariant()
    def a_yes_is_kept_once_and_only_after_the_question(self) -> None:
        kept = self.journey.did(effects.GiveConsent)
        assert len(kept) <= 1
        assert all(effect.question in self.journey.said for effect in kept)


_QUIETLY = settings(max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("life", [ThankYouLife, PhotoReviewLife])
def test_any_life_of_a_run(life):
    machine = life.TestCase
    machine.settings = _QUIETLY
    machine("runTest").runTest()


@pytest.mark.parametrize("key", shelf.library())
def test_any_life_of_every_ready_made_flow(key):
    machine = type(f"Life_of_{key}", (LibraryLife,), {"key": key}).TestCase
    machine.settings = settings(_QUIETLY, max_examples=30, stateful_step_count=25)
    machine("runTest").runTest()


def test_a_timer_that_comes_early_or_twice_changes_nothing():
    journey = Journey("photo_review")
    journey.facts["order"] |= {"delivered": True, "delivered_at": journey.now.isoformat()}
    journey.start()
    mark = journey.state.threads[0].mark
    assert journey.hear("timer", timer=mark) == []
    before = journey.state
    journey.hear("timer", timer="elsewhere:9")
    assert journey.state == before
    assert journey.now + timedelta(days=7) == before.threads[0].due_at
