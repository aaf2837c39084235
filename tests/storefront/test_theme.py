"""The blocks of the theme app extension, drawn from their real Liquid with what the job publishes."""

import gzip
import json
import re
import shutil
import subprocess
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from demo.pages.theme import FOLDER, ThemePage, contrast, draw_block, languages, schema_of, stylesheet_of
from post_purchase.services.review_page import review_page
from tests.factories import make_shop

from .conftest import PRODUCT, WORDS

ROOT = Path(__file__).resolve().parents[2]
MUG = {"id": PRODUCT, "title": 'Mug <b>"large"</b>', "url": "/products/mug"}
BUBBLE = {
    "version": 1,
    "url": "https://app.example.test/c/AB3KQ9ZT7MXW2HHC",
    "color": "#1f6f5c",
    "name": "Fern & Field",
}
FIRST_LOAD = 20 * 1024  # bytes, gzip
SHOPIFYS_LIQUID = 500_000  # bytes, all Liquid of an extension


class Tags(HTMLParser):
    """Every tag with its attributes, every text."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("img", "br", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def said(rating: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": rating,
        "rating": rating,
        "text": "Good <script>alert(1)</script>\nand sturdy",
        "name": 'Ana "L" <i>',
        "date": "2026-11-20",
        "language": "de",
        "rewarded": True,
        "disclosure": WORDS + " <b>",
        "photos": [
            {"small": "https://app.example.test/photos/1.t:x", "whole": "https://app.example.test/photos/1.w:y"}
        ],
    } | changes


def page_of(*reviews: dict[str, Any]) -> dict[str, Any]:
    stars = [sum(each["rating"] == rating for each in reviews) for rating in range(1, 6)]
    average = round(sum(each["rating"] for each in reviews) / len(reviews), 1)
    return {"version": 1, "count": len(reviews), "average": average, "stars": stars, "reviews": list(reviews)}


def reviews_html(page: dict[str, Any] | None, **more: Any) -> str:
    return draw_block("reviews", ThemePage(product=MUG, reviews=page, **more))


def test_a_review_stands_with_its_stars_words_photo_and_disclosure():
    html = reviews_html(page_of(said(2), said(5, rewarded=False, disclosure="", photos=[])))
    seen = Tags(html)
    assert [each["aria-label"] for each in seen.all("span") if "aria-label" in each] == [
        "3.5 out of 5 stars",
        "2 out of 5 stars",
        "5 out of 5 stars",
    ]
    assert re.search(r"3\.5\s+from 2 reviews", " ".join(seen.text.split()))
    assert seen.all("time") == [{"datetime": "2026-11-20"}] * 2
    [image] = seen.all("img")
    assert (image["loading"], image["alt"]) == ("lazy", 'Photo 1 with the review by Ana "L" <i>')
    assert seen.text.count("Rewarded") == 1
    assert WORDS in seen.text


@pytest.mark.parametrize(
    ("average", "whole", "half"),
    [(1.0, 1, 0), (3.2, 3, 0), (3.3, 3, 1), (3.5, 3, 1), (3.8, 4, 0), (4.9, 5, 0), (5.0, 5, 0)],
)
def test_the_average_is_drawn_no_better_than_it_is(average, whole, half):
    html = reviews_html(page_of(said(4, photos=[])) | {"average": average, "reviews": []})
    assert (html.count("doorstep-star--on"), html.count("doorstep-star--half")) == (whole, half)


def test_what_shoppers_write_is_text_and_never_markup():
    page = page_of(said(4, language='de" onload="x', photos=[{"small": 'x" onerror="alert(1)', "whole": '"><script>'}]))
    seen = Tags(reviews_html(page, settings={"heading": "<img src=x>"}))
    assert seen.all("script") == []
    assert "Good <script>alert(1)</script>" in seen.text
    assert "<img src=x>" in seen.text
    for tag, attrs in seen.tags:
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)


def test_an_erased_review_keeps_its_stars_under_a_plain_name():
    seen = Tags(reviews_html(page_of(said(3, text="", name="", photos=[], rewarded=False, disclosure=""))))
    assert "Customer" in seen.text
    assert not [each for each in seen.all("p") if each.get("class") == "doorstep-review__text"]


def test_high_and_low_are_counted_and_the_first_ones_come_before_the_fold():
    seen = Tags(
        reviews_html(page_of(*(said(1 + number % 5, photos=[]) for number in range(12))), settings={"first": 3})
    )
    text = " ".join(seen.text.split())
    assert "5 stars: 2" in text
    assert "1 stars: 3" in text
    assert "Show more reviews" in text
    assert len([each for each in seen.all("li") if each.get("class") == "doorstep-review"]) == 12
    hidden = Tags(reviews_html(page_of(said(5)), settings={"show_photos": False, "show_breakdown": False}))
    assert (hidden.all("img"), hidden.all("details")) == ([], [])


def test_a_product_without_reviews_shows_nothing_but_a_note_to_the_merchant():
    assert Tags(reviews_html(None)).tags == []
    note = Tags(reviews_html(None, editor=True))
    assert "There are none yet" in note.text
    assert Tags(draw_block("reviews", ThemePage())).tags == []


def test_search_engines_are_told_only_when_asked_to_and_only_what_is_true():
    page = page_of(said(2), said(5))
    assert "ld+json" not in reviews_html(page)
    html = reviews_html(page, settings={"structured_data": True})
    told = json.loads(html.split('<script type="application/ld+json">')[1].split("</script>")[0])
    assert told["aggregateRating"] == {
        "@type": "AggregateRating",
        "ratingValue": 3.5,
        "bestRating": 5,
        "worstRating": 1,
        "reviewCount": 2,
    }
    assert (told["name"], told["@id"]) == (MUG["title"], "https://fern-and-field.example.com/products/mug#product")
    assert "ld+json" not in reviews_html(None, settings={"structured_data": True})
    other = {"id": 1, "title": "Other", "metafields": {"$app": {"reviews": {"value": page}}}}
    assert "ld+json" not in reviews_html(page, settings={"structured_data": True, "product": other})


@pytest.mark.parametrize("language", languages())
def test_both_blocks_speak_every_language(language):
    for count in (1, 2, 3, 11, 100):
        page = page_of(*(said(4) for _ in range(count)))
        seen = Tags(reviews_html(page, language=language))
        assert "{{" not in seen.text
        number = str(count) in seen.text or language == "ar"  # Arabic has words for one and two
        assert number
    for editor in (True, False):
        for value in (BUBBLE, None):
            html = draw_block("chat-bubble", ThemePage(language=language, storefront=value, editor=editor))
            assert "{{" not in html


def test_all_languages_have_all_words():
    def keys(value: Any, path: str = "") -> set[str]:
        if isinstance(value, dict) and "other" not in value:
            return {key for name, inner in value.items() for key in keys(inner, f"{path}.{name}")}
        return {path}

    assert len(languages()) == 13
    for suffix in ("", ".schema"):
        default = keys(json.loads((FOLDER / "locales" / f"en.default{suffix}.json").read_text("utf-8")))
        for language in set(languages()) - {"en"}:
            assert keys(json.loads((FOLDER / "locales" / f"{language}{suffix}.json").read_text("utf-8"))) == default


def test_the_bubble_is_one_link_that_asks_nobody_before_it_is_tapped():
    html = draw_block("chat-bubble", ThemePage(storefront=BUBBLE))
    seen = Tags(html)
    [link] = seen.all("a")
    assert (link["href"], link["target"], link["rel"]) == (BUBBLE["url"], "_blank", "noopener nofollow")
    assert " ".join(seen.text.split()) == "Chat with us (opens in a new tab)"
    for tag in ("script", "iframe", "img", "link", "object", "embed", "form"):
        assert seen.all(tag) == [], tag
    css = stylesheet_of("chat-bubble")
    assert "url(" not in css
    assert "@import" not in css
    assert len(gzip.compress((html + css).encode())) < 2048


def test_the_first_load_of_both_blocks_is_small(tmp_path):
    css = stylesheet_of("reviews") + stylesheet_of("chat-bubble")
    assets = [file.suffix for file in (FOLDER / "assets").iterdir()]
    assert set(assets) == {".css"}  # no script at all
    html = draw_block("chat-bubble", ThemePage(storefront=BUBBLE)) + reviews_html(
        page_of(*(said(4) for _ in range(50)))
    )
    assert len(gzip.compress((html + css).encode())) < FIRST_LOAD
    liquid = sum(len(file.read_bytes()) for part in ("blocks", "snippets") for file in (FOLDER / part).iterdir())
    assert liquid < SHOPIFYS_LIQUID


def test_the_bubble_is_not_there_without_an_address_and_says_so_to_the_merchant():
    assert Tags(draw_block("chat-bubble", ThemePage())).tags == []
    assert "connect a chat app" in draw_block("chat-bubble", ThemePage(editor=True))


@pytest.mark.parametrize(
    ("color", "ink"), [("#1f6f5c", "#ffffff"), ("#ffe08a", "#000000"), ("#777777", "#000000"), ("#000000", "#ffffff")]
)
def test_the_bubbles_words_can_be_read_on_any_colour(color, ink):
    html = draw_block("chat-bubble", ThemePage(storefront=BUBBLE, settings={"color": color, "show_label": True}))
    assert f"--doorstep-bubble: {color}; --doorstep-ink: {ink};" in html
    assert contrast(color, ink) >= 4.5
    own = draw_block("chat-bubble", ThemePage(storefront=BUBBLE))
    assert "--doorstep-bubble: #1f6f5c;" in own  # the brand's


def test_the_merchants_own_words_and_corner_are_kept():
    settings = {"label": 'Ask <b>"us"</b>', "show_label": True, "side": "start", "distance": 80}
    seen = Tags(draw_block("chat-bubble", ThemePage(storefront=BUBBLE, settings=settings)))
    [link] = seen.all("a")
    assert link["class"] == "doorstep-bubble doorstep-bubble--start doorstep-bubble--wide"
    assert "--doorstep-distance: 80px" in link["style"]
    assert 'Ask <b>"us"</b>' in seen.text


def test_stars_can_be_seen_on_white():
    [color] = [each["default"] for each in schema_of("reviews")["settings"] if each.get("id") == "star_color"]
    assert contrast(color, "#ffffff") >= 4.5


def test_blocks_say_where_they_belong_and_read_only_what_this_app_wrote():
    assert (schema_of("reviews")["target"], schema_of("chat-bubble")["target"]) == ("section", "body")
    for block in ("reviews", "chat-bubble"):
        assert (FOLDER / "assets" / schema_of(block)["stylesheet"]).is_file()
        assert len(schema_of(block)["name"].removeprefix("t:")) <= 25
    liquid = "".join(file.read_text("utf-8") for part in ("blocks", "snippets") for file in (FOLDER / part).iterdir())
    read = set(re.findall(r"(\w+\.metafields\S+?)\.value", liquid))
    assert read == {"shown_product.metafields['$app'].reviews", "app.metafields.doorstep.storefront"}
    toml = tomllib.loads((FOLDER / "shopify.extension.toml").read_text())
    assert [each["type"] for each in toml["extensions"]] == ["theme"]
    known = {"assets", "blocks", "locales", "snippets", "shopify.extension.toml", ".theme-check.yml"}
    assert {each.name for each in FOLDER.iterdir()} == known  # Shopify refuses other folders


@pytest.mark.django_db
def test_what_the_job_writes_is_what_the_block_reads(give, shop):
    give(rating=2, text="Came with a crack.")
    seen = Tags(reviews_html(json.loads(review_page(shop, PRODUCT))))
    assert "Came with a crack." in seen.text
    assert WORDS in seen.text
    assert review_page(make_shop("rival.myshopify.com"), PRODUCT) == ""


def theme_check(folder: Path) -> dict[str, Any]:
    if not shutil.which("node") or not (ROOT / "node_modules" / "@shopify" / "theme-check-node").is_dir():
        pytest.skip("needs Node and `npm ci`")
    script = str(Path(__file__).parent / "theme_check.mjs")
    done = subprocess.run(
        ["node", script, str(folder), str(folder / ".theme-check.yml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


@pytest.mark.npm
def test_shopifys_theme_check_is_content():
    seen = theme_check(FOLDER)
    assert seen["offenses"] == []
    assert seen["files"] > 20


@pytest.mark.npm
def test_theme_check_would_find_a_mistake(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "theme")
    file = tmp_path / "theme" / "blocks" / "reviews.liquid"
    file.write_text(file.read_text("utf-8").replace("reviews.count", "reviews.no_such_key"), "utf-8")
    assert any("no_such_key" in each for each in theme_check(tmp_path / "theme")["offenses"])
