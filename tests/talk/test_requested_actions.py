"""Cancel, another address, return, exchange: asked back, confirmed, carried out at the demo world's Shopify."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from demo.shopify.shop import SCOPES
from demo.world import DemoWorld
from post_purchase.channels.base import Inbound
from post_purchase.jobs.flows import handle_events
from post_purchase.jobs.requested_actions import carry_out_actions
from post_purchase.models import ActionKind, ActionState, Conversation, Message, Order, RequestedAction, ShopSettings
from post_purchase.services import action_carrying, action_rules, requested_actions
from post_purchase.services.action_rules import Mode, Rule
from post_purchase.services.conversations import receive
from post_purchase.services.orders import fetch_order
from post_purchase.services.phrases import load
from post_purchase.services.privacy import Person, erase_person
from post_purchase.words import Direction
from shopapp.lib import clock
from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi
from shopapp.shopify.install import install_or_refresh
from tests import factories
from tests.pretend_world import SHOP, shopify_world
from tests.talk.test_answers import LANGUAGES

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT_ONCE = {kind: Rule(Mode.AT_ONCE) for kind in ("cancel", "address", "return")} | {"exchange": Rule(Mode.PERSON)}


@pytest.fixture(autouse=True)
def at() -> Iterator[clock.Frozen]:
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def world(at, settings) -> Iterator[DemoWorld]:
    with shopify_world(settings, scopes=f"{SCOPES},write_orders,write_returns") as world:
        yield world


class Shopper:
    """One order at the demo's Shopify, bound to one WhatsApp number."""

    def __init__(self, world: DemoWorld, rules: dict[str, Rule] = AT_ONCE, *, lines: int = 1, language: str = "en"):
        self.world = world
        self.shop = install_or_refresh(SHOP, world.shopify.oauth.admin_token(SHOP))
        Shop.objects.filter(pk=self.shop.pk).update(scopes=world.state.part("shops")[SHOP]["scopes"])
        self.shop.refresh_from_db()
        row, _ = ShopSettings.objects.get_or_create(shop=self.shop)
        action_rules.save(row, rules)
        told = world.shopify.place_order(SHOP, tell=False, items=tuple((place, 1) for place in range(lines)))
        self.number = told["id"]
        self.order = self.fresh()
        self.contact = self.order.contact or factories.make_contact(self.shop)
        type(self.contact).objects.filter(pk=self.contact.pk).update(language=language)
        Order.objects.filter(pk=self.order.pk).update(language=language)
        self.channel = factories.make_channel(self.shop)
        self.point = factories.make_point(self.contact)
        factories.bind(self.point, self.order)

    def fresh(self) -> Order:
        order = fetch_order(shop=self.shop, shopify_id=self.number)
        assert order is not None
        return order

    def says(self, text: str = "", *, tap: str = "", point=None) -> list[str]:
        """What is answered at once."""
        before = Message.objects.order_by("pk").last()
        inbound = Inbound(
            account_id=self.channel.account_id,
            provider_id=f"wamid.{Message.objects.count()}",
            address=(point or self.point).address,
            happened_at=clock.now(),
            text=text or "tapped",
            button_id=tap,
        )
        receive(channel=self.channel, inbound=inbound)
        return self.heard(after=before.pk if before else 0)

    def heard(self, *, after: int = 0) -> list[str]:
        rows = Message.objects.filter(direction=Direction.OUT, pk__gt=after).order_by("pk")
        return list(rows.values_list("text", flat=True))

    def last(self) -> Message:
        return Message.objects.filter(direction=Direction.OUT).order_by("pk").last()

    def buttons(self) -> dict[str, str]:
        return {each["title"]: each["id"] for each in self.last().content["buttons"]}

    def taps(self, title: str) -> list[str]:
        return self.says(tap=self.buttons()[title])

    def shopifys(self) -> dict:
        return self.world.shopify.order(SHOP, self.number)

    def mutations(self) -> list[str]:
        names = ("CancelOrder", "UpdateShippingAddress", "RequestReturn", "CancelReturn")
        return [name for _, name in self.world.shopify.graphql.calls if name in names]


