"""Connecting accounts and keeping templates, with a Graph API on loopback."""

from typing import Any

import pytest

from post_purchase.channels.base import ChannelError, TemplateUpdate
from post_purchase.jobs.templates import submit_templates
from post_purchase.models import Channel, ChannelStatus, MessageTemplate
from post_purchase.services import sender_proof, templates
from post_purchase.services.channels import connect_channel, disconnect_channel, halt_channel, resume_channel
from post_purchase.services.templates import TemplateSpec, apply_update, ensure_templates, template_for
from post_purchase.words import ChannelKind
from shopapp.models import Shop
from tests.channels.graph_server import GraphServer
from tests.factories import make_channel, make_shop

pytestmark = pytest.mark.django_db
NUMBER, WABA = "106540352242922", "102290129340398"
SPEC = TemplateSpec("order_shipped", "de", "UTILITY", "Bestellung {{1}} ist unterwegs.", ["#1001"])
CREATE, LIST = f"POST /{WABA}/message_templates", f"GET /{WABA}/message_templates"


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def connect(shop: Shop, **more: str) -> Channel:
    credentials = {"access_token": "EAA-secret", "waba_id": WABA} | more
    return connect_channel(shop=shop, kind=ChannelKind.WHATSAPP, account_id=NUMBER, credentials=credentials)


def working(graph: GraphServer) -> None:
    graph.answers |= {
        f"GET /{NUMBER}": (200, {"display_phone_number": "+1 555-078-3881", "verified_name": "Fern & Field"}),
        f"GET /{WABA}/phone_numbers": (200, {"data": [{"id": NUMBER}]}),
        f"POST /{WABA}/subscribed_apps": (200, {"success": True}),
    }


