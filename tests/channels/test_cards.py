"""Several products in one message: a carousel where the network has one, else its own next best form."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo.world import DemoWorld
from post_purchase.channels.base import Button, ChannelError, OutMessage, SendContext, UrlButton
from post_purchase.channels.cards import Card
from post_purchase.channels.drivers.telegram.requests import message_fields, with_cards
from post_purchase.channels.drivers.whatsapp.requests import message_request
from post_purchase.channels.registry import driver_for
from post_purchase.services.channels import connect_channel
from post_purchase.words import ChannelKind, Mode
from shopapp.lib import clock
from tests.factories import make_contact, make_point, make_shop
from tests.pretend_world import ENVIRONMENT

SHOP = "https://fern.example.com/products"


def card(name: str, **more: Any) -> Card:
    fields = {
        "title": name,
        "text": "24.00 EUR",
        "image_url": f"https://cdn.example.com/{name}.jpg",
        "url": f"{SHOP}/{name}",
    }
    return Card(button="View", **(fields | more))


MUG, POT = card("mug"), card("pot")
BOTH = OutMessage(text="These go well with it", cards=[MUG, POT])


def request(message: OutMessage) -> dict[str, Any]:
    asked = message_request(
        message=message, mode=Mode.FREE, address="49170", ref="R", context=SendContext(), image=None
    )
    found: dict[str, Any] = asked[asked["type"]]
    return found


def test_whatsapp_is_asked_for_a_carousel() -> None:
    assert request(BOTH) == {
        "type": "carousel",
        "body": {"text": "These go well with it"},
        "action": {
            "cards": [
                {
                    "card_index": place,
                    "type": "cta_url",
                    "header": {"type": "image", "image": {"link": f"https://cdn.example.com/{name}.jpg"}},
                    "body": {"text": f"{name}\n24.00 EUR"},
                    "action": {
                        "name": "cta_url",
                        "parameters": {"display_text": "View", "url": f"{SHOP}/{name}"},
                    },
                }
                for place, name in enumerate(("mug", "pot"))
            ]
        },
    }


def test_replies_in_a_carousel_come_back_by_their_ids() -> None:
    wish = [card(name, url="", reply_id=f"want:{name}") for name in ("mug", "pot")]
    [first, second] = request(OutMessage(text="Which one?", cards=wish))["action"]["cards"]
    assert first["action"] == {"buttons": [{"type": "quick_reply", "quick_reply": {"id": "want:mug", "title": "View"}}]}
    assert "type" not in second


def test_a_card_has_at_most_160_characters() -> None:
    [first, _] = request(OutMessage(text="x", cards=[card("mug", title="m" * 200, text="t" * 200), POT]))["action"][
        "cards"
    ]
    assert len(first["body"]["text"]) == 160
    [first, _] = request(OutMessage(text="x", cards=[card("mug", text="t" * 200), POT]))["action"]["cards"]
    assert first["body"]["text"] == f"mug\n{'t' * 155}…"


@pytest.mark.parametrize(
    "message",
    [
        OutMessage(text="Look", cards=[MUG]),
        OutMessage(text="Look", cards=[MUG, card("pot", image_url="")]),
        OutMessage(text="Look", cards=[MUG, card("pot", url="", reply_id="want:pot")]),
        OutMessage(text="Look", cards=[card(f"n{number}") for number in range(11)]),
        OutMessage(text="x" * 1025, cards=[MUG, POT]),
    ],
    ids=["one", "without a picture", "two kinds of buttons", "eleven", "a long text"],
)
def test_what_whatsapp_would_refuse_goes_as_words_with_links(message: OutMessage) -> None:
    asked = request(message)
    body = asked["body"] if isinstance(asked["body"], str) else asked["body"]["text"]
    taps = [each["reply"]["id"] for each in asked.get("action", {}).get("buttons", ())]
    for each in message.cards:
        assert each.url in body
        assert not each.reply_id or each.reply_id in taps


def test_choices_matter_more_than_cards() -> None:
    asked = request(OutMessage(text="Shall we?", cards=[MUG, POT], buttons=[Button(id="yes", title="Yes")]))
    assert asked["type"] == "button"
    assert asked["body"]["text"] == f"Shall we?\n\nmug: {SHOP}/mug\npot: {SHOP}/pot"


def test_the_messages_own_link_is_not_lost_beside_the_cards() -> None:
    own = UrlButton(title="All of them", url="https://fern.example.com")
    assert request(BOTH.model_copy(update={"url_button": own}))["body"]["text"].endswith(
        "\n\nAll of them: https://fern.example.com"
    )
    same = UrlButton(title="Mug", url=MUG.url)
    assert request(BOTH.model_copy(update={"url_button": same}))["body"]["text"] == BOTH.text


def test_a_link_that_the_text_has_already_is_not_said_twice() -> None:
    message = OutMessage(text=f"The mug is at {SHOP}/mug", cards=[MUG, POT])
    assert message.in_words().text == f"The mug is at {SHOP}/mug\n\npot: {SHOP}/pot"


def test_telegram_shows_the_first_picture_and_a_button_for_each() -> None:
    message = with_cards(BOTH)
    assert message.image_path == "https://cdn.example.com/mug.jpg"
    assert message_fields(message) == {
        "caption": "These go well with it",
        "reply_markup": {"inline_keyboard": [[{"text": name, "url": f"{SHOP}/{name}"}] for name in ("mug", "pot")]},
    }
    assert with_cards(BOTH.model_copy(update={"text": "x" * 1025})).cards == []


def test_a_network_without_cards_has_them_as_lines() -> None:
    for kind in (ChannelKind.SMS, ChannelKind.WEBCHAT):
        assert not driver_for(kind).shows_cards
    assert BOTH.in_words().text == f"These go well with it\n\nmug: {SHOP}/mug\npot: {SHOP}/pot"


@pytest.fixture
def world(settings: Any) -> Iterator[DemoWorld]:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        settings.META_GRAPH_ORIGIN = f"{world.url}/graph"
        world.whatsapp.create_number(token="EAA-number")
        world.messenger.create_page(token="EAA-page")
        yield world


@pytest.mark.django_db
def test_the_strict_meta_shows_the_cards_on_both_phones(world: DemoWorld) -> None:
    shop = make_shop()
    credentials = {"access_token": "EAA-number", "waba_id": "102290129340398"}
    number = connect_channel(shop=shop, kind="whatsapp", account_id="106540352242922", credentials=credentials)
    page = connect_channel(shop=shop, kind="messenger", account_id="700100", credentials={"access_token": "EAA-page"})
    user, psid = world.whatsapp.create_person("Maria"), world.messenger.create_person("Luc")
    world.whatsapp.write(user, "Hello")
    world.messenger.write(psid, "Hello")
    now = clock.now()
    for kind, channel, address in (("whatsapp", number, user), ("messenger", page, psid)):
        point = make_point(make_contact(shop), ChannelKind(kind), address=address, last_inbound_at=now)
        driver_for(kind).send(channel=channel, point=point, message=BOTH, mode=Mode.FREE, ref=kind)
    [carousel] = world.whatsapp.received(user)
    [elements, words] = world.messenger.received(psid)
    for shown in (carousel, elements):
        assert [each["text"] for each in shown["cards"]] == ["mug\n24.00 EUR", "pot\n24.00 EUR"]
        assert [each["link"]["url"] for each in shown["cards"]] == [MUG.url, POT.url]
    assert (carousel["text"], words["text"]) == (BOTH.text, BOTH.text)


@pytest.mark.django_db
def test_the_strict_meta_refuses_a_carousel_of_one(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_shop()
    credentials = {"access_token": "EAA-number", "waba_id": "102290129340398"}
    number = connect_channel(shop=shop, kind="whatsapp", account_id="106540352242922", credentials=credentials)
    user = world.whatsapp.create_person("Maria")
    world.whatsapp.write(user, "Hello")
    point = make_point(make_contact(shop), address=user, last_inbound_at=clock.now())
    monkeypatch.setitem(driver_for("whatsapp").send.__globals__["LIMITS"], "least_cards", 1)
    with pytest.raises(ChannelError) as caught:
        driver_for("whatsapp").send(
            channel=number, point=point, message=OutMessage(text="x", cards=[MUG]), mode=Mode.FREE, ref="R"
        )
    assert caught.value.code == "131009"
