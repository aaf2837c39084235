"""Against the demo world's Shopify over real HTTP: one code for one review, whatever went wrong between."""

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from demo.world import DemoWorld
from post_purchase.jobs.rewards import issue_rewards
from post_purchase.models import Contact, FlowEvent, Order, Review, Reward, ShopSettings
from post_purchase.services import reviews, rewards
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh
from tests.factories import make_contact, make_order
from tests.pretend_world import SHOP, shopify_world
from tests.talk.rows import make_run

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def world(at, settings) -> Iterator[DemoWorld]:
    with shopify_world(settings) as world:
        yield world


@pytest.fixture
def shop(world: DemoWorld) -> Shop:
    shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
    ShopSettings.objects.create(shop=shop)
    return shop


@pytest.fixture
def contact(shop: Shop) -> Contact:
    return make_contact(shop)


@pytest.fixture
def order(shop: Shop, contact: Contact) -> Order:
    return make_order(shop, contact)


def ask(order: Order, contact: Contact, *, key: str = "reward:1:reward:1", review: Review | None = None) -> Reward:
    run = order.runs.first() or make_run(order, contact)
    return rewards.request_reward(
        run=run, step_id="reward", order=order, contact=contact, review=review, dedupe_key=key
    )


def codes(world: DemoWorld) -> list[str]:
    return [each["code"] for each in world.shopify.discounts(SHOP)]


def operations(world: DemoWorld) -> list[str]:
    return [name for _, name in world.shopify.graphql.calls if name.endswith("RewardCode")]


def told(kind: str = "") -> list[FlowEvent]:
    events = FlowEvent.objects.filter(kind__startswith="reward")
    return list(events.filter(kind=kind) if kind else events)


def fresh(reward: Reward) -> Reward:
    return Reward.objects.get(pk=reward.pk)


def test_a_code_is_made_and_the_flow_hears_of_it(world, order, contact):
    reward = ask(order, contact)
    assert (reward.status, codes(world), told()) == ("pending", [], [])
    issue_rewards()
    reward = fresh(reward)
    assert (reward.status, reward.error, reward.issued_at, reward.next_attempt_at) == ("issued", "", NOON, None)
    [made] = world.shopify.discounts(SHOP)
    assert made["code"] == reward.code
    assert reward.discount_gid == made["id"]
    assert (made["percentage"], made["usageLimit"], made["appliesOncePerCustomer"]) == (0.1, 1, True)
    assert (made["context"], "minimumRequirement" in made) == ({"all": "ALL"}, False)
    # Sixty days, and then until the day is over in Berlin: 19 January, 23:59:59 CET.
    assert (made["startsAt"], made["endsAt"]) == ("2026-11-20T12:00:00Z", "2027-01-19T22:59:59Z")
    [event] = told()
    assert (event.kind, event.order, event.contact) == ("reward_issued", order, contact)
    assert event.data == {
        "code": reward.code,
        "percentage": "10",
        "ends_at": "2027-01-19T22:59:59+00:00",
        "run": reward.run_id,
    }
    assert world.shopify.redeem_discount(SHOP, reward.code) == "ok"
    assert world.shopify.redeem_discount(SHOP, reward.code) == "used up"


def test_a_code_for_new_customers_is_held_to_the_stores_own_segment(world, order, contact):
    def asked(key: str) -> Reward:
        run = order.runs.first() or make_run(order, contact)
        reward = rewards.request_reward(
            run=run, step_id="r", order=order, contact=contact, review=None, dedupe_key=key, for_friend=True,
            new_customers_only=True,
        )  # fmt: skip
        issue_rewards()
        return fresh(reward)

    reward = asked("reward:1:new:1")
    assert (reward.status, reward.error) == ("issued", "")
    [made] = world.shopify.discounts(SHOP)
    assert made["context"] == {"customerSegments": {"add": ["gid://shopify/Segment/1"]}}
    said = [world.shopify.redeem_discount(SHOP, reward.code, orders) for orders in (3, None, 0)]
    assert said == ["not for this customer", "not for this customer", "ok"]
    world.state.part("shops")[SHOP]["segments"] = [["gid://shopify/Segment/2", "VIPs", "number_of_orders > 9"]]
    reward = asked("reward:1:new:2")
    assert (reward.status, len(world.shopify.discounts(SHOP))) == ("failed", 1)
    assert "make one under Customers, Segments" in reward.error
    assert told("reward_failed")[-1].data == {"run": reward.run_id}


