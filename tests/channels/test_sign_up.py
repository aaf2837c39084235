"""Embedded Signup: from the code that Meta's window gives to a number that sends. The window is the demo's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from post_purchase.models import Channel
from tests.channels.talks import Talk, talking
from tests.pages.visitor import RIVAL, Visitor

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ADDRESS = "/app/settings/channels/whatsapp/sign-up"


@pytest.fixture
def talk(db: None, settings: Any) -> Iterator[Talk]:
    with talking(settings, NOON) as talk:
        talk.world.whatsapp.create_number()
        yield talk


def test_a_number_signs_up_once_and_is_registered(talk: Talk, settings: Any) -> None:
    owner, world = Visitor(talk.shop.domain), talk.world
    [number] = world.state.part("whatsapp_numbers").values()
    number["status"] = "PENDING"
    told = world.signup.confirm()
    form = told["data"] | {"code": told["code"]}
    assert owner.post(ADDRESS, form | {"waba_id": "", "code": "x"}).status_code == 422
    assert owner.post(ADDRESS, form | {"code": "AQ-forged"}).json()["message"].startswith("Meta did not take")
    wrong = world.signup.confirm()
    answer = owner.post(ADDRESS, {"code": wrong["code"], "phone_number_id": number["id"], "waba_id": "99999"})
    assert answer.status_code == 422  # the ids come from the browser: Meta has the last word
    assert not Channel.objects.exists()

    answer = owner.post(ADDRESS, form)
    assert (answer.status_code, answer.json()["toast"]) == (200, "Fern & Field is connected")
    channel = Channel.objects.get()
    pin = channel.credentials["pin"]
    assert (channel.credentials["access_token"], len(pin)) == (number["token"], 6)
    assert (number["status"], number["pin"], number["subscribed"]) == ("CONNECTED", pin, True)
    assert number["token"] not in answer.content.decode()
    assert owner.post(ADDRESS, form).status_code == 422  # the code is spent
    assert Visitor(RIVAL).post(ADDRESS, form).status_code != 200


def test_a_number_with_a_pin_of_its_own_says_what_to_do(talk: Talk) -> None:
    owner, world = Visitor(talk.shop.domain), talk.world
    [number] = world.state.part("whatsapp_numbers").values()
    number |= {"status": "PENDING", "pin": "x"}
    told = world.signup.confirm()
    answer = owner.post(ADDRESS, told["data"] | {"code": told["code"]})
    assert "two-step PIN of its own" in answer.json()["message"]
    number |= {"pin": "123456"}
    form = {"account_id": number["id"], "waba_id": number["waba"], "access_token": number["token"]}
    by_hand = "/app/settings/channels/whatsapp/connect"
    assert owner.post(by_hand, form | {"pin": "12"}).json()["message"] == "The PIN has six digits"
    assert owner.post(by_hand, form | {"pin": "123456"}).status_code == 200
    number |= {"pin": "654321"}  # it sends: it is not registered anew
    assert owner.post(by_hand, form | {"pin": "123456"}).status_code == 200


def test_the_window_is_offered_where_the_server_has_a_configuration(talk: Talk, settings: Any) -> None:
    owner = Visitor(talk.shop.domain)
    page = "/app/settings/channels/whatsapp"
    assert "Connect with Meta" not in owner.get(page).content.decode()
    settings.META_SIGNUP_CONFIG_ID = "777"
    html = owner.get(page).content.decode()
    assert f'data-app="{settings.META_APP_ID}" data-config="777"' in html
    assert 'data-origin=""' in html  # only Meta's own window is believed
    assert settings.META_APP_SECRET not in html
