"""Receipt and parcel news: six flows that each work alone, and never tell the same thing twice together."""

import pytest

from post_purchase.flows.effects import CancelWaiting, End, HandOff

from .journey import Journey


def begun(key: str, news: str, *, state: str, parcel: int = 1, **fields) -> Journey:
    journey = Journey(key)
    journey.parcel(parcel, state, **fields)
    journey.start(news, parcel=parcel)
    return journey


def thanked() -> Journey:
    journey = Journey("thank_you")
    assert journey.start("order_paid") == ["receipt"]
    return journey


def arrived() -> Journey:
    journey = begun("delivered", "parcel_delivered", state="delivered")
    assert journey.pass_time(minutes=20) == ["delivered"]
    return journey


def test_the_receipt_names_items_total_and_day():
    assert thanked().text == (
        "Thank you, Maria! Here is your receipt from Fern & Field.\n\n"
        "Order #1001\n2 × Stoneware mug (Moss): €78.00\nTotal: €82.90\n\n"
        "Expected Thu, Mar 5.\nWe tell you here when your parcel moves.\n\n"
        "Ask us anything, right here. Write STOP to end these messages."
    )


def test_a_gift_is_welcomed_without_prices_and_items():
    journey = Journey("thank_you")
    journey.facts["order"]["gift"] = True
    assert journey.start("order_paid") == ["welcome"]
    assert "€" not in journey.text
    assert "mug" not in journey.text


def test_nothing_is_said_before_the_shopper_opens_the_chat_and_then_the_receipt_knows_the_parcel():
    journey = Journey("thank_you")
    journey.facts["conversation"]["started"] = False
    assert journey.start("order_paid") == []
    journey.parcel(1, "out_for_delivery")
    assert journey.hear("parcel_out_for_delivery", parcel=1) == []
    journey.facts["conversation"]["started"] = True
    assert journey.hear("conversation_started") == ["receipt"]
    assert "Stoneware mug: out for delivery today with DHL." in journey.text
    assert "https://tracking.example.com/1" in journey.text
    for key in ("shipped", "out_for_delivery", "delivery_trouble", "delivered"):
        holds = Journey(key).document.trigger.when.holds
        assert not holds({**journey.facts, "conversation": {"started": False}})


@pytest.mark.parametrize(
    ("key", "news", "state", "message"),
    [
        ("shipped", "parcel_shipped", "in_transit", "shipped"),
        ("out_for_delivery", "parcel_out_for_delivery", "out_for_delivery", "out_for_delivery"),
        ("out_for_delivery", "parcel_ready_for_pickup", "ready_for_pickup", "ready_for_pickup"),
        ("delivered", "parcel_delivered", "delivered", "delivered"),
    ],
)
def test_each_real_change_is_told_once_and_not_at_all_when_the_parcel_has_moved_on(key, news, state, message):
    journey = begun(key, news, state=state)
    assert journey.said == []
    assert journey.pass_time(minutes=30) == [message]
    stale = begun(key, news, state=state)
    stale.parcel(1, "cancelled")
    assert stale.pass_time(days=90) == []
    why = "No message went. Its news was old by then (the parcel: cancelled)"
    assert (stale.state.status, stale.state.reason) == ("ended", why)


def test_a_split_shipment_that_leaves_together_is_one_message_with_both_parcels():
    journey = begun("shipped", "parcel_shipped", state="in_transit", items=["Stoneware mug"], partial=True)
    journey.parcel(2, "in_transit", items=["Linen apron"], partial=True, carrier="")
    journey.pass_time(minutes=10)
    journey.hear("parcel_shipped", parcel=2)
    assert journey.pass_time(minutes=5) == ["shipped"]
    assert journey.text == (
        "On its way: your order #1001\n"
        "Stoneware mug, with DHL. Expected Thu, Mar 5.\nTrack it: https://tracking.example.com/1\n"
        "Linen apron. Expected Thu, Mar 5."
    )
    assert journey.state.status == "ended"


def test_of_two_gathered_parcels_only_the_one_that_is_still_so_is_told():
    journey = begun("shipped", "parcel_shipped", state="in_transit", items=["Stoneware mug"], partial=True)
    journey.parcel(2, "in_transit", items=["Linen apron"], partial=True)
    journey.hear("parcel_shipped", parcel=2)
    journey.parcel(1, "out_for_delivery", items=["Stoneware mug"], partial=True)
    journey.pass_time(minutes=15)
    assert journey.text.startswith("On its way (part of order #1001)\nLinen apron, with DHL.")
    assert journey.last.parcel == 2


def test_a_part_of_an_order_is_named_as_a_part():
    journey = begun("shipped", "parcel_shipped", state="in_transit", items=["Stoneware mug"], partial=True)
    journey.pass_time(minutes=15)
    assert journey.text.startswith("On its way (part of order #1001)\nStoneware mug, with DHL.")


