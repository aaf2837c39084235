"""The Liquid that merchants paste into Shopify's e-mails: two engines write the link that our server knows."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from liquid import Environment

from post_purchase.models import ShopSettings
from post_purchase.services import links
from post_purchase.touchpoints import email_snippets as snippets
from post_purchase.touchpoints.codes import read_code
from post_purchase.touchpoints.colors import contrast
from post_purchase.touchpoints.texts import languages
from post_purchase.words import EmailTemplate, TouchpointKind
from tests.factories import make_order, make_shop

pytestmark = pytest.mark.django_db
EXTENSION = Path(__file__).resolve().parent.parent.parent / "extensions"
RENDER = """
import {createHmac} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {Liquid} from 'liquidjs';
const {source, variables, filter} = JSON.parse(readFileSync(0, 'utf8'));
const engine = new Liquid();
if (filter) engine.registerFilter('hmac_sha256', (text, key) => createHmac('sha256', key).update(text).digest('hex'));
process.stdout.write(engine.parseAndRenderSync(source, variables));
"""


def hmac_sha256(text, key):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def with_python(source, variables, *, filter_there=True):
    environment = Environment(strict_filters=False)
    if filter_there:
        environment.filters["hmac_sha256"] = hmac_sha256
    return environment.from_string(source).render(**variables)


def with_liquidjs(source, variables, *, filter_there=True):
    if not shutil.which("node") or not (EXTENSION / "node_modules" / "liquidjs").is_dir():
        pytest.skip("needs `npm ci` in extensions")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", RENDER],
        cwd=EXTENSION,
        input=json.dumps({"source": source, "variables": variables, "filter": filter_there}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


ENGINES = [with_python, pytest.param(with_liquidjs, marks=pytest.mark.npm)]


@pytest.fixture
def shop():
    return make_shop()


def place_of(shop):
    _, code = links.shop_link(touchpoint=links.touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON))
    return snippets.Place(
        start="https://app.example.test/c/", shop=code, key=ShopSettings.objects.get(shop=shop).link_key
    )


def made(shop, template=EmailTemplate.ORDER_CONFIRMATION, language="en", look=None, text="", bound=True):
    return snippets.snippet(
        template=template,
        language=language,
        place=place_of(shop),
        look=look or snippets.Look(),
        text=text,
        bound=bound,
    )


def address_in(html):
    """The one address of the mail: on the button, in the line beside it and as its words."""
    found = set(re.findall(r'href="https://app\.example\.test/c/([^"]*)"', html))
    assert len(found) == 1, html
    address = found.pop()
    assert html.count(address) == 3
    return address


@pytest.mark.parametrize("render", ENGINES)
@pytest.mark.parametrize("template", [EmailTemplate.ORDER_CONFIRMATION, EmailTemplate.REFUND])
def test_the_link_leads_to_the_order_and_says_which_email_it_stood_in(render, template, shop):
    order = make_order(shop)
    links.join_order(order=order)
    address = address_in(render(made(shop, template), {"id": order.shopify_id, "name": order.name}))
    read = read_code(address)
    assert (read.source, read.test, read.fallback) == (template.value, False, place_of(shop).shop)
    assert links.find_link(shop, read.code).order == order


@pytest.mark.parametrize("render", ENGINES)
def test_where_the_id_is_a_fulfillments_the_orders_own_is_taken(render, shop):
    html = render(made(shop), {"id": 1, "order": {"id": 5001}, "name": "#1"})
    assert read_code(address_in(html)).code == links.email_code(shop=shop, order_shopify_id=5001)


@pytest.mark.parametrize("render", ENGINES)
def test_without_the_filter_the_shops_own_code_stands_there_and_never_the_orders_number(render, shop):
    for number in (5678901234567, 820982911946154508, 12345678901234567890, None):
        html = render(made(shop, EmailTemplate.DELIVERED), {"id": number, "name": "#1"}, filter_there=False)
        assert address_in(html) == f"{place_of(shop).shop}-D"
        assert str(number) not in html


@pytest.mark.parametrize("render", ENGINES)
def test_without_an_order_the_shops_own_code_stands_there(render, shop):
    assert address_in(render(made(shop), {})) == f"{place_of(shop).shop}-C"


@pytest.mark.parametrize("render", ENGINES)
def test_the_simple_version_needs_no_filter(render, shop):
    code = made(shop, EmailTemplate.REFUND, bound=False)
    assert "hmac" not in code
    assert place_of(shop).key not in code
    assert address_in(render(code, {"id": 1, "name": "#1"}, filter_there=False)) == f"{place_of(shop).shop}-R"


@pytest.mark.parametrize("bound", [True, False])
def test_shopifys_made_up_order_is_marked(bound, shop):
    html = with_python(made(shop, bound=bound), {"id": 820982911946154508, "name": "#9999"})
    assert read_code(address_in(html)).test


def test_another_shops_key_makes_another_code(shop):
    rival = make_shop("rival.myshopify.com")
    order = make_order(shop)
    links.join_order(order=order)
    read = read_code(address_in(with_python(made(rival), {"id": order.shopify_id})))
    assert links.find_link(shop, read.code) is None


def test_the_snippet_asks_for_nothing_of_the_shopper(shop):
    for template in EmailTemplate:
        code = made(shop, template)
        printed = set(re.findall(r"\{\{-?\s*([\w.]+)", code))
        assert printed == {"doorstep_link"}
        assigned = re.findall(r"(?:assign \w+ =|default:|if) ([a-z][\w.]*)", code)
        assert {name for name in assigned if not name.startswith("doorstep_")} == {"order.id", "id", "name"}
        for secret in ("email", "phone", "customer", "shipping_address", "order_status_url"):
            assert secret not in code


@pytest.mark.parametrize("language", languages())
def test_every_language_has_words_that_fit_on_a_phone(language, shop):
    texts = [snippets.words_in(language, template) for template in EmailTemplate]
    assert len(set(texts)) == len(EmailTemplate)
    assert all(10 <= len(text) <= 44 for text in texts)
    html = with_python(made(shop, language=language), {"id": 1})
    direction = "rtl" if language == "ar" else "ltr"
    assert set(re.findall(r'<(?:table|p) [^>]*dir="(\w+)"', html)) == {direction}
    assert re.findall(r'<a [^>]*dir="(\w+)"', html) == ["ltr"]  # the address


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.styles = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)
        self.styles.append(dict(attrs).get("style", ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("look", snippets.LOOKS)
@pytest.mark.parametrize("align", snippets.ALIGNS)
@pytest.mark.parametrize("color", ["#1f6f5c", "#ffe600", "#000000", "#ffffff", "#ff0000"])
def test_it_is_what_mail_programs_can_draw(look, align, color, shop):
    html = with_python(made(shop, look=snippets.Look(look=look, align=align, color=color)), {"id": 1})
    tags = Tags()
    tags.feed(html)
    assert tags.open == []  # whole: the editor and the mail around it stay in order
    assert set(tags.seen) <= {"table", "tr", "td", "a", "span", "p", "div"}
    for style in tags.styles:  # Outlook and Gmail know none of these
        assert not re.search(r"flex|grid|position|var\(|url\(|calc|rgba|gap", style)
    assert "<style" not in html
    assert "class=" not in html
    if look != "link":
        assert 'role="presentation"' in html
        ground = re.search(r'bgcolor="(#\w+)"', html).group(1)
        ink = re.search(r"; color: (#\w+); text-decoration: none", html).group(1)
        assert contrast(ground, ink) >= 4.5
        assert "mso-padding-alt" in html


def test_the_code_survives_an_editor_that_trims_lines_and_changes_line_ends(shop):
    code = made(shop)
    for changed in (code.replace("\n", "\r\n"), "\n".join(line.strip() for line in code.splitlines())):
        assert address_in(with_python(changed, {"id": 7})) == address_in(with_python(code, {"id": 7}))


def test_contrast_is_as_wcag_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
