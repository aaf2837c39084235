"""The tick on the pages: the exact words are kept, it is good for the order's own address, and STOP is stronger."""

import pytest

from post_purchase.flows.facts import gather
from post_purchase.models import CheckoutConsent, ConsentEntry, FlowEvent, OrderBinding
from post_purchase.services import checkout_consent, consent
from post_purchase.touchpoints.texts import consent_question, consent_version, languages
from post_purchase.words import Direction, EventKind, Purpose
from shopapp.lib.crypto import hash_secret
from tests.extension.conftest import TOKEN, ask, buyer_token
from tests.factories import make_channel, make_contact, make_conversation, make_message, make_order, make_point

pytestmark = pytest.mark.django_db
QUESTION = {"order_id": "gid://shopify/Order/5123", "checkout_token": TOKEN, "language": "de", "country": "DE"}
PHONE = "+4915112345678"


def asked(client, **more):
    """The question that the page gets; by default it does not know of any phone."""
    return ask(client, "thank-you", QUESTION | more).json()["consent"]


def tick(client, granted=True, **more):
    body = {"kind": "whatsapp", "version": consent_version(), "granted": granted} | QUESTION | more
    return ask(client, "consent", body)


def order_of(shop, **fields):
    contact = fields.pop("contact", None) or make_contact(shop)
    return make_order(shop, contact, checkout_token_hash=hash_secret(TOKEN), **({"phone": PHONE} | fields))


def test_the_question_is_never_ticked_and_names_its_version(client, shop):
    make_channel(shop)
    question = asked(client, has_phone=True)
    assert question == {
        "kind": "whatsapp",
        "question": consent_question("whatsapp", "de")[1],
        "version": consent_version(),
        "language": "de",
        "granted": False,
    }
    assert CheckoutConsent.objects.count() == 0


def test_a_phone_is_asked_for_only_where_one_is_known_to_be_there(client, shop):
    make_channel(shop)
    make_channel(shop, "email")
    assert asked(client, has_phone=False)["kind"] == "email"
    assert asked(client, has_phone=None)["kind"] == "email"
    assert asked(client, has_phone=True)["kind"] == "whatsapp"
    order = order_of(shop, phone="")
    assert asked(client, has_phone=True)["kind"] == "email"
    type(order).objects.update(phone=PHONE)
    assert asked(client, has_phone=None)["kind"] == "whatsapp"


def test_an_order_without_any_address_is_asked_nothing(client, shop):
    make_channel(shop)
    make_channel(shop, "email")
    order_of(shop, phone="", email="")
    assert asked(client, has_phone=True) is None


def test_what_was_ticked_before_the_order_came_is_still_shown_ticked(client, shop):
    make_channel(shop)
    make_channel(shop, "email")
    tick(client, has_phone=True)
    assert (asked(client)["kind"], asked(client)["granted"]) == ("whatsapp", True)


def test_a_tick_that_cannot_hold_is_asked_anew_by_the_network_that_works(client, shop):
    """The page was open before the order came, which has no phone."""
    make_channel(shop)
    make_channel(shop, "email")
    order_of(shop, phone="", email="maria@example.com")
    again = tick(client).json()["consent"]
    assert (again["kind"], again["granted"]) == ("email", False)
    assert again["question"] == consent_question("email", "de")[1]
    assert ConsentEntry.objects.count() == 0
    assert tick(client, kind="email").json() == {"granted": True}
    assert ConsentEntry.objects.get().point.kind == "email"


def test_a_shop_with_texts_asks_for_texts_to_the_orders_number(client, shop):
    make_channel(shop, "email")
    make_channel(shop, "sms")
    assert asked(client, has_phone=True)["kind"] == "sms"
    assert asked(client, has_phone=False)["kind"] == "email"
    order = order_of(shop)
    assert tick(client, kind="sms").json() == {"granted": True}
    entry = ConsentEntry.objects.get()
    assert (entry.point.kind, entry.point.address, entry.point.phone) == ("sms", PHONE.lstrip("+"), PHONE)
    assert OrderBinding.objects.get(point=entry.point, order=order).method == "order_phone"
    assert "STOP" in entry.wording


def test_a_shop_that_could_send_nothing_does_not_ask(client, shop):
    assert asked(client) is None
    make_channel(shop, "messenger")
    assert asked(client) is None


def test_the_order_is_there_and_the_tick_holds_at_once(client, shop):
    make_channel(shop)
    order = order_of(shop)
    assert tick(client).json() == {"granted": True}
    entry = ConsentEntry.objects.get()
    assert (entry.purpose, entry.state, entry.method) == ("utility", "granted", "checkbox")
    assert entry.wording == consent_question("whatsapp", "de")[1]
    assert (entry.wording_version, entry.language) == (consent_version(), "de")
    assert entry.proof["order"] == order.pk
    assert entry.proof["surface"] == "thank_you_page"
    assert (entry.point.kind, entry.point.address, entry.contact) == ("whatsapp", PHONE.lstrip("+"), order.contact)
    assert OrderBinding.objects.get(point=entry.point).method == "order_phone"
    event = FlowEvent.objects.get(kind=EventKind.CONSENT_GIVEN)
    assert event.order == order
    assert gather(shop=shop, order=order, contact=order.contact)["conversation"]["started"] is True
    assert asked(client)["granted"] is True


