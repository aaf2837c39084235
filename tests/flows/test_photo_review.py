from datetime import datetime

import pytest

from post_purchase.flows.effects import AddPhotos, AddReviewText, HandOff, RequestReward, SaveReview

from .journey import T0, Journey

REWARD = {"code": "THANKS-7F3K", "percentage": "10", "ends_at": "2026-05-10T10:00:00+00:00"}


def delivered(**facts: object) -> Journey:
    journey = Journey("photo_review")
    journey.facts["order"] |= {"delivered": True, "delivered_at": T0.isoformat()}
    journey.parcel(1, "delivered")
    assert journey.start() == []
    return journey


def asked() -> Journey:
    journey = delivered()
    assert journey.pass_time(days=6, hours=23) == []
    assert journey.pass_time(hours=2) == ["ask_rating"]
    return journey


def test_the_question_comes_a_week_later_and_names_the_reward_for_any_rating():
    journey = asked()
    assert journey.text == (
        "Hi Maria! Stoneware mug: how do you like it? Tap or write 1 to 5.\n\n"
        "As thanks for your review you get 10% off your next order. Whatever you rate: good or bad, it is the same."
    )


def test_it_waits_for_the_shoppers_morning():
    journey = Journey("photo_review", now=datetime.fromisoformat("2026-03-23T21:30:00+00:00"))
    journey.facts["order"] |= {"delivered": True, "delivered_at": journey.now.isoformat()}
    journey.start()
    journey.pass_time(days=6)
    assert journey.said == []
    # 22:30 in Berlin a week later is 23:30: the clocks went forward on 29 March. So at 10:00, which is now 08:00 UTC.
    journey.pass_time(days=1, minutes=5)
    [thread] = journey.state.threads
    assert thread.due_at == datetime.fromisoformat("2026-03-31T08:00:00+00:00")
    assert journey.pass_time(hours=12) == ["ask_rating"]


@pytest.mark.parametrize("rating", [1, 2, 3, 4, 5])
def test_the_reward_is_the_same_for_every_rating(rating):
    journey = asked()
    more = "ask_more_low" if rating <= 2 else "ask_more"
    assert journey.tap(str(rating)) == [more]
    [review] = journey.did(SaveReview)
    assert (review.rating, review.incentivised, review.disclosure) == (rating, True, "disclosure")
    assert journey.write("It is what it is") == ["ask_photo"]
    assert journey.send_photo(11, 12) == []
    assert [effect.text for effect in journey.did(AddReviewText)] == ["It is what it is"]
    assert [effect.attachments for effect in journey.did(AddPhotos)] == [(11, 12)]
    assert [effect.model_dump() for effect in journey.did(RequestReward)] == [
        {
            "kind": "request_reward",
            "key": "reward:1",
            "step": "reward",
            "for_friend": False,
            "new_customers_only": False,
        }
    ]
    assert journey.hear("reward_issued", **REWARD) == ["thanks_with_code"]
    assert journey.text.endswith("for one order until Sun, May 10:\nTHANKS-7F3K")
    assert journey.did(HandOff) == []


def test_five_then_a_photo_at_once():
    journey = asked()
    assert journey.write("5") == ["ask_more"]
    assert journey.send_photo(7, text="Love the colour") == []
    assert [effect.text for effect in journey.did(AddReviewText)] == ["Love the colour"]
    assert [effect.attachments for effect in journey.did(AddPhotos)] == [(7,)]
    assert journey.hear("reward_issued", **REWARD) == ["thanks_with_code"]
    journey.pass_time(days=3)
    assert journey.state.status == "ended"
    assert journey.said == ["ask_rating", "ask_more", "thanks_with_code"]


def test_one_star_is_offered_a_person_and_gets_the_reward_all_the_same():
    journey = asked()
    assert journey.tap("1") == ["ask_more_low"]
    assert "shall a person of our team help you?" in journey.text
    assert journey.tap("help") == ["person_comes"]
    assert [effect.reason for effect in journey.did(HandOff)] == ["A low rating, and the shopper wants help"]
    journey.facts["conversation"]["handed_off"] = True
    assert journey.hear("handed_off") == []
    assert journey.hear("reward_issued", **REWARD) == ["thanks_with_code"]
    assert len(journey.did(SaveReview)) == 1


def test_no_photo_one_reminder_then_the_code_inside_the_window():
    journey = asked()
    journey.write("4")
    rated_at = journey.now
    assert journey.pass_time(hours=19) == ["remind_photo"]
    assert journey.pass_time(hours=2) == []
    assert len(journey.did(RequestReward)) == 1
    assert (journey.log[-1][2] - rated_at).total_seconds() < 24 * 3600
    assert journey.hear("reward_issued", **REWARD) == ["thanks_with_code"]
    assert journey.pass_time(hours=12) == []
    assert journey.hear("media_stored", attachments=[5]) == ["photo_added"]
    assert [effect.attachments for effect in journey.did(AddPhotos)] == [(5,)]
    journey.pass_time(days=3)
    assert journey.state.status == "ended"


