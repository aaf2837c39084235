"""Connecting an account: asked of the network at once, answered in plain words, and no secret ever shown again."""

import re
import socket

import pytest

from post_purchase.models import Channel, FirstWord, MessageTemplate
from post_purchase.services import sender_proof
from shopapp.lib import clock
from tests.factories import make_channel, make_contact, make_point, make_shop
from tests.pages.visitor import RIVAL, Visitor

CONNECT = "/app/settings/channels/email/connect"
ADDRESS = "hello@fern.example.test"


def code_in(mail) -> str:
    return re.search(r"Your code is (\S+)", mail.body)[1]


def test_a_sender_address_is_connected_by_the_code_that_came_there(owner, shop, mailoutbox):
    response = owner.post(CONNECT, {"account_id": "Hello@fern.example.test", "name": "Post"})
    assert response.status_code == 200, response.json()
    assert not Channel.objects.exists()
    [mail] = mailoutbox
    assert (mail.to, shop.domain in mail.body) == ([ADDRESS], True)
    code = code_in(mail)
    page = owner.get(response.json()["go"]).content.decode()
    assert f'name="account_id" value="{ADDRESS}"' in page
    assert 'name="proof"' in page
    assert code not in page
    for wrong in ("ABCD-EFGH", "x", "²"):
        response = owner.post(CONNECT, {"account_id": ADDRESS, "proof": wrong})
        assert (response.status_code, list(response.json()["errors"])) == (422, ["proof"])
    response = owner.post(CONNECT, {"account_id": ADDRESS, "proof": f" {code.lower()} ", "name": "Post"})
    assert response.status_code == 200, response.json()
    assert response.json()["go"].startswith("/app/settings/channels?")
    channel = Channel.objects.get(shop=shop)
    assert channel.name == "Post"
    again = owner.post(CONNECT, {"account_id": ADDRESS, "name": "Anew"})  # it is theirs already
    assert (again.status_code, len(mailoutbox)) == (200, 1)
    assert Channel.objects.get(shop=shop).name == "Anew"
    assert (channel.kind, channel.account_id, channel.status) == ("email", "hello@fern.example.test", "active")


def test_a_wrong_address_is_refused_in_plain_words(owner, shop):
    response = owner.post("/app/settings/channels/email/connect", {"account_id": "not an address"})
    assert response.status_code == 422
    assert response.json()["message"] == "This is not an e-mail address"
    assert response.json()["errors"] == {"account_id": "This is not an e-mail address"}
    assert not Channel.objects.exists()


def test_every_field_that_the_network_needs_is_asked_for(owner, shop):
    response = owner.post("/app/settings/channels/whatsapp/connect", {"name": "Ours"})
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"account_id", "waba_id", "access_token"}


def test_a_network_that_cannot_be_reached_saves_nothing(owner, shop, settings):
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        settings.META_GRAPH_ORIGIN = f"http://127.0.0.1:{taken.getsockname()[1]}"
        form = {"account_id": "106540352242922", "waba_id": "102290129340398", "access_token": "EAA-secret"}
        response = owner.post("/app/settings/channels/whatsapp/connect", form)
    assert response.status_code == 422
    assert response.json()["message"]
    assert "EAA-secret" not in response.content.decode()
    assert not Channel.objects.exists()


def test_a_channel_that_is_not_built_has_no_page(owner, shop):
    assert owner.get("/app/settings/channels/nonsense").status_code == 404
    assert owner.post("/app/settings/channels/nonsense/connect", {"account_id": "1"}).status_code == 404


def test_a_token_that_names_its_account_is_all_that_is_asked_for(owner, shop):
    form = owner.get("/app/settings/channels/telegram").content.decode()
    assert 'name="token"' in form
    assert 'name="account_id"' not in form
    response = owner.post("/app/settings/channels/telegram/connect", {"token": "hello"})
    assert response.status_code == 422
    assert "This is not a bot token" in response.json()["errors"]["token"]
    assert not Channel.objects.exists()


def test_a_secret_is_never_shown_again(owner, shop):
    make_channel(shop, credentials={"access_token": "EAA-secret"})
    assert "EAA-secret" not in owner.get("/app/settings/channels").content.decode()


def test_a_stopped_account_says_why_and_goes_on_when_told(owner, shop):
    channel = make_channel(shop, status="halted", status_reason="The payment method was declined")
    assert "The payment method was declined" in owner.get("/app/settings/channels").content.decode()
    assert owner.post(f"/app/channels/{channel.pk}/resume").status_code == 200
    channel.refresh_from_db()
    assert channel.status == "active"
    assert owner.post(f"/app/channels/{channel.pk}/resume").status_code == 404


def test_a_disconnected_account_forgets_its_credentials(owner, shop):
    channel = make_channel(shop)
    assert owner.post(f"/app/channels/{channel.pk}/disconnect").status_code == 200
    channel.refresh_from_db()
    assert (channel.status, channel.credentials_json) == ("disconnected", "")