def action() -> RequestedAction:
    return RequestedAction.objects.get()


def conversation() -> Conversation:
    return Conversation.objects.get()


def test_an_order_is_cancelled_once_after_a_yes_and_the_answer_names_the_time(world):
    shopper = Shopper(world)
    (question,) = shopper.says("I want to cancel my order")
    assert question.startswith(f"Shall we cancel your order {shopper.order.name} of Tue, Nov 24 (€")
    assert (shopper.mutations(), action().state) == ([], "asked")
    yes = shopper.buttons()["Yes, please"]
    shopper.says(tap=yes)
    shopper.says(tap=yes)  # twice
    carry_out_actions()
    carry_out_actions()
    assert shopper.last().text == f"Done (Tue, Nov 24, 1:00\u202fPM): your order {shopper.order.name} is cancelled."
    assert (shopper.mutations(), action().state, shopper.buttons()) == (["CancelOrder"], "done", {})
    assert (shopper.shopifys()["cancel_reason"], shopper.fresh().cancelled_at) == ("customer", NOON)
    assert conversation().handed_off_at is None


def test_a_no_leaves_it_and_a_stranger_confirms_nothing(world):
    shopper = Shopper(world)
    shopper.says("cancel my order please")
    yes = shopper.buttons()["Yes, please"]
    other = factories.make_point(factories.make_contact(shopper.shop), address="4917699999999")
    assert shopper.says(tap=yes, point=other) == []
    shopper.says(tap="act:999999:yes")
    shopper.says(tap=f"act:{'9' * 40}:yes")
    assert action().state == "asked"
    assert shopper.says("no thanks") == [f"All right, your order {shopper.order.name} stays as it is."]
    assert shopper.says(tap=yes) == []
    carry_out_actions()
    assert (action().state, shopper.mutations()) == ("dropped", [])


def test_what_has_left_is_for_a_person_with_the_reason_also_between_question_and_yes(world):
    shopper = Shopper(world)
    shopper.says("cancel my order")
    world.shopify.ship(SHOP, shopper.number, tell=False)  # we have not heard of it yet: Shopify's own word counts
    shopper.says("yes")
    carry_out_actions()
    assert (action().state, action().error, shopper.mutations()) == ("failed", "it is packed or on its way", [])
    assert conversation().hand_off_reason == f"Cancel the order, {shopper.order.name}: it is packed or on its way"
    assert shopper.last().text.startswith("This needs a person: somebody of our team looks at your order")


def test_a_wish_that_comes_too_late_is_not_asked_back(world, at):
    shopper = Shopper(world, AT_ONCE | {"cancel": Rule(Mode.AT_ONCE, 2)})
    at.move(minutes=121)
    (answer,) = shopper.says("cancel my order")
    assert answer.startswith("This needs a person: somebody of our team looks at your order")
    assert conversation().hand_off_reason.endswith("it was placed more than 2 hours ago")
    assert not RequestedAction.objects.exists()


def test_a_new_address_is_read_confirmed_written_and_taken_back(world):
    shopper = Shopper(world)
    before = dict(shopper.shopifys()["shipping_address"])
    (question,) = shopper.says("Can you change the delivery address?")
    assert "Lindenweg 7, 10115 Berlin" in question
    (asked,) = shopper.says("Ahornallee 12a\n20095 Hamburg")
    assert asked.endswith("\nAhornallee 12a\n20095 Hamburg")
    assert shopper.shopifys()["shipping_address"] == before
    shopper.says("1")  # a network without buttons
    carry_out_actions()
    now = shopper.shopifys()["shipping_address"]
    assert (now["address1"], now["zip"], now["city"], now["country_code"]) == (
        "Ahornallee 12a",
        "20095",
        "Hamburg",
        "DE",
    )
    assert (now["first_name"], now["last_name"]) == (before["first_name"], before["last_name"])
    assert shopper.last().text.endswith("now goes to\nAhornallee 12a\n20095 Hamburg")
    shopper.taps("Take it back")
    carry_out_actions()
    assert shopper.shopifys()["shipping_address"]["address1"] == before["address1"]
    assert (action().state, shopper.last().text.split(" (")[0]) == ("undone", "Taken back")
    raw = RequestedAction.objects.extra(select={"raw": "address"}).values_list("raw", flat=True).get()
    assert "Ahornallee" not in raw