def test_a_refused_photo_leaves_the_question_open():
    journey = asked()
    journey.write("5")
    journey.write("Nice")
    assert journey.send_photo() == []
    assert journey.state.threads[0].phase == "photo"
    assert journey.send_photo(3) == []
    assert [effect.attachments for effect in journey.did(AddPhotos)] == [(3,)]


@pytest.mark.parametrize("text", ["5", "5!", "5/5", "5 stars", "⭐⭐⭐⭐⭐", "★★★★★", "5️⃣", "٥", "５", "5 von 5"])
def test_a_rating_may_be_written_in_many_ways(text):
    journey = asked()
    assert journey.write(text) == ["ask_more"]
    assert journey.state.answers["rating"] == 5


@pytest.mark.parametrize("text", ["0", "6", "it cost 5 euros and broke after 2 days", "maybe", "-3", "55"])
def test_what_is_no_rating_is_asked_once_more_and_then_left_to_people(text):
    journey = asked()
    assert journey.write(text) == ["ask_rating_again"]
    assert journey.write(text) == []
    assert journey.did(SaveReview) == []
    assert journey.write("3") == ["ask_more"]


def test_no_answer_ends_without_a_reminder():
    journey = asked()
    assert journey.pass_time(days=8) == []
    assert (journey.state.status, journey.state.reason) == ("ended", "No answer to the review question")


def test_a_refund_during_the_week_means_no_question():
    journey = delivered()
    journey.facts["order"]["fully_refunded"] = True
    assert journey.pass_time(days=8) == []
    assert (journey.state.status, journey.state.reason) == ("ended", "The order was fully refunded")


def test_somebody_with_an_open_problem_is_not_asked():
    journey = delivered()
    journey.facts["conversation"]["handed_off"] = True
    assert journey.pass_time(days=8) == []
    assert journey.state.reason == "A person of the team is looking after this shopper"


def test_stop_in_the_middle_ends_it():
    journey = asked()
    journey.write("5")
    assert journey.hear("opted_out") == []
    assert journey.pass_time(days=5) == []
    assert journey.did(RequestReward) == []


def test_who_scans_the_card_late_is_not_asked_at_once():
    journey = Journey("photo_review")
    journey.facts["order"] |= {"delivered": True, "delivered_at": T0.isoformat()}
    journey.facts["conversation"]["started"] = False
    journey.start()
    journey.pass_time(days=20)
    journey.facts["conversation"]["started"] = True
    assert journey.hear("conversation_started") == []
    assert journey.pass_time(hours=2) == []
    assert journey.pass_time(hours=2) == ["ask_rating"]


def test_a_reward_that_cannot_be_made_is_kept_by_a_person():
    journey = asked()
    journey.write("5")
    journey.write("Good")
    journey.tap("skip")
    assert journey.hear("reward_failed") == ["reward_late"]
    assert len(journey.did(HandOff)) == 1


def test_without_a_reward_nothing_is_promised():
    journey = delivered()
    journey.facts["reward"]["offered"] = False
    journey.pass_time(days=7, hours=1)
    assert "off your next order" not in journey.text
    journey.write("5")
    [review] = journey.did(SaveReview)
    assert (review.incentivised, review.disclosure) == (False, "")
    assert "%" not in journey.text
    journey.write("Good")
    assert journey.tap("skip") == ["thanks"]
    assert journey.did(RequestReward) == []


def test_a_photo_sent_instead_of_stars_is_kept_for_the_review():
    journey = asked()
    assert journey.send_photo(9) == ["ask_rating_again"]
    assert journey.write("4") == ["ask_more"]
    assert [effect.attachments for effect in journey.did(AddPhotos)] == [(9,)]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_product_is_named_without_an_article(language):
    """Titles are bare ("Stoneware mug"): no language has a grammar for them in the middle of a sentence."""
    journey = Journey("photo_review", language=language)
    for name, message in journey.document.texts[language].messages.items():
        for line in (message.text, message.subject):
            before, found, _ = (line or "").partition("{{ review.product")
            assert not found or before.rstrip().endswith((":", "%}", "!")) or not before.strip(), name


def test_who_asks_to_review_is_asked_at_once_and_not_again():
    journey = Journey("photo_review")
    journey.facts["order"] |= {"delivered": True, "delivered_at": journey.now.isoformat()}
    assert journey.start() == []
    journey.pass_time(hours=5)
    assert journey.hear("review_wanted") == ["ask_rating"]
    assert journey.last.answers_shopper  # the shopper has just tapped: not held until morning
    journey.tap("5")
    journey.pass_time(days=20)
    assert journey.said.count("ask_rating") == 1


@pytest.mark.parametrize("said", ["nein", "Nein, danke!", "no thanks", "non merci", "HAYIR", "いいえ、結構です"])
def test_a_typed_no_to_the_photo_is_a_no_and_the_reward_comes(said):
    journey = asked()
    journey.write("5")
    assert journey.write("Lovely glaze") == ["ask_photo"]
    assert journey.write(said) == []
    assert journey.hear("reward_issued", **REWARD) == ["thanks_with_code"]


def test_a_typed_no_to_more_words_is_not_the_review():
    journey = asked()
    journey.write("5")
    assert journey.write("no") == ["ask_photo"]
    assert journey.did(AddReviewText) == []