def test_the_same_request_and_the_same_job_again_change_nothing(world, order, contact):
    first = ask(order, contact)
    issue_rewards()
    assert ask(order, contact).pk == first.pk
    issue_rewards()
    assert (codes(world), len(told()), operations(world)) == ([fresh(first).code], 1, ["CreateRewardCode"])


def test_the_merchants_minimum_and_fractions_are_kept(world, shop, order, contact):
    ShopSettings.objects.filter(shop=shop).update(
        reward_percentage=Decimal("12.5"), reward_minimum_subtotal=Decimal("30.00"), reward_valid_days=1
    )
    ask(order, contact)
    issue_rewards()
    [made] = world.shopify.discounts(SHOP)
    assert (made["percentage"], made["endsAt"]) == (0.125, "2026-11-21T22:59:59Z")
    assert made["minimumRequirement"] == {"subtotal": {"greaterThanOrEqualToSubtotal": "30.00"}}
    assert told()[0].data["percentage"] == "12.5"


def test_codes_cannot_be_guessed_and_are_never_the_same(order, contact):
    made = {ask(order, contact, key=f"reward:{number}").code for number in range(50)}
    assert len(made) == 50
    assert {len(code) for code in made} == {len("THANKS-AB3K9-QZT7M")}


def test_shopify_made_it_but_the_answer_was_lost(world, at, order, contact):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "drop")
    issue_rewards()
    waiting = fresh(reward)
    assert (waiting.status, codes(world), told()) == ("pending", [reward.code], [])
    assert (waiting.next_attempt_at, waiting.error != "") == (NOON + timedelta(seconds=15), True)
    issue_rewards()
    assert operations(world) == ["CreateRewardCode"]  # not before its time
    at.move(seconds=15)
    issue_rewards()
    assert operations(world) == ["CreateRewardCode", "CreateRewardCode", "FindRewardCode"]
    assert (fresh(reward).status, codes(world)) == ("issued", [reward.code])
    assert fresh(reward).discount_gid == next(iter(world.shopify.discounts(SHOP)))["id"]
    assert [event.data["code"] for event in told()] == [reward.code]


def test_a_worker_killed_after_shopify_made_it_leaves_no_second_code(world, at, order, contact, monkeypatch):
    reward = ask(order, contact)

    class Killed(BaseException):
        pass

    def die(*args: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(rewards, "_succeed", die)
        with pytest.raises(Killed):
            issue_rewards()
    assert (fresh(reward).status, codes(world), told()) == ("pending", [reward.code], [])
    issue_rewards()
    assert fresh(reward).status == "pending"  # its lease is not over
    at.move(minutes=2)
    issue_rewards()
    assert (fresh(reward).status, codes(world), len(told())) == ("issued", [reward.code], 1)


def test_a_worker_killed_before_it_asked_is_made_good(world, at, order, contact):
    reward = ask(order, contact)
    assert rewards._claim() is not None
    assert rewards._claim() is None
    at.move(minutes=2)
    issue_rewards()
    assert (fresh(reward).status, codes(world), fresh(reward).attempts) == ("issued", [reward.code], 2)


def test_two_workers_whose_leases_overlap_tell_it_once(world, at, order, contact):
    ask(order, contact)
    slow = rewards._claim()
    at.move(minutes=2)
    fast = rewards._claim()
    assert (slow, fast) != (None, None)
    rewards._issue(fast)
    rewards._issue(slow)
    assert (codes(world), len(told())) == ([fast.code], 1)


def test_somebody_elses_code_is_not_taken_as_ours(world, order, contact):
    reward = ask(order, contact)
    theirs = {
        "title": "Black Friday",
        "code": reward.code,
        "startsAt": "2026-11-01T00:00:00Z",
        "context": {"all": "ALL"},
    }
    root = world.state.part("discounts").setdefault(SHOP, {})
    root[reward.code.upper()] = theirs | {
        "id": "gid://shopify/DiscountCodeNode/1",
        "percentage": 0.9,
        "createdAt": "2026-11-01T00:00:00Z",
        "endsAt": "",
        "usageLimit": None,
        "appliesOncePerCustomer": False,
        "status": "ACTIVE",
        "used": 0,
    }
    issue_rewards()
    mine = fresh(reward)
    assert mine.status == "issued"
    assert mine.code != reward.code
    assert codes(world) == [reward.code, mine.code]
    assert [event.data["code"] for event in told()] == [mine.code]


def test_a_server_error_is_tried_again_later_and_later(world, at, order, contact):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "status", status=503, times=3)
    waits = []
    for _ in range(3):
        issue_rewards()
        waits.append((fresh(reward).next_attempt_at - clock.now()).total_seconds())
        at.to(fresh(reward).next_attempt_at)
    assert waits == [15, 30, 60]
    assert fresh(reward).error == "Shopify answered 503"
    issue_rewards()
    assert (fresh(reward).status, fresh(reward).error, codes(world)) == ("issued", "", [reward.code])


