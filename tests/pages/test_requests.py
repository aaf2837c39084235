"""What may be asked for: the merchant's rules, and the team's yes or no in one tap."""

import pytest

from demo.shopify.shop import SCOPES
from post_purchase.models import Member, Message, RequestedAction, ShopSettings
from post_purchase.services import policies
from post_purchase.services.action_rules import ALL_SCOPES, Mode, Rule, rule_of
from shopapp.models import Shop
from shopapp.shopify.install import install_or_refresh
from tests.pages.seed import Seed, seed
from tests.pretend_world import shopify_world

OFF = {f"mode_{kind}": "off" for kind in ("cancel", "address", "return", "exchange")}


@pytest.fixture
def rows(shop) -> Seed:
    return seed(shop)


def verb(rows: Seed, name: str) -> str:
    return f"/app/conversations/{rows.conversation.pk}/requests/{rows.action.pk}/{name}"


def test_rules_are_kept_and_wrong_ones_named_at_their_field(owner, shop):
    wanted = OFF | {"mode_cancel": "at_once", "limit_cancel": "2", "mode_return": "person", "limit_return": "30"}
    assert owner.post("/app/settings/requests/save", wanted | {"says_automatic": "1"}).status_code == 200
    row = ShopSettings.objects.get(shop=shop)
    assert (rule_of(row, "cancel"), rule_of(row, "return")) == (Rule(Mode.AT_ONCE, 2), Rule(Mode.PERSON, 30))
    assert (rule_of(row, "address"), row.says_automatic) == (Rule(Mode.OFF), True)
    for wrong in ({"mode_exchange": "at_once"}, {"limit_cancel": "9999"}, {"mode_return": "sometimes"}):
        answer = owner.post("/app/settings/requests/save", wanted | wrong)
        assert (answer.status_code, [*answer.json()["errors"]]) == (422, [*wrong])
    assert rule_of(ShopSettings.objects.get(shop=shop), "cancel") == Rule(Mode.AT_ONCE, 2)


def test_a_request_is_approved_once_and_only_by_who_may_write(owner, rows, shop):
    page = f"/app/conversations/{rows.conversation.pk}"
    assert verb(rows, "approve") in owner.get(page).content.decode()
    assert owner.post(verb(rows, "approve")).json()["message"].startswith("Shopify has not allowed this app")
    Shop.objects.filter(pk=shop.pk).update(scopes=",".join(ALL_SCOPES))
    Member.objects.filter(user_id="42").update(role="reader")
    assert owner.post(verb(rows, "approve")).status_code == 403
    assert verb(rows, "approve") not in owner.get(page).content.decode()
    Member.objects.filter(user_id="42").update(role="owner")
    assert owner.post(verb(rows, "approve")).status_code == 200
    action = RequestedAction.objects.get()
    assert (action.state, action.decided_by) == ("confirmed", "42")
    assert owner.post(verb(rows, "decline")).json()["message"] == "Somebody of your team has decided this already."
    assert verb(rows, "decline") not in owner.get(page).content.decode()


def test_a_declined_request_is_told_to_the_shopper(owner, rows):
    point = rows.conversation.contact.points.first()
    RequestedAction.objects.update(point=point, language="de")
    assert owner.post(verb(rows, "decline")).status_code == 200
    told = Message.objects.get(dedupe_key=f"action:{rows.action.pk}:declined")
    assert told.text.startswith(f"Es tut uns leid, für Ihre Bestellung {rows.order.name}")


def test_after_the_yes_the_policies_are_read_and_shown(owner, shop, settings):
    with shopify_world(settings) as world:
        install_or_refresh(shop.domain, world.shopify.oauth.admin_token(shop.domain))
        refused = owner.post("/app/settings/requests/allow")
        assert (refused.status_code, "accept in Shopify" in refused.json()["message"]) == (422, True)
        world.state.part("shops")[shop.domain]["scopes"] = ",".join([SCOPES, *ALL_SCOPES])
        html = owner.get("/app/settings/requests").content.decode()
        assert 'data-scopes="write_orders,write_returns,read_legal_policies"' in html
        assert owner.post("/app/settings/requests/allow").status_code == 200
        html = owner.get("/app/settings/requests").content.decode()
        assert "data-scopes" not in html
        assert "https://fern-and-field.example.com/policies/refund-policy" in html
        before = len(world.shopify.graphql.calls)
        policies.read_due()  # read a moment ago
        assert len(world.shopify.graphql.calls) == before