def test_a_number_is_checked_saved_and_subscribed(graph: GraphServer, shop: Shop) -> None:
    working(graph)
    channel = connect(shop)
    channel.refresh_from_db()
    assert (channel.name, channel.link_address, channel.status) == ("Fern & Field", "15550783881", "active")
    assert channel.credentials == {"access_token": "EAA-secret"}
    assert channel.options["waba_id"] == WABA
    assert len(graph.sent("/subscribed_apps")) == 1
    assert not any("EAA" in each.path for each in graph.asked)
    assert connect(shop, access_token="EAA-new").pk == channel.pk
    channel.refresh_from_db()
    assert channel.credentials == {"access_token": "EAA-new"}


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        (f"GET /{NUMBER}", (401, {"error": {"code": 190, "message": "x"}}), "The access token no longer works"),
        (f"GET /{NUMBER}", (403, {"error": {"code": 10, "message": "x"}}), "lacks a permission"),
        (f"GET /{NUMBER}", (400, {"error": {"code": 100, "message": "x"}}), "does not know this ID"),
        (f"GET /{NUMBER}", (200, {"name": "A page"}), "not a WhatsApp phone number's"),
        (f"GET /{WABA}/phone_numbers", (200, {"data": [{"id": "2"}]}), "does not belong to this"),
        (f"POST /{WABA}/subscribed_apps", (403, {"error": {"code": 200, "message": "x"}}), "lacks a permission"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words_and_nothing_is_saved(
    graph: GraphServer, shop: Shop, path: str, answer: Any, words: str
) -> None:
    working(graph)
    graph.answers[path] = answer
    with pytest.raises(ChannelError, match=words):
        connect(shop)
    assert not Channel.objects.exists()


def test_an_account_belongs_to_one_shop_until_it_is_disconnected(graph: GraphServer, shop: Shop) -> None:
    working(graph)
    channel = connect(shop)
    rival = make_shop("rival.myshopify.com")
    with pytest.raises(ChannelError, match="connected to another shop"):
        connect(rival)
    graph.answers[f"DELETE /{WABA}/subscribed_apps"] = (200, {"success": True})
    disconnect_channel(channel)
    assert [each.method for each in graph.sent("/subscribed_apps")] == ["POST", "DELETE"]
    assert connect(rival).shop == rival
    channel.refresh_from_db()
    assert (channel.status, channel.credentials) == (ChannelStatus.DISCONNECTED, {})


def test_meta_is_off_where_its_keys_are_missing(graph: GraphServer, shop: Shop, settings: Any) -> None:
    settings.META_APP_SECRET = ""
    with pytest.raises(ChannelError, match="switched off"):
        connect(shop)
    assert graph.asked == []


def test_a_page_gets_get_started_and_its_events(graph: GraphServer, shop: Shop) -> None:
    graph.answers |= {
        "GET /700100": (200, {"id": "700100", "name": "Fern & Field", "username": "fernandfield"}),
        "POST /700100/subscribed_apps": (200, {"success": True}),
        "POST /700100/messenger_profile": (200, {"result": "success"}),
    }
    channel = connect_channel(
        shop=shop, kind=ChannelKind.MESSENGER, account_id="700100", credentials={"access_token": "EAA"}
    )
    assert channel.link_address == "fernandfield"
    assert "messaging_referrals" in graph.sent("/subscribed_apps")[0].json["subscribed_fields"]
    assert graph.sent("/messenger_profile")[0].json["get_started"] == {"payload": "GET_STARTED"}


def test_a_sender_address_is_checked(shop: Shop) -> None:
    with pytest.raises(ChannelError, match="not an e-mail address"):
        connect_channel(shop=shop, kind=ChannelKind.EMAIL, account_id="hello", credentials={})
    asked = {"shop": shop, "kind": ChannelKind.EMAIL, "account_id": "Hello@Fern.example", "credentials": {}}
    with pytest.raises(ChannelError, match="not the code that came to hello@fern"):
        connect_channel(**asked, proof="AB3K-Q9ZT")
    found = connect_channel(**asked, proof=sender_proof.code_for(shop, "hello@fern.example"))
    assert (found.account_id, found.link_address) == ("hello@fern.example", "hello@fern.example")


def test_a_halted_account_waits_for_a_person(shop: Shop) -> None:
    channel = make_channel(shop)
    halt_channel(channel, "The access token no longer works.")
    channel.refresh_from_db()
    assert (channel.status, channel.status_reason) == ("halted", "The access token no longer works.")
    resume_channel(channel)
    channel.refresh_from_db()
    assert (channel.status, channel.status_reason) == ("active", "")


def test_a_template_is_submitted_once_and_approved_by_the_callback(graph: GraphServer, shop: Shop) -> None:
    channel = make_channel(shop)
    graph.answers |= {LIST: (200, {"data": []}), CREATE: (200, {"id": "9", "status": "PENDING"})}
    ensure_templates(channel=channel, specs=[SPEC])
    ensure_templates(channel=channel, specs=[SPEC])
    [asked] = [each for each in graph.sent("/message_templates") if each.method == "POST"]
    assert asked.json == {
        "name": "order_shipped",
        "language": "de",
        "category": "UTILITY",
        "parameter_format": "POSITIONAL",
        "components": [
            {"type": "BODY", "text": "Bestellung {{1}} ist unterwegs.", "example": {"body_text": [["#1001"]]}}
        ],
    }
    channel.refresh_from_db()
    assert channel.templates_due_at is not None
    assert template_for(channel, "order_shipped", "de") is None
    assert apply_update(TemplateUpdate(WABA, "order_shipped", "de", "APPROVED")) == 1
    found = template_for(channel, "order_shipped", "de-AT")
    assert found is not None
    assert (found.provider_id, found.status) == ("9", "approved")
    ensure_templates(channel=channel, specs=[SPEC])
    channel.refresh_from_db()
    assert channel.templates_due_at is None


def test_a_template_that_meta_has_already_is_adopted(graph: GraphServer, shop: Shop) -> None:
    row = {
        "id": "9",
        "name": "order_shipped",
        "language": "de",
        "status": "APPROVED",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": SPEC.body}],
    }
    graph.answers[LIST] = (200, {"data": [row]})
    ensure_templates(channel=make_channel(shop), specs=[SPEC])
    found = MessageTemplate.objects.get()
    assert (found.status, found.provider_id, len(graph.asked)) == ("approved", "9", 1)


def test_a_refused_template_says_why_and_a_bad_token_stops_the_account(graph: GraphServer, shop: Shop) -> None:
    channel = make_channel(shop)
    refused = (400, {"error": {"code": 100, "message": "x", "error_data": {"details": "Bad format"}}})
    graph.answers |= {LIST: (200, {"data": []}), CREATE: refused}
    ensure_templates(channel=channel, specs=[SPEC])
    found = MessageTemplate.objects.get()
    assert found.status == "rejected"
    assert "Bad format" in found.status_reason
    MessageTemplate.objects.update(status="draft")
    graph.answers[CREATE] = (401, {"error": {"code": 190, "message": "x"}})
    ensure_templates(channel=channel, specs=[SPEC])
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.HALTED
    assert MessageTemplate.objects.get().status == "draft"


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        ("{{1}} ist da.", ["x"]),
        ("Hier: {{1}}", ["x"]),
        ("Hier {{1}} {{2}} da.", ["x", "y"]),
        ("Hier {{2}} und {{1}} da.", ["x", "y"]),
        ("Hier {{1}} da.", []),
        ("x" * 1025, []),
        ("", []),
    ],
)
def test_what_meta_would_refuse_is_not_submitted(graph: GraphServer, shop: Shop, body: str, samples: list[str]) -> None:
    ensure_templates(channel=make_channel(shop), specs=[TemplateSpec("a", "de", "UTILITY", body, samples)])
    found = MessageTemplate.objects.get()
    assert (found.status, bool(found.status_reason), graph.asked) == ("rejected", True, [])


