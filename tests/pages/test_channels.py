"""Connecting an account: asked of the network at once, answered in plain words, and no secret ever shown again."""

import socket

from post_purchase.models import Channel, MessageTemplate
from tests.factories import make_channel


def test_a_sender_address_is_connected(owner, shop):
    response = owner.post("/app/settings/channels/email/connect", {"account_id": "Hello@fern.example.test"})
    assert response.status_code == 200, response.json()
    assert response.json()["go"].startswith("/app/settings/channels?")
    channel = Channel.objects.get(shop=shop)
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
