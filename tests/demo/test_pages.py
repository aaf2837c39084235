"""The pages of the demo world: the admin frame, the shopper's side, and the API behind them."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from PIL import Image

from demo.pages.buyer import delivery_groups
from demo.pages.letters import rendered
from demo.pages.parcels import drawn
from demo.pages.pictures import sample_photo
from demo.pages.site import add_pages
from demo.seed import history
from demo.world import DemoWorld
from post_purchase.printing.card import Design
from post_purchase.printing.layouts import layouts
from post_purchase.printing.sheets import write_pdf

SHOP = "fern-and-field.myshopify.com"
ENVIRONMENT = {
    "SHOPIFY_API_KEY": "test-client-id",
    "SHOPIFY_API_SECRET": "test-client-secret-of-32-characters",
    "META_APP_SECRET": "test-meta-secret",
    "ANYMAIL_WEBHOOK_SECRET": "user:password",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DemoWorld]:
    environment = ENVIRONMENT | {"CLOCK_FILE": str(tmp_path / "clock")}
    with DemoWorld.running(environment=environment, state_file=tmp_path / "world.json") as world:
        world.shopify.create_shop(SHOP)
        world.whatsapp.create_number()
        world.messenger.create_page()
        add_pages(world)
        world.app_url = "http://127.0.0.1:9"
        yield world


def act(world: DemoWorld, what: str, **asked: object) -> httpx.Response:
    return httpx.post(f"{world.url}/api/act/{what}", json=asked)


def test_the_admin_frame_opens_the_app_as_shopify_does(world: DemoWorld) -> None:
    page = httpx.get(f"{world.url}/admin/{SHOP}").text
    source = page.split('src="')[1].split('"')[0].replace("&amp;", "&")
    query = parse_qs(urlsplit(source).query)
    assert source.startswith("http://127.0.0.1:9/app?")
    assert (query["embedded"], query["shop"]) == (["1"], [SHOP])
    claims = jwt.decode(query["id_token"][0], ENVIRONMENT["SHOPIFY_API_SECRET"], ["HS256"], audience="test-client-id")
    assert claims["iss"] == f"https://{SHOP}/admin"


def test_only_the_app_may_read_an_id_token(world: DemoWorld) -> None:
    answer = httpx.get(f"{world.url}/admin/id-token", params={"shop": SHOP})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:9"
    assert answer.json()["id_token"].count(".") == 2
    assert httpx.get(f"{world.url}/admin/id-token", params={"shop": "other.myshopify.com"}).status_code == 404


def test_a_tap_on_a_whatsapp_link_opens_the_phone_with_the_draft(world: DemoWorld) -> None:
    answer = httpx.get(f"{world.url}/wa.me/15550783881", params={"text": "Hi! My code is AB3K"})
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (answer.status_code, query) == (302, {"app": ["whatsapp"], "draft": ["Hi! My code is AB3K"]})


def test_buying_shipping_and_the_clock_work_from_the_page(world: DemoWorld) -> None:
    order = act(world, "order", name="Ada Holm", language="sv", country="DE", product=2).json()["order"]
    parcel = act(world, "ship", order=order).json()["parcel"]
    assert act(world, "scan", parcel=parcel, status="delivered").status_code == 200
    before = world.now()
    assert act(world, "clock", hours=24).status_code == 200
    assert (world.now() - before).total_seconds() > 86_390
    assert act(world, "clock", hours=-1).json() == {"error": "The clock only goes ahead, at most 100 days at once"}
    shown = httpx.get(f"{world.url}/api/world", params={"order": order}).json()
    assert shown["order"]["person"] == "Ada Holm"
    assert [each["status"] for each in shown["order"]["parcels"]] == ["delivered"]
    assert [each.label for each in world.courier.take()] == [
        "orders/create",
        "orders/paid",
        "fulfillments/create",
        "orders/updated",
        "fulfillment_events/create",
        "fulfillments/update",
        "fulfillment_events/create",
        "fulfillments/update",
    ]


def test_another_site_may_not_act(world: DemoWorld) -> None:
    answer = httpx.post(f"{world.url}/api/act/order", json={}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert world.shopify.orders(SHOP) == {}


def test_no_file_outside_the_pages_is_given(world: DemoWorld) -> None:
    for path in ("/site/site.py", "/site/..%2Fworld.py", "/cdn/shopifycloud/..%2F..%2Fworld.py"):
        assert httpx.get(world.url + path).status_code == 404


def test_a_restart_keeps_what_was(world: DemoWorld, tmp_path: Path) -> None:
    order = world.shopify.place_order(SHOP)
    world.state.save()
    environment = ENVIRONMENT | {"CLOCK_FILE": ""}
    with DemoWorld.running(environment=environment, state_file=tmp_path / "world.json") as again:
        assert again.shopify.order(SHOP, order["id"])["name"] == order["name"]


def test_the_sample_photo_carries_what_must_not_be_kept() -> None:
    image = Image.open(io.BytesIO(sample_photo()))
    assert image.getexif().get_ifd(0x8825) != {}
    assert image.getexif()[0x0112] == 6


def test_a_mistake_in_the_snippet_is_shown_in_the_letter(world: DemoWorld) -> None:
    order = world.shopify.place_order(SHOP, at=datetime(2026, 11, 24, tzinfo=UTC))
    shop = world.state.part("shops")[SHOP]
    assert rendered("{{ name }} {{ id | append: '' | size }}", order, shop) == f"{order['name']} 13"
    assert rendered("{% if %}", order, shop).startswith("<p>Liquid error:")


@pytest.mark.parametrize("block", ["thank-you", "order-status", "announcement"])
def test_the_pages_draw_the_files_that_ship(world: DemoWorld, block: str) -> None:
    built = Path(__file__).resolve().parents[2] / "extensions" / block / "dist" / f"{block}.js"
    assert httpx.get(f"{world.url}/extension/{block}.js").content == built.read_bytes()
    assert httpx.get(f"{world.url}/extension/..%2Fsite.py").status_code == 404


def test_the_inbox_holds_shopifys_confirmation_with_the_apps_button(world: DemoWorld) -> None:
    snippet = "<a href='http://127.0.0.1:9/c/{{ id }}'>Chat with us</a>"
    act(world, "notification", template="order_confirmation", language="en", code=snippet)
    order = act(world, "order", name="Ada Holm", country="US").json()["order"]
    [mail] = httpx.get(f"{world.url}/api/mail").json()["mails"]
    name = world.shopify.order(SHOP, order)["name"]
    assert (mail["by"], mail["subject"], mail["to"]) == ("Shopify", f"Order {name} confirmed", ["ada.holm@example.com"])
    assert f"http://127.0.0.1:9/c/{order}" in mail["html"]
    assert mail["zone"] == "America/New_York"  # the page shows the shopper's own hours
    assert httpx.get(f"{world.url}/api/world", params={"order": order}).json()["zone"] == "America/New_York"


def test_only_the_newest_orders_are_confirmed_at_the_start(world: DemoWorld) -> None:
    placed = [world.shopify.place_order(SHOP, tell=False) for _ in range(4)]
    assert act(world, "confirmations", newest=3).status_code == 200
    mails = httpx.get(f"{world.url}/api/mail").json()["mails"]
    assert [mail["subject"] for mail in mails] == [f"Order {each['name']} confirmed" for each in placed[:0:-1]]


def test_mail_that_the_app_never_gets_is_not_lost_in_silence(world: DemoWorld) -> None:
    world.inbound_domain = "inbound.doorstep.example"
    asked = {"from": "ada@example.com", "text": "Where is it?"}
    refused = act(world, "mail", to="hello@fern-and-field.example.com", **asked)
    assert refused.status_code == 400
    assert "write to the address that the page shows" in refused.json()["error"]
    assert act(world, "mail", to="chat+c3-0123@inbound.doorstep.example", **asked).status_code == 200
    assert [each.label for each in world.courier.take()] == ["inbound mail"]


def test_shoppers_have_addresses_that_a_browser_takes(world: DemoWorld) -> None:
    order = act(world, "order", name="Inès de la Cruz").json()["order"]
    assert world.shopify.order(SHOP, order)["email"] == "ines.de.la.cruz@example.com"
    assert all(entry["fields"]["email"].isascii() for entry in history(datetime(2026, 11, 24, tzinfo=UTC)))


def test_each_of_shopifys_five_mails_comes_when_it_happens_in_the_orders_language(world: DemoWorld) -> None:
    for template in ("order_confirmation", "shipping_confirmation", "out_for_delivery", "delivered", "refund"):
        for language in ("en", "de"):
            code = f"<i>{template} {language} {{{{ id }}}}</i>"
            assert act(world, "notification", template=template, language=language, code=code).status_code == 200
    order = act(world, "order", name="Ada Holm", language="de").json()["order"]
    parcel = act(world, "ship", order=order).json()["parcel"]
    for status in ("in_transit", "out_for_delivery", "delivered"):
        act(world, "scan", parcel=parcel, status=status)
    act(world, "refund", order=order)
    mails = httpx.get(f"{world.url}/api/mail").json()["mails"][::-1]
    name = world.shopify.order(SHOP, order)["name"]
    assert [mail["subject"] for mail in mails] == [
        f"Bestellung {name} bestätigt",
        f"Bestellung {name} ist unterwegs",
        f"Bestellung {name} wird heute zugestellt",
        f"Bestellung {name} wurde zugestellt",
        f"Erstattung für Bestellung {name}",
    ]
    templates = ("order_confirmation", "shipping_confirmation", "out_for_delivery", "delivered", "refund")
    for template, mail in zip(templates, mails, strict=True):
        assert f"<i>{template} de {order}</i>" in mail["html"]
    japanese = act(world, "order", name="Ken Abe", language="ja").json()["order"]  # not translated: the shop's own
    assert f"order_confirmation en {japanese}" in httpx.get(f"{world.url}/letter/order_confirmation/{japanese}").text


def test_a_template_refuses_what_it_cannot_hold(world: DemoWorld) -> None:
    for wrong in (
        {"template": "invoice", "language": "en", "code": "x"},
        {"template": "refund", "language": "xx", "code": "x"},
        {"template": "refund", "language": "en", "code": "x" * 20_001},
    ):
        assert act(world, "notification", **wrong).status_code == 400
    assert world.state.part("merchant") == {}
    page = httpx.get(f"{world.url}/admin/{SHOP}/notifications").text
    assert "</script><" not in page.split("const facts = ")[1].split(";\n")[0]
    assert httpx.get(f"{world.url}/admin/other.myshopify.com/notifications").status_code == 404


def test_the_packing_slip_has_the_orders_code_once_for_each_parcel(world: DemoWorld) -> None:
    act(world, "notification", template="packing_slip", language="en", code="<b>slip {{ order.id }}</b>")
    order = world.shopify.place_order(SHOP, items=((0, 1), (1, 2)), tell=False)
    address = f"{world.url}/admin/{SHOP}/orders/{order['id']}/packing-slip"
    assert httpx.get(address).text.count(f"<b>slip {order['id']}</b>") == 1
    for line in order["line_items"]:
        world.shopify.ship(SHOP, order["id"], lines=[line["id"]], tell=False)
    slip = httpx.get(address).text
    assert slip.count(f"<b>slip {order['id']}</b>") == 2
    assert f"Order {order['name']}-F2" in slip
    assert httpx.get(address.replace(str(order["id"]), "1")).status_code == 404


def test_the_card_is_scanned_from_its_picture(world: DemoWorld) -> None:
    url = "http://127.0.0.1:9/C/AB3K7MXT2QWHNPRD"
    out = io.BytesIO()
    write_pdf(out, Design(layout=layouts()["a6"], headline="Thank you"), [url], sample_url=url, alone=True)
    card = drawn(out.getvalue())
    assert card["url"].lower() == url.lower()
    assert card["sides"][0].startswith("data:image/png;base64,")
    order = world.shopify.place_order(SHOP, tell=False)
    assert httpx.get(f"{world.url}/api/card/{order['id']}").json() == {  # no app is here
        "error": "The app does not answer, so no card is printed."
    }
    assert httpx.get(f"{world.url}/scan/1").status_code == 404


def test_the_checkout_tells_when_the_order_comes(world: DemoWorld) -> None:
    order = world.shopify.place_order(SHOP, country="US", tell=False)
    placed = datetime.fromisoformat(order["created_at"])
    [group] = delivery_groups(order, placed)
    [option] = group["deliveryOptions"]
    assert group["selectedDeliveryOption"] == {"handle": option["handle"]}
    assert option["deliveryEstimate"] == {"timeInTransit": {"lower": 6 * 86_400, "upper": 10 * 86_400}}
    [late] = delivery_groups(order, placed + timedelta(days=11))
    assert late["deliveryOptions"][0]["deliveryEstimate"] == {}
    page = httpx.get(f"{world.url}/thank-you/{order['id']}").text
    assert '"groupType": "oneTimePurchase"' in page


def test_the_admin_lists_orders_to_choose_and_a_customers_own(world: DemoWorld) -> None:
    maria = world.shopify.place_order(SHOP, email="maria@example.com", tell=False)
    world.shopify.place_order(SHOP, first_name="<b>Tom", email="tom@example.com", tell=False)
    page = httpx.get(f"{world.url}/admin/{SHOP}/orders").text
    assert page.count('value="gid://shopify/Order/') == 2
    assert "<b>Tom" not in page
    customer = httpx.get(f"{world.url}/admin/{SHOP}/customers/{maria['customer']['id']}").text
    assert customer.count('value="gid://shopify/Order/') == 1
    assert f"ids=gid://shopify/Customer/{maria['customer']['id']}" in customer
    assert httpx.get(f"{world.url}/admin/{SHOP}/customers/1").status_code == 404