def test_the_language_falls_back_to_the_nearest(shop: Shop) -> None:
    channel = make_channel(shop)
    for language in ("pt_BR", "en"):
        MessageTemplate.objects.create(
            channel=channel, name="a", language=language, category="UTILITY", body="x", status="approved"
        )
    chosen = {wish: template_for(channel, "a", wish) for wish in ("pt-BR", "pt", "pt-PT", "en-GB", "ja")}
    assert {wish: row.language for wish, row in chosen.items() if row} == {
        "pt-BR": "pt_BR",
        "pt": "pt_BR",
        "pt-PT": "pt_BR",
        "en-GB": "en",
        "ja": "en",
    }
    assert template_for(channel, "b", "en") is None


def test_the_job_takes_only_accounts_that_are_due(
    graph: GraphServer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel(shop)
    graph.answers[LIST] = (200, {"data": []})
    monkeypatch.setattr("post_purchase.jobs.templates.template_specs", lambda shop: [SPEC])
    submit_templates()
    assert not MessageTemplate.objects.exists()
    templates.templates_wanted(shop)
    graph.answers[CREATE] = (200, {"id": "9", "status": "APPROVED"})
    submit_templates()
    submit_templates()
    assert [(row.name, row.status) for row in MessageTemplate.objects.all()] == [("order_shipped", "approved")]
    channel.refresh_from_db()
    assert channel.templates_due_at is None


def test_the_network_is_told_once_nobody_of_the_account_listens(graph: GraphServer, shop: Shop) -> None:
    first, second = make_channel(shop), make_channel(shop, account_id="2")
    disconnect_channel(first)  # the second number listens by the same subscription
    assert graph.asked == []
    disconnect_channel(second)  # Meta says no, or is away: disconnected all the same
    assert [each.method for each in graph.asked] == ["DELETE"]
    assert set(Channel.objects.values_list("status", flat=True)) == {ChannelStatus.DISCONNECTED}
    page = make_channel(shop, ChannelKind.MESSENGER)
    disconnect_channel(page)
    assert graph.asked[-1].path.endswith("/700100/subscribed_apps")
