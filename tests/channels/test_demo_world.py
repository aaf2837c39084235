"""Accounts, messages and templates against the demo's strict Meta."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo.world import DemoWorld
from post_purchase.channels.base import Button, ChannelError, Inbound, Outcome, OutMessage, TemplateUse
from post_purchase.channels.registry import driver_for
from post_purchase.services.channels import connect_channel
from post_purchase.services.templates import TemplateSpec, ensure_templates, template_for
from post_purchase.words import ChannelKind, Mode
from shopapp.lib import clock
from tests.factories import make_contact, make_point, make_shop
from tests.pretend_world import ENVIRONMENT

pytestmark = pytest.mark.django_db
NUMBER, PAGE = "106540352242922", "700100"


@pytest.fixture
def world(settings: Any) -> Iterator[DemoWorld]:
    with DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        settings.META_GRAPH_ORIGIN = f"{world.url}/graph"
        world.whatsapp.create_number(token="EAA-number")
        world.messenger.create_page(token="EAA-page")
        yield world


def test_whatsapp_from_the_first_check_to_a_template_outside_the_window(world: DemoWorld) -> None:
    shop = make_shop()
    with pytest.raises(ChannelError, match="access token no longer works"):
        connect(shop, access_token="wrong")
    channel = connect(shop, access_token="EAA-number")
    user = world.whatsapp.create_person("Maria")
    point, driver = make_point(make_contact(shop), address=user), driver_for(ChannelKind.WHATSAPP)
    with pytest.raises(ChannelError) as caught:
        driver.send(channel=channel, point=point, message=OutMessage(text="Hi"), mode=Mode.FREE, ref="R1")
    assert caught.value.outcome == Outcome.USE_TEMPLATE
    ensure_templates(channel=channel, specs=[TemplateSpec("shipped", "en", "UTILITY", "Order {{1}} left.", ["#1"])])
    channel.templates.update(status="approved")  # the callback says so later
    approved = template_for(channel, "shipped", "en")
    assert approved is not None
    assert approved.provider_id
    world.whatsapp.write(user, "Hello")
    question = OutMessage(text="How was it?", buttons=[Button(id="5", title="5")])
    driver.send(channel=channel, point=point, message=question, mode=Mode.FREE, ref="R2")
    [received] = world.whatsapp.received(user)
    assert (received["text"], received["ref"], received["buttons"][0]["id"]) == ("How was it?", "R2", "5")


def connect(shop: Any, *, access_token: str) -> Any:
    credentials = {"access_token": access_token, "waba_id": "102290129340398"}
    return connect_channel(shop=shop, kind=ChannelKind.WHATSAPP, account_id=NUMBER, credentials=credentials)


def test_messenger_inside_the_window_and_after_it(world: DemoWorld) -> None:
    shop = make_shop()
    channel = connect_channel(
        shop=shop, kind=ChannelKind.MESSENGER, account_id=PAGE, credentials={"access_token": "EAA-page"}
    )
    psid = world.messenger.create_person("Luc")
    point = make_point(make_contact(shop), ChannelKind.MESSENGER, address=psid)
    driver = driver_for(ChannelKind.MESSENGER)
    with pytest.raises(ChannelError) as caught:
        driver.send(channel=channel, point=point, message=OutMessage(text="Hi"), mode=Mode.FREE, ref="R1")
    assert caught.value.outcome == Outcome.USE_TEMPLATE
    ensure_templates(channel=channel, specs=[TemplateSpec("shipped", "en", "UTILITY", "Order {{1}} left.", ["#1"])])
    use = TemplateUse(name="shipped", language="en", parameters=["#1001"])
    driver.send(channel=channel, point=point, message=OutMessage(text="-", template=use), mode=Mode.TEMPLATE, ref="R2")
    assert [each["text"] for each in world.messenger.received(psid)] == ["Order #1001 left."]


def test_a_contact_request_is_answered_with_the_persons_own_number(world: DemoWorld) -> None:
    shop = make_shop()
    channel, driver = connect(shop, access_token="EAA-number"), driver_for(ChannelKind.WHATSAPP)
    user = world.whatsapp.create_person("Tom", phone="4915200000077")
    world.whatsapp.hide_phone(user)
    point = make_point(make_contact(shop), address=user)
    assert driver.can_ask_phone(point=point)
    world.whatsapp.write(user, "Hello")
    question = OutMessage(text="Which order is it?", asks_phone=True)
    sent = driver.send(channel=channel, point=point, message=question, mode=Mode.FREE, ref="R1")
    world.whatsapp.share_phone(user, sent.provider_id)
    told = [json.loads(each.body) for each in world.courier.log if b"contact_request" in each.body]
    [answer] = driver.parse(body=json.dumps(told[0]).encode(), headers={})
    assert isinstance(answer, Inbound)
    assert (answer.address, answer.phone, answer.shares_phone) == (user, "+4915200000077", True)
    assert not driver.can_ask_phone(point=make_point(make_contact(shop), address="4915200000078"))


def test_the_portfolio_limit_is_told_counted_and_raised(world: DemoWorld) -> None:
    shop = make_shop()
    channel = connect(shop, access_token="EAA-number")
    told = (channel.options["portfolio"], channel.options["portfolio_limit"])
    assert told == ("506914307656634", 250)
    ensure_templates(channel=channel, specs=[TemplateSpec("shipped", "en", "UTILITY", "Order {{1}} left.", ["#1"])])
    world.whatsapp.decide_template("102290129340398:shipped:en", "APPROVED")
    for number in range(250):
        world.whatsapp.count_first_word(f"DE.{number}", "TIER_250")
    user = world.whatsapp.create_person("Maria")
    point, driver = make_point(make_contact(shop), address=user), driver_for(ChannelKind.WHATSAPP)
    use = TemplateUse(name="shipped", language="en", parameters=["#1001"])
    news = OutMessage(text="-", template=use)
    with pytest.raises(ChannelError) as caught:
        driver.send(channel=channel, point=point, message=news, mode=Mode.TEMPLATE, ref="R1")
    assert caught.value.code == "131048"
    world.whatsapp.set_tier("TIER_2K")
    driver.send(channel=channel, point=point, message=news, mode=Mode.TEMPLATE, ref="R2")
    assert len(world.whatsapp.received(user)) == 1
    assert connect(shop, access_token="EAA-number").options["portfolio_limit"] == 2000
