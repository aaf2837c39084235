"""The Liquid that merchants paste into Shopify's e-mail: two engines compute the code that our link has."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from liquid import Environment

from post_purchase.models import ShopSettings
from post_purchase.services import links
from post_purchase.touchpoints.base import Placing
from post_purchase.touchpoints.kinds.email_button import EmailButton
from tests.factories import make_order, make_shop

pytestmark = pytest.mark.django_db
EXTENSION = Path(__file__).resolve().parent.parent.parent / "extensions" / "thank-you"
RENDER = """
import {createHmac} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {Liquid} from 'liquidjs';
const {source, id} = JSON.parse(readFileSync(0, 'utf8'));
const engine = new Liquid();
engine.registerFilter('hmac_sha256', (text, key) => createHmac('sha256', key).update(text).digest('hex'));
process.stdout.write(engine.parseAndRenderSync(source, {id}));
"""


def placing(shop, text=""):
    return Placing(
        app_url="https://app.example.test",
        link_url="https://app.example.test/c/SHOPWIDE",
        link_key=ShopSettings.objects.get(shop=shop).link_key,
        shop_name="Fern & Field",
        text=text,
    )


def with_python(source, order_id):
    environment = Environment()
    environment.filters["hmac_sha256"] = lambda text, key: hmac.new(
        key.encode(), text.encode(), hashlib.sha256
    ).hexdigest()
    return environment.from_string(source).render(id=order_id)


def with_liquidjs(source, order_id):
    if not shutil.which("node") or not (EXTENSION / "node_modules" / "liquidjs").is_dir():
        pytest.skip("needs `npm ci` in extensions/thank-you")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", RENDER],
        cwd=EXTENSION,
        input=json.dumps({"source": source, "id": order_id}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("render", [with_python, pytest.param(with_liquidjs, marks=pytest.mark.npm)])
def test_the_rendered_button_leads_to_the_orders_link(render):
    shop = make_shop()
    order = make_order(shop)
    links.join_order(order=order)
    html = render(EmailButton().snippet(placing(shop)).code, order.shopify_id)
    codes = set(re.findall(r'href="https://app\.example\.test/c/([^"]+)"', html))
    assert len(codes) == 1
    code = codes.pop()
    assert re.fullmatch(r"[0-9A-F]{20}", code)
    assert links.find_link(shop, code).order == order


def test_another_shops_key_makes_another_code():
    shop, rival = make_shop(), make_shop("rival.myshopify.com")
    order = make_order(shop)
    links.join_order(order=order)
    html = with_python(EmailButton().snippet(placing(rival)).code, order.shopify_id)
    code = re.search(r"/c/([0-9A-F]{20})", html).group(1)
    assert links.find_link(shop, code) is None


def test_the_merchants_words_are_neither_html_nor_liquid():
    shop = make_shop()
    words = "<script>x</script> {{ customer.email }} {% if %}"
    html = with_python(EmailButton().snippet(placing(shop, words)).code, 1)
    assert "<script>" not in html
    assert "&#123;&#123; customer.email &#125;&#125;" in html


def test_without_an_order_the_snippet_prints_nothing():
    html = with_python(EmailButton().snippet(placing(make_shop())).code, None)
    assert html.strip() == ""


def test_the_snippet_holds_nothing_of_the_shopper():
    code = EmailButton().snippet(placing(make_shop())).code
    assert re.findall(r"\{\{\s*(\w+)", code) == ["id", "id", "id"]
