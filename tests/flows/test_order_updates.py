from post_purchase.flows.effects import CancelWaiting, End, HandOff

from .journey import Journey


def started() -> Journey:
    journey = Journey("order_updates")
    assert journey.start() == ["receipt"]
    return journey


def test_the_receipt_names_items_total_and_day():
    journey = started()
    assert journey.text == (
        "Thank you, Maria! Here is your receipt from Fern & Field.\n\n"
        "Order #1001\n2 × Stoneware mug (Moss): €78.00\nTotal: €82.90\n\n"
        "Expected Thu, Mar 5.\nWe tell you here when your parcel moves.\n\n"
        "Ask us anything, right here. Write STOP to end these messages."
    )


def test_each_real_change_is_told_once():
    journey = started()
    for state, message in (
        ("in_transit", "shipped"),
        ("out_for_delivery", "out_for_delivery"),
        ("delivered", "delivered"),
    ):
        journey.parcel(1, state)
        event = "parcel_shipped" if state == "in_transit" else f"parcel_{state}"
        assert journey.hear(event, parcel=1) == [message]
    assert journey.tap("arrived") == ["enjoy"]
    assert journey.said == ["receipt", "shipped", "out_for_delivery", "delivered", "enjoy"]
    assert not journey.did(HandOff)


def test_nothing_is_said_before_the_shopper_opens_the_chat():
    journey = Journey("order_updates")
    journey.facts["conversation"]["started"] = False
    assert journey.start() == []
    journey.parcel(1, "in_transit")
    assert journey.hear("parcel_shipped", parcel=1) == []
    journey.parcel(1, "out_for_delivery")
    assert journey.hear("parcel_out_for_delivery", parcel=1) == []

    journey.facts["conversation"]["started"] = True
    assert journey.hear("conversation_started") == ["receipt"]
    assert "Stoneware mug: out for delivery today with DHL." in journey.text
    assert "https://tracking.example.com/1" in journey.text


def test_late_news_of_a_passed_state_is_not_told():
    journey = started()
    journey.parcel(1, "delivered")
    assert journey.hear("parcel_delivered", parcel=1) == ["delivered"]
    assert journey.hear("parcel_shipped", parcel=1) == []
    assert journey.hear("parcel_out_for_delivery", parcel=1) == []


def test_split_shipments_name_their_parcel_and_keep_both_questions_open():
    journey = started()
    journey.parcel(1, "in_transit", items=["Stoneware mug"], partial=True)
    journey.parcel(2, "in_transit", items=["Linen apron"], partial=True)
    assert journey.hear("parcel_shipped", parcel=1) == ["shipped"]
    assert journey.text.startswith("On its way (part of order #1001)\nStoneware mug, with DHL.")
    assert journey.hear("parcel_shipped", parcel=2) == ["shipped"]
    assert "Linen apron" in journey.text
    journey.parcel(1, "delivered", items=["Stoneware mug"], partial=True)
    assert journey.hear("parcel_delivered", parcel=1) == ["delivered"]
    first = journey.last
    journey.parcel(2, "delivered", items=["Linen apron"], partial=True)
    assert journey.hear("parcel_delivered", parcel=2) == ["delivered"]
    second = journey.last

    assert journey.tap("damaged", second) == ["person_comes"]
    assert [effect.reason for effect in journey.did(HandOff)] == ["The shopper says that something arrived damaged"]
    assert journey.tap("arrived", first) == ["enjoy"]
    assert journey.tap("arrived", first) == []  # a second tap on the same question


def test_not_here_brings_a_person():
    journey = started()
    journey.parcel(1, "delivered")
    journey.hear("parcel_delivered", parcel=1)
    assert journey.write("not here") == ["person_comes"]
    assert len(journey.did(HandOff)) == 1


def test_other_words_are_left_to_people():
    journey = started()
    journey.parcel(1, "delivered")
    journey.hear("parcel_delivered", parcel=1)
    before = journey.state
    assert journey.write("Do you also have it in blue?") == []
    assert journey.write("1", handled=True) == []
    assert journey.state == before


def test_stop_ends_everything():
    journey = started()
    assert journey.hear("opted_out") == []
    assert (journey.state.status, journey.state.reason) == ("ended", "The shopper wrote STOP")
    assert [effect.reason for effect in journey.did(CancelWaiting)] == ["The shopper wrote STOP"]
    journey.parcel(1, "delivered")
    assert journey.hear("parcel_delivered", parcel=1) == []


def test_a_full_refund_ends_it_and_a_partial_one_does_not():
    journey = started()
    assert journey.hear("order_refunded") == []
    assert journey.state.status == "active"
    journey.facts["order"]["fully_refunded"] = True
    assert journey.hear("order_refunded") == []
    assert (journey.state.status, journey.state.reason) == ("ended", "The order was fully refunded")


def test_cancellation_and_uninstalling_end_it():
    for change, event in (("cancelled", "order_cancelled"), ("", "shop_uninstalled"), ("", "contact_redacted")):
        journey = started()
        if change:
            journey.facts["order"][change] = True
        journey.hear(event)
        assert journey.state.status == "ended"
        assert len(journey.did(End)) == 1


def test_after_a_hand_off_parcel_news_still_comes():
    journey = started()
    journey.facts["conversation"]["handed_off"] = True
    assert journey.hear("handed_off") == []
    journey.parcel(1, "out_for_delivery")
    assert journey.hear("parcel_out_for_delivery", parcel=1) == ["out_for_delivery"]


def test_it_ends_by_itself():
    journey = started()
    journey.pass_time(days=61)
    assert journey.state.status == "ended"
    assert journey.said == ["receipt"]


def test_every_event_twice_says_nothing_twice_to_an_answered_question():
    journey = started()
    journey.parcel(1, "delivered")
    journey.hear("parcel_delivered", parcel=1, key="parcel_delivered:1")
    assert journey.hear("parcel_delivered", parcel=1, key="parcel_delivered:1") == []