def test_an_address_that_no_machine_can_read_is_a_persons(world):
    shopper = Shopper(world)
    shopper.says("change my address")
    shopper.says("the yellow house behind the church, number 3")
    assert (action().state, action().error) == ("failed", "the address has to be read by a person, it is in the chat")


def test_one_of_two_items_goes_back_and_the_return_can_be_taken_back(world):
    shopper = Shopper(world, lines=2)
    world.shopify.ship(SHOP, shopper.number, tell=False)
    shopper.fresh()
    (question,) = shopper.says("I want to return it")
    assert question == f"Which item of your order {shopper.order.name} is it about?"
    title = shopper.order.lines.first().title
    (asked,) = shopper.taps(title)
    assert asked == f"Shall we register the return of {title} from your order {shopper.order.name}?"
    shopper.says("Yes please!")
    carry_out_actions()
    (row,) = shopper.shopifys()["returns"]
    assert (row["status"], len(row["return_line_items"])) == ("requested", 1)
    assert (action().state, shopper.fresh().returns) == ("done", {str(row["id"]): "requested"})
    shopper.taps("Take it back")
    carry_out_actions()
    assert (shopper.shopifys()["returns"][0]["status"], action().state) == ("canceled", "undone")
    assert shopper.mutations() == ["RequestReturn", "CancelReturn"]


def test_a_person_approves_or_declines_in_one_tap(world):
    shopper = Shopper(world, {"cancel": Rule(Mode.PERSON)})
    shopper.says("cancel my order")
    (answer,) = shopper.says("yes")
    assert answer.startswith(f"Thank you, noted for your order {shopper.order.name}.")
    carry_out_actions()
    assert (action().state, shopper.mutations()) == ("approval", [])
    (again,) = shopper.says("please cancel my order")  # asked once more while it waits
    assert again == answer
    assert requested_actions.decide(action=action(), approved=True, user_id="42")
    assert not requested_actions.decide(action=action(), approved=False, user_id="43")
    carry_out_actions()
    assert (action().state, action().decided_by, shopper.mutations()) == ("done", "42", ["CancelOrder"])


def test_an_exchange_is_always_a_persons_and_a_refusal_is_said_kindly(world):
    shopper = Shopper(world)
    world.shopify.ship(SHOP, shopper.number, tell=False)
    shopper.fresh()
    shopper.says("I would like to exchange it for another size")
    shopper.says("yes")
    assert (action().kind, action().state) == ("exchange", "approval")
    requested_actions.decide(action=action(), approved=False, user_id="42")
    assert shopper.last().text.startswith("We are sorry, we cannot do this")
    assert (action().state, shopper.mutations()) == ("declined", [])


def test_without_the_permission_of_shopify_a_person_decides(world):
    shopper = Shopper(world)
    Shop.objects.filter(pk=shopper.shop.pk).update(scopes=SCOPES)
    shopper.says("cancel my order")
    shopper.says("yes")
    assert action().state == "approval"


def test_in_a_new_shop_a_wish_arrives_ready_to_approve(world):
    shopper = Shopper(world, {})
    (question,) = shopper.says("Please cancel my order")
    assert question.startswith("Shall we cancel your order")
    after = shopper.last().pk
    shopper.says("yes")
    carry_out_actions()
    assert (action().state, shopper.mutations()) == ("approval", [])
    handle_events()
    [noted] = shopper.heard(after=after)  # and no greeting beside it
    assert noted.startswith("Thank you, noted for your order")