def test_a_used_up_budget_is_waited_for(world, order, contact):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "throttled")
    issue_rewards()
    assert (fresh(reward).status, codes(world)) == ("issued", [reward.code])


def test_a_refused_token_is_renewed_once(world, shop, order, contact):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "status", status=401)
    issue_rewards()
    assert (fresh(reward).status, codes(world)) == ("issued", [reward.code])


def test_a_fresh_token_that_is_refused_waits_for_the_merchant(world, at, shop, order, contact):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "status", status=401, times=2)
    issue_rewards()
    assert (fresh(reward).status, fresh(reward).next_attempt_at) == ("pending", NOON + timedelta(hours=1))
    assert (codes(world), told()) == ([], [])


def test_after_most_of_a_day_a_person_is_asked(world, at, order, contact):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "status", status=503, times=1000)
    while fresh(reward).status == "pending":
        at.to(fresh(reward).next_attempt_at)
        issue_rewards()
    assert timedelta(hours=20) <= clock.now() - NOON < timedelta(hours=22)  # before the flow's own day is over
    assert (fresh(reward).status, fresh(reward).error) == ("failed", "Shopify answered 503")
    [event] = told()
    assert (event.kind, event.data) == ("reward_failed", {"run": reward.run_id})


@pytest.mark.parametrize("status", [403, 404])
def test_what_will_not_get_better_fails_at_once(world, order, contact, status):
    reward = ask(order, contact)
    world.faults.add("shopify.graphql", "status", status=status)
    issue_rewards()
    assert (fresh(reward).status, [event.kind for event in told()]) == ("failed", ["reward_failed"])


def test_what_shopify_refuses_fails_with_its_words(world, order, contact):
    reward = ask(order, contact)
    Reward.objects.filter(pk=reward.pk).update(ends_at=NOON - timedelta(days=1))
    issue_rewards()
    assert fresh(reward).status == "failed"
    assert fresh(reward).error == (
        "Shopify refused the discount: basicCodeDiscount.endsAt: Ends at needs to be after starts_at"
    )
    assert len(told("reward_failed")) == 1


def test_a_shop_that_has_left_is_not_asked(world, shop, order, contact):
    reward = ask(order, contact)
    Shop.objects.filter(pk=shop.pk).update(status="uninstalled")
    issue_rewards()
    assert (fresh(reward).status, fresh(reward).error) == ("failed", "The app is no longer installed in this shop")
    assert (operations(world), len(told("reward_failed"))) == ([], 1)


def test_a_reward_that_was_switched_off_meanwhile_fails_with_a_reason(world, shop, order, contact):
    ShopSettings.objects.filter(shop=shop).update(reward_percentage=0)
    reward = ask(order, contact)
    issue_rewards()
    assert fresh(reward).error == "A discount of 0 % cannot be made: set the reward to more than 0 and at most 100 %"
    assert operations(world) == []


def test_a_row_that_stops_every_worker_is_given_up(world, order, contact):
    reward = ask(order, contact)
    Reward.objects.filter(pk=reward.pk).update(attempts=rewards.MAX_ATTEMPTS)
    issue_rewards()
    assert (fresh(reward).status, operations(world)) == ("failed", [])


@how(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(1, 5), high=st.integers(1, 5), text=st.text(max_size=20))
def test_every_rating_brings_the_same_reward(world, order, contact, low, high, text):
    FlowEvent.objects.all().delete()
    Reward.objects.all().delete()
    Review.objects.all().delete()
    world.state.part("discounts").clear()
    for number, rating in enumerate((low, high)):
        review = reviews.save_review(
            run=order.runs.first() or make_run(order, contact),
            order=order,
            contact=contact,
            rating=rating,
            text=text,
            product_id=700,
            language="en",
            channel_kind="whatsapp",
            incentivised=True,
            disclosure="Maria got 10% off.",
            dedupe_key=f"review:{number}",
        )
        ask(order, contact, key=f"reward:{number}", review=review)
        issue_rewards()
    own = ("id", "code", "title")
    first, second = (without(own, made) for made in world.shopify.discounts(SHOP))
    assert first == second
    first, second = (without(("code",), event.data) for event in told("reward_issued"))
    assert first == second


def without(names: tuple[str, ...], facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}


def test_no_line_of_the_rewards_can_see_a_rating():
    assert "rating" not in inspect.getsource(rewards)
    assert [field.name for field in Reward._meta.fields if "rating" in field.name] == []
