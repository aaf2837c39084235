from .journey import Journey


def test_the_receipt_answers_whoever_has_just_begun_to_chat_and_news_does_not():
    journey = Journey("order_updates")
    journey.facts["conversation"]["started"] = False
    journey.start()
    journey.facts["conversation"]["started"] = True
    assert journey.hear("conversation_started") == ["receipt"]
    assert journey.last.answers_shopper is True
    journey.parcel(1, "in_transit")
    assert journey.hear("parcel_shipped", parcel=1) == ["shipped"]
    assert journey.last.answers_shopper is False
