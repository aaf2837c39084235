"""The pure parts of a rehearsal: assumptions, chance, prices, the shopper."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.effects import Say
from post_purchase.flows.rehearsal import costs
from post_purchase.flows.rehearsal.assumptions import Assumptions, BadAssumption, Chance
from post_purchase.flows.rehearsal.shopper import reply_to
from post_purchase.words import ChannelKind

MARCH = datetime(2026, 3, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", [-1, 101, True, "30", 3.5, None])
def test_an_assumption_is_a_whole_number_of_100(value):
    with pytest.raises(BadAssumption) as error:
        Assumptions.from_json({"answers": value})
    assert error.value.field == "answers"


def test_stars_are_shares_of_100():
    with pytest.raises(BadAssumption):
        Assumptions.from_json({"five_stars": 80, "four_stars": 30})
    assert Assumptions(five_stars=50, four_stars=30, three_stars=10, two_stars=5).stars == (5, 5, 10, 30, 50)


def test_what_is_unknown_or_missing_is_as_usual():
    assert Assumptions.from_json({"of another day": 3}) == Assumptions()
    assert Assumptions.from_json(Assumptions(opens=7).to_json()).opens == 7


def test_chance_repeats_and_keeps_to_the_share():
    one, again, other = Chance(1), Chance(1), Chance(2)
    assert [one.share("a", n) for n in range(50)] == [again.share("a", n) for n in range(50)]
    assert [one.share("a", n) for n in range(50)] != [other.share("a", n) for n in range(50)]
    assert 2850 < sum(one.happens(30, "x", n) for n in range(10_000)) < 3150
    assert not any(one.happens(0, n) for n in range(200))
    assert all(one.happens(100, n) for n in range(200))
    picked = [one.choice((5, 0, 95), n) for n in range(2_000)]
    assert 1 not in picked
    assert 60 < picked.count(0) < 140


def test_nobody_answers_where_nothing_is_asked():
    document = shelf.ready_made("photo_review")
    sure = Assumptions(answers=100)
    thanks = Say(key="thanks:1:1", step="thanks", message="thanks")
    assert reply_to(document.steps["thanks"], thanks, 1, sure, Chance(1)) is None
    stars = tuple(f"review:1:{n}" for n in range(1, 6))
    asks = Say(key="review:1:1", step="review", message="ask_rating", choices=stars)
    assert reply_to(document.steps["review"], asks, 1, Assumptions(answers=0), Chance(1)) is None
    reply = reply_to(document.steps["review"], asks, 1, sure, Chance(1))
    assert reply is not None
    assert reply.tap == f"review:1:{reply.text}"


def test_the_first_answers_of_a_month_are_free_and_then_cost_like_utility():
    bill = costs.Bill()
    for _ in range(1_003):
        bill.add(kind=ChannelKind.WHATSAPP, category=costs.SERVICE, country="DE", at=MARCH)
    for _ in range(5):
        bill.add(kind=ChannelKind.WHATSAPP, category=costs.SERVICE, country="DE", at=MARCH.replace(month=4))
    (line,) = bill.lines()
    assert (line.count, line.charged, line.price, line.amount) == (1_008, 3, Decimal("0.055"), Decimal("0.165"))


def test_an_unknown_price_is_said_and_not_guessed():
    bill = costs.Bill()
    bill.add(kind=ChannelKind.WHATSAPP, category="marketing", country="XX", at=MARCH)
    bill.add(kind=ChannelKind.EMAIL, category="message", country="XX", at=MARCH)
    told = bill.to_json()
    assert (told["unknown"], told["total"]) == (1, "0.00")
    assert {line["kind"]: line["price"] for line in told["lines"]} == {"whatsapp": None, "email": "0"}


def test_every_network_has_prices_with_a_source_and_a_date():
    data = costs.rates()
    assert data["checked_on"]
    for kind in ChannelKind:
        assert data[kind.value]["source"]
        assert data[kind.value]["valid_from"]
        assert data[kind.value].get("free") or data[kind.value]["rows"]
    countries = [country for row in data["whatsapp"]["rows"] for country in row["countries"]]
    assert len(countries) == len(set(countries))
