from .journey import Journey


def test_the_receipt_answers_whoever_has_just_begun_to_chat_and_news_does_not():
    journey = Journey("thank_you")
    journey.facts["conversation"]["started"] = False
    journey.start()
    journey.facts["conversation"]["started"] = True
    assert journey.hear("conversation_started") == ["receipt"]
    assert journey.last.answers_shopper is True
    news = Journey("shipped")
    news.parcel(1, "in_transit")
    news.start("parcel_shipped", parcel=1)
    assert news.pass_time(minutes=15) == ["shipped"]
    assert news.last.answers_shopper is False