def test_a_network_with_several_providers_has_a_form_for_each(owner, shop):
    page = owner.get("/app/settings/channels/sms").content.decode()
    assert 'name="auth_token"' in page
    other = owner.get("/app/settings/channels/sms?gateway=http").content.decode()
    assert 'name="url"' in other
    assert '<input type="hidden" name="gateway" value="http">' in other
    form = {"account_id": "FernField", "gateway": "http", "url": "http://x.example.com", "secret": "0123456789abcdef"}
    response = owner.post("/app/settings/channels/sms/connect", form)
    assert response.status_code == 422
    assert "must start with https://" in response.json()["message"]
    assert not Channel.objects.exists()


def test_the_page_of_templates_tells_what_a_re_classing_costs(owner, shop):
    channel = make_channel(shop)
    made = {"channel": channel, "name": "shipped", "category": "MARKETING", "asked_category": "UTILITY", "body": "Hi"}
    MessageTemplate.objects.create(**made, language="de", status="rejected", status_reason="INVALID_FORMAT")
    page = owner.get("/app/settings/templates").content.decode()
    assert "shipped (de) is charged as an offer now" in page
    assert "Nothing has been sent with it in the last 30 days" in page
    assert "INVALID_FORMAT" in page
    assert "1 template charged as an offer" in owner.get("/app").content.decode()
    row = MessageTemplate.objects.get()
    assert owner.post(f"/app/settings/templates/{row.pk}/again").status_code == 200
    assert owner.post(f"/app/settings/templates/{row.pk}/again").status_code == 422
    form = {
        "account": channel.pk,
        "name": "question",
        "language": "en",
        "category": "UTILITY",
        "body": "About {{1}}: ?",
    }
    refused = owner.post("/app/settings/templates/add", form)
    assert (refused.status_code, refused.json()["errors"]) == (422, {"body": "Every value needs an example."})
    assert owner.post("/app/settings/templates/add", form | {"name": "No!"}).json()["errors"].keys() == {"name"}
    assert owner.post("/app/settings/templates/add", form | {"account": "99"}).status_code == 404
    assert owner.post("/app/settings/templates/add", form | {"samples": "#1001"}).status_code == 200
    assert MessageTemplate.objects.get(name="question").parameters == [{"name": "1", "sample": "#1001"}]


def test_a_code_is_good_for_one_shop_one_address_and_two_hours_at_most(owner, shop, mailoutbox, at):
    rival = make_shop(RIVAL)
    code = sender_proof.code_for(shop, ADDRESS)
    assert sender_proof.is_right(shop=shop, address=ADDRESS.upper(), code=code)
    assert not sender_proof.is_right(shop=rival, address=ADDRESS, code=code)
    assert not sender_proof.is_right(shop=shop, address="ceo@fern.example.test", code=code)
    assert Visitor(RIVAL).post(CONNECT, {"account_id": ADDRESS, "proof": code}).status_code == 422
    at.move(hours=1)
    assert sender_proof.is_right(shop=shop, address=ADDRESS, code=code)
    at.move(hours=1)
    assert not sender_proof.is_right(shop=shop, address=ADDRESS, code=code)


def test_nobodys_mailbox_is_flooded_with_codes(owner, shop, mailoutbox):
    make_shop(RIVAL)
    answers = [owner.post(CONNECT, {"account_id": ADDRESS}) for _ in range(sender_proof.CODES)]
    assert {answer.status_code for answer in answers} == {200}
    told = Visitor(RIVAL).post(CONNECT, {"account_id": ADDRESS})
    assert (told.status_code, "codes were sent in an hour" in told.json()["message"]) == (422, True)
    assert len(mailoutbox) == sender_proof.CODES


def test_a_code_cannot_be_guessed(owner, shop):
    for _ in range(sender_proof.GUESSES):
        assert not sender_proof.is_right(shop=shop, address=ADDRESS, code="AAAA-AAAA")
    assert not sender_proof.is_right(shop=shop, address=ADDRESS, code=sender_proof.code_for(shop, ADDRESS))


@pytest.mark.parametrize(
    ("limit", "people", "words"),
    [
        (10, 3, "Written to first in the last 24 hours: 3 of 10 people"),
        (10, 8, "Soon as many people as Meta allows were written to first"),
        (3, 3, "As many people as Meta allows were written to first"),
        (-1, 0, "Meta sets no limit"),
        (0, 0, "Meta has not said yet how many people"),
    ],
)
def test_the_page_tells_how_many_people_were_written_to_first(owner, shop, limit, people, words):
    options = {"waba_id": "1", "portfolio": "2", "portfolio_limit": limit}
    make_channel(shop, options=options)
    for number in range(people):
        point = make_point(make_contact(shop), address=f"4917{number}")
        FirstWord.objects.create(portfolio="2", point=point, said_at=clock.now())
    assert words in owner.get("/app/settings/channels").content.decode()


def test_networks_without_such_a_count_say_nothing_of_it(owner, shop):
    make_channel(shop, "telegram")
    assert "first" not in owner.get("/app/settings/channels").content.decode().split("<s-page")[1]
