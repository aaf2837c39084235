"""The pages of the demo world: the admin frame, the shopper's side, and the API behind them."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from PIL import Image

from demo.pages.letters import rendered
from demo.pages.pictures import sample_photo
from demo.pages.site import add_pages
from demo.seed import history
from demo.world import DemoWorld

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
    act(world, "merchant", email_snippet="<a href='http://127.0.0.1:9/c/{{ id }}'>Chat with us</a>")
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