def test_arrived_well():
    journey = arrived()
    assert journey.tap("arrived") == ["enjoy"]
    assert list(journey.state.answers["goals"]) == ["arrived_well"]
    assert not journey.did(HandOff)


def test_not_here_and_damaged_bring_a_person():
    journey = arrived()
    assert journey.write("not here") == ["person_comes"]
    assert [effect.reason for effect in journey.did(HandOff)] == ["The shopper says that the parcel has not arrived"]
    journey = arrived()
    question = journey.last
    assert journey.tap("damaged") == ["person_comes"]
    assert journey.tap("arrived", question) == []  # a second tap on the same question
    assert [effect.reason for effect in journey.did(HandOff)] == ["The shopper says that something arrived damaged"]


def test_a_silent_carrier_is_asked_about_and_not_yet_brings_a_person():
    journey = begun("delivered", "delivery_assumed", state="in_transit")
    assert journey.said == ["assumed"]
    assert journey.text.startswith("Stoneware mug (order #1001) should be with you by now")
    assert journey.write("Not yet") == ["person_comes"]


def test_other_words_are_left_to_people():
    journey = arrived()
    before = journey.state
    assert journey.write("Do you also have it in blue?") == []
    assert journey.write("1", handled=True) == []
    assert journey.state == before


@pytest.mark.parametrize(
    ("news", "state", "message"),
    [
        ("parcel_delayed", "delayed", "delayed"),
        ("parcel_attempted", "attempted", "attempted"),
        ("parcel_failed", "failed", "could_not_be_delivered"),
        ("parcel_stalled", "in_transit", "stalled"),
    ],
)
def test_trouble_is_told_at_once(news, state, message):
    journey = begun("delivery_trouble", news, state=state)
    assert journey.said == [message]
    assert bool(journey.did(HandOff)) == (news == "parcel_failed")


def test_a_parcel_that_stands_still_is_looked_at_after_three_days_as_promised():
    journey = begun("delivery_trouble", "parcel_stalled", state="in_transit")
    assert journey.tap("wait") == ["watching"]
    assert journey.pass_time(days=3, minutes=1) == ["person_looks"]
    assert len(journey.did(HandOff)) == 1

    silent = begun("delivery_trouble", "parcel_stalled", state="in_transit")
    assert silent.pass_time(days=3, minutes=1) == ["person_looks"]

    asked = begun("delivery_trouble", "parcel_stalled", state="in_transit")
    assert asked.tap("help") == ["person_comes"]

    moved = begun("delivery_trouble", "parcel_stalled", state="in_transit")
    moved.parcel(1, "out_for_delivery")
    assert moved.pass_time(days=4) == []
    assert moved.state.reason == "The parcel moves again"


def test_a_parcel_that_arrives_ends_the_worry():
    journey = begun("delivery_trouble", "parcel_stalled", state="in_transit")
    journey.facts["order"]["delivered"] = True
    journey.hear("order_delivered")
    assert journey.state.reason == "Everything has arrived"
    assert journey.did(CancelWaiting)


@pytest.mark.parametrize(
    ("news", "facts", "reason"),
    [
        ("opted_out", {}, "The shopper wrote STOP"),
        ("order_refunded", {"fully_refunded": True}, "The order was fully refunded"),
        ("order_cancelled", {"cancelled": True}, "The order was cancelled"),
        ("shop_uninstalled", {}, "The app was uninstalled"),
        ("contact_redacted", {}, "The shopper's data were erased"),
    ],
)
def test_what_ends_everything(news, facts, reason):
    for key, by, state in (
        ("shipped", "parcel_shipped", "in_transit"),
        ("out_for_delivery", "parcel_out_for_delivery", "out_for_delivery"),
        ("delivery_trouble", "parcel_stalled", "in_transit"),
        ("delivered", "parcel_delivered", "delivered"),
    ):
        journey = begun(key, by, state=state)
        before = list(journey.said)
        journey.facts["order"] |= facts
        journey.hear(news)
        assert (journey.state.status, journey.state.reason) == ("ended", reason)
        assert [effect.reason for effect in journey.did(CancelWaiting)] == [reason]
        assert len(journey.did(End)) == 1
        assert journey.pass_time(days=30) == []
        assert journey.said == before


def test_a_partial_refund_and_a_hand_off_do_not_end_parcel_news():
    journey = begun("out_for_delivery", "parcel_out_for_delivery", state="out_for_delivery")
    journey.hear("order_refunded")
    journey.facts["conversation"]["handed_off"] = True
    journey.hear("handed_off")
    assert journey.pass_time(minutes=10) == ["out_for_delivery"]


def test_who_never_opens_the_chat_ends_the_wait():
    journey = Journey("thank_you")
    journey.facts["conversation"]["started"] = False
    journey.start("order_paid")
    journey.pass_time(days=61)
    assert (journey.state.status, journey.state.reason) == ("ended", "The shopper never opened the chat")
    assert journey.said == []