def test_a_typed_yes_is_answered_by_what_was_done_alone(world, at):
    shopper = Shopper(world)
    at.to(NOON + timedelta(minutes=5))
    shopper.says("Please cancel my order")
    handle_events()
    after = shopper.last().pk
    shopper.says("yes")
    handle_events()  # before the cancellation is done
    carry_out_actions()
    [done] = shopper.heard(after=after)
    assert done.startswith("Done (")


def test_a_shop_that_allows_nothing_is_not_asked_back(world):
    shopper = Shopper(world, {kind: Rule(Mode.OFF) for kind in ActionKind.values})
    assert shopper.says("cancel my order") == []
    assert not RequestedAction.objects.exists()


@pytest.mark.parametrize("died", ["CancelOrder", "UpdateShippingAddress", "RequestReturn"])
def test_a_worker_that_dies_after_shopify_has_done_it_does_it_no_second_time(world, at, monkeypatch, died):
    shopper = Shopper(world)
    if died == "RequestReturn":
        world.shopify.ship(SHOP, shopper.number, tell=False)
        shopper.fresh()
    words = {
        "CancelOrder": "cancel my order",
        "UpdateShippingAddress": "change my address",
        "RequestReturn": "return it",
    }
    shopper.says(words[died])
    if died == "UpdateShippingAddress":
        shopper.says("Ahornallee 12a, 20095 Hamburg")
    shopper.says("yes")
    whole = AdminApi.run

    def dies(api, name, *given, **more):
        answer = whole(api, name, *given, **more)
        if name == died:
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(AdminApi, "run", dies)
        with pytest.raises(KeyboardInterrupt):
            carry_out_actions()
    assert action().state == "confirmed"
    carry_out_actions()  # the lease of the dead still holds
    assert shopper.mutations() == [died]
    at.move(minutes=3)
    carry_out_actions()
    assert (action().state, shopper.mutations()) == ("done", [died])
    assert len([text for text in shopper.heard() if text.startswith("Done (")]) == 1


def test_shopify_away_is_waited_for_and_then_a_person_has_it(world, at):
    shopper = Shopper(world)
    shopper.says("cancel my order")
    shopper.says("yes")
    world.faults.add("shopify.graphql", "status", status=503, times=1)
    carry_out_actions()
    assert (action().state, action().next_attempt_at) == ("confirmed", NOON + action_carrying.FIRST_WAIT)
    at.move(seconds=15)
    carry_out_actions()
    assert action().state == "done"


def test_an_erased_person_leaves_no_request(world):
    shopper = Shopper(world)
    shopper.says("change my address")
    shopper.says("Ahornallee 12a, 20095 Hamburg")
    erase_person(Person(shop=shopper.shop, order_ids=(shopper.number,)))
    assert not RequestedAction.objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_there_in_every_language(language):
    texts = load("actions")
    assert {name for name, each in texts.items() if name != "words" and language not in each} == set()
    assert {kind for kind, each in texts["words"].items() if not each[language]} == set()
    for name, each in texts.items():
        if name != "words":
            given = {part.split("}")[0] for part in each["en"].split("{")[1:]}
            assert given == {part.split("}")[0] for part in each[language].split("{")[1:]}, name


def test_states_are_those_that_the_page_can_name():
    assert {str(state.label) for state in ActionState} >= {"Waiting for you", "Done", "Declined"}


def test_a_second_look_finds_an_order_that_shopify_is_still_cancelling(world, at, monkeypatch):
    shopper = Shopper(world)
    shopper.says("cancel my order")
    shopper.says("yes")
    RequestedAction.objects.update(sent_at=NOON - timedelta(seconds=1))  # told by one who died; Shopify's job is slow
    carry_out_actions()
    assert (shopper.mutations(), action().state) == ([], "confirmed")
    world.shopify.cancel(SHOP, shopper.number, tell=False)
    at.move(seconds=6)
    carry_out_actions()
    assert (shopper.mutations(), action().state) == ([], "done")