def test_the_tick_comes_before_the_order_and_holds_when_it_comes(client, shop):
    make_channel(shop)
    assert tick(client).status_code == 200
    assert ConsentEntry.objects.count() == 0
    order = order_of(shop)
    checkout_consent.apply_ticks(order=order)
    checkout_consent.apply_ticks(order=order)  # the same news again
    entry = ConsentEntry.objects.get()
    assert entry.state == "granted"
    assert CheckoutConsent.objects.get().order == order


def test_the_same_answer_again_changes_nothing(client, shop):
    make_channel(shop)
    order_of(shop)
    for _ in range(3):
        assert tick(client).status_code == 200
    assert (ConsentEntry.objects.count(), FlowEvent.objects.filter(kind="consent_given").count()) == (1, 1)


def test_taking_the_tick_away_ends_it_and_leaves_both_lines(client, shop):
    make_channel(shop)
    order = order_of(shop)
    tick(client)
    tick(client, granted=False)
    assert list(ConsentEntry.objects.order_by("pk").values_list("state", flat=True)) == ["granted", "withdrawn"]
    assert gather(shop=shop, order=order, contact=order.contact)["conversation"]["started"] is False
    tick(client)
    assert gather(shop=shop, order=order, contact=order.contact)["conversation"]["started"] is True


def test_stop_in_the_chat_is_stronger_than_a_later_tick(client, shop):
    make_channel(shop)
    contact = make_contact(shop)
    point = make_point(contact, address=PHONE.lstrip("+"))
    talk = make_conversation(contact)
    consent.stop_everything(point=point, message=make_message(talk, "STOP", direction=Direction.IN, point=point))
    order_of(shop, contact=contact)
    tick(client)
    assert Purpose.UTILITY in consent.withdrawn_purposes(point)
    assert FlowEvent.objects.filter(kind="consent_given").count() == 0


def test_a_strangers_number_stays_the_strangers(client, shop):
    """Somebody types another person's number into the checkout: that person's chat is not joined to the order."""
    make_channel(shop)
    victim = make_contact(shop, first_name="Ada")
    point = make_point(victim, address=PHONE.lstrip("+"))
    order = order_of(shop)
    assert tick(client).status_code == 200
    assert ConsentEntry.objects.count() == 0
    assert OrderBinding.objects.filter(point=point).count() == 0
    order.refresh_from_db()
    assert order.contact != victim
    assert CheckoutConsent.objects.get().state == "granted"  # what was ticked is kept all the same


@pytest.mark.parametrize("fields", [{"phone": ""}, {"phone": "", "email": ""}])
def test_without_protected_data_the_tick_is_kept_and_nothing_is_sent(client, shop, fields):
    make_channel(shop)
    order_of(shop, **fields)
    assert tick(client).status_code == 200
    assert (CheckoutConsent.objects.count(), ConsentEntry.objects.count()) == (1, 0)


def test_mail_goes_to_the_orders_own_address(client, shop):
    make_channel(shop, "email")
    order_of(shop, email="Maria@Example.com")
    tick(client, kind="email", surface="order_status_page")
    entry = ConsentEntry.objects.get()
    assert (entry.kind, entry.point.address, entry.proof["surface"]) == (
        "email",
        "maria@example.com",
        "order_status_page",
    )


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"version": "1999-01-01"}, 409),
        ({"checkout_token": ""}, 400),
        ({"kind": "messenger"}, 400),
        ({"kind": "pigeon"}, 400),
        ({"granted": "perhaps"}, 400),
        ({"surface": "bus_stop"}, 400),
    ],
)
def test_what_was_not_asked_is_refused_and_kept_nowhere(client, shop, changes, status):
    make_channel(shop)
    order_of(shop)
    response = tick(client, **changes)
    assert response.status_code == status
    assert response["Access-Control-Allow-Origin"] == "*"
    assert (CheckoutConsent.objects.count(), ConsentEntry.objects.count()) == (0, 0)


def test_the_page_cannot_choose_the_words(client, shop):
    make_channel(shop)
    order_of(shop)
    tick(client, question="Yes to everything", wording="Yes to everything")
    assert ConsentEntry.objects.get().wording == consent_question("whatsapp", "de")[1]


def test_a_machine_that_ticks_and_unticks_is_stopped(client, shop):
    make_channel(shop)
    order_of(shop)
    answers = [tick(client, granted=bool(number % 2)).status_code for number in range(30)]
    assert answers[:20] == [200] * 20
    assert set(answers[20:]) == {200, 429}  # the answer that stands may be repeated
    assert CheckoutConsent.objects.get().changes == checkout_consent.MOST_CHANGES


def test_an_admins_token_ticks_nothing(client, shop):
    make_channel(shop)
    token = buyer_token(iss="https://fern-and-field.myshopify.com/admin", sub="42", sid="s1")
    body = {"kind": "whatsapp", "version": consent_version(), "granted": True} | QUESTION
    assert ask(client, "consent", body, token).status_code == 401
    assert CheckoutConsent.objects.count() == 0


def test_every_language_has_its_own_question():
    for kind in checkout_consent.ASKED_FOR:
        questions = [consent_question(kind, language)[1] for language in languages()]
        assert len(set(questions)) == len(languages()) == 13
