"""What the merchant sets: cards, countries, e-mails, settings."""

import re
from html import unescape

import pytest

from post_purchase.models import Scan, ShopSettings, Touchpoint
from post_purchase.services.links import link_for_order, shop_link
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.models import Shop
from tests import factories
from tests.pages.test_writes import rows

__all__ = ["rows"]  # fixtures


@pytest.fixture
def shop(rows) -> Shop:
    return rows.shop


def test_another_card_is_made_once_and_put_away(owner, shop):
    made = owner.post("/app/touchpoints/add", {"name": "Mugs"}).json()
    assert made["go"].startswith("/app/touchpoints/")
    assert list(owner.post("/app/touchpoints/add", {"name": "Mugs"}).json()["errors"]) == ["name"]
    card = Touchpoint.objects.get(name="Mugs")
    assert owner.post(f"/app/touchpoints/{card.pk}/archive").status_code == 200
    assert owner.get(f"/app/touchpoints/{card.pk}").status_code == 404


def test_a_country_gets_an_order_of_its_own_and_loses_it_again(owner, shop):
    owner.post("/app/settings/order", {"mode": "own", "place_1": "email"})
    owner.post("/app/settings/country", {"country": "PL", "place_1": "messenger", "place_2": "whatsapp"})
    assert ShopSettings.objects.get(shop=shop).channel_order == {"*": ["email"], "PL": ["messenger", "whatsapp"]}
    assert "Poland: Messenger, WhatsApp" in owner.get("/app/settings").content.decode()
    owner.post("/app/settings/country", {"country": "PL"})
    assert ShopSettings.objects.get(shop=shop).channel_order == {"*": ["email"]}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"country": "", "place_1": "email"}, "country"),
        ({"country": "XX", "place_1": "email"}, "country"),
        ({"country": "*", "place_1": "email"}, "country"),
        ({"country": "PL", "place_1": "email", "place_2": "email"}, "place_1"),
        ({"country": "PL", "place_1": "pigeon"}, "place_1"),
    ],
)
def test_an_order_for_no_country_or_of_no_channels_is_refused(owner, shop, form, field):
    answer = owner.post("/app/settings/country", form)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert ShopSettings.objects.get(shop=shop).channel_order == {}


HOURS = {
    "quiet_from": "21:00",
    "quiet_until": "08:00",
    "max_promotions_per_day": "1",
    "max_promotions_per_week": "2",
    "max_offers_per_week": "1",
    "promotion_pause_hours": "2",
    "unhappy_days": "30",
}


EMAIL = {"language": "de", "look": "outline", "align": "start"}


def test_the_snippet_carries_the_merchants_words_as_text(owner, rows):
    address = f"/app/touchpoints/{rows.email.pk}/emails/delivered"
    words = "Chat <b>now</b> {{ shop.email }}"
    assert owner.post(f"{address}/save", EMAIL | {"text": words}).status_code == 200
    page = owner.get(f"{address}?language=de").content.decode()
    copied = unescape(page.split('id="snippet"')[1].split(">", 1)[1].split("</pre>")[0])
    assert "{{ shop.email }}" not in copied
    assert "<b>now</b>" not in copied
    assert "Chat &lt;b&gt;now&lt;/b&gt; &#123;&#123; shop.email &#125;&#125;" in copied
    mails = [unescape(part.split('"')[0]) for part in page.split('srcdoc="')[1:]]
    assert len(mails) == 2
    assert all("<b>now</b>" not in mail and "Chat &lt;b&gt;now" in mail for mail in mails)


def test_the_page_says_which_emails_work_and_whether_the_order_came_along(owner, rows):
    shops, _ = shop_link(touchpoint=rows.email)
    of_order, _ = link_for_order(touchpoint=rows.email, order=rows.order)
    for link, source, test in ((of_order, "C", False), (shops, "S", False), (shops, "R", True)):
        Scan.objects.create(
            link=link, touchpoint=rows.email, scan_id=new_code(), scanned_at=clock.now(), source=source, test=test
        )
    page = owner.get(f"/app/touchpoints/{rows.email.pk}").content.decode()
    badges = re.findall(r'<s-badge tone="(\w+)">([^<]+)</s-badge>', page)
    assert badges == [
        ("success", "Works"),
        ("warning", "Works without the order"),
        ("info", "Not placed yet"),
        ("info", "Not placed yet"),
        ("info", "Only tried so far"),
    ]
    one = owner.get(f"/app/touchpoints/{rows.email.pk}/emails/order_confirmation").content.decode()
    assert "Shoppers have tapped this button once. Its links lead to their orders." in one
    other = owner.get(f"/app/touchpoints/{rows.email.pk}/emails/shipping_confirmation").content.decode()
    assert "did not fill in their order" in other


def test_words_are_kept_for_each_email_and_language_and_the_look_for_all(owner, rows):
    for slug, text in (("delivered", "Alles gut?"), ("refund", "Fragen?")):
        owner.post(f"/app/touchpoints/{rows.email.pk}/emails/{slug}/save", EMAIL | {"text": text})
    owner.post(f"/app/touchpoints/{rows.email.pk}/emails/refund/save", EMAIL | {"text": "", "language": "fr"})
    rows.email.refresh_from_db()
    assert rows.email.options == {
        "look": "outline",
        "align": "start",
        "email_texts": {"D": {"de": "Alles gut?"}, "R": {"de": "Fragen?", "fr": ""}},
    }
    assert "remboursement" in owner.get(f"/app/touchpoints/{rows.email.pk}/emails/refund?language=fr").content.decode()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"look": "blink"}, "look"),
        ({"language": "xx"}, "language"),
        ({"text": "x" * 61}, "text"),
        ({"align": ""}, "align"),
    ],
)
def test_what_is_no_words_or_look_is_refused_and_nothing_is_lost(owner, rows, form, field):
    answer = owner.post(f"/app/touchpoints/{rows.email.pk}/emails/refund/save", EMAIL | {"text": "Fragen?"} | form)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    rows.email.refresh_from_db()
    assert rows.email.options == {}


@pytest.mark.parametrize(
    "path", ["/app/touchpoints/{card}/emails/refund", "/app/touchpoints/{email}/emails/newsletter"]
)
def test_only_shopifys_emails_have_a_snippet(owner, rows, path):
    path = path.format(card=rows.card.pk, email=rows.email.pk)
    assert owner.get(path).status_code == 404
    assert owner.post(f"{path}/save", EMAIL).status_code == 404


@pytest.mark.parametrize(
    ("part", "form", "field"),
    [
        ("brand", {"brand_color": "green"}, "brand_color"),
        ("languages", {"default_language": "xx"}, "default_language"),
        ("hours", HOURS | {"quiet_from": "late"}, "quiet_from"),
        ("hours", HOURS | {"quiet_from": "11:30", "quiet_until": "08:00"}, "quiet_from"),  # half past eleven: too early
        ("hours", HOURS | {"max_promotions_per_day": "4"}, "max_promotions_per_day"),
        ("hours", HOURS | {"unhappy_days": "-1"}, "unhappy_days"),
        ("reward", {"reward_percentage": "0", "reward_valid_days": "60"}, "reward_percentage"),
        ("order", {"mode": "own", "place_1": "email", "place_2": "email"}, "place_1"),
    ],
)
def test_a_wrong_setting_changes_nothing(owner, shop, part, form, field):
    before = ShopSettings.objects.filter(shop=shop).values().get()
    response = owner.post(f"/app/settings/{part}", form)
    assert (response.status_code, list(response.json()["errors"])) == (422, [field])
    assert ShopSettings.objects.filter(shop=shop).values().get() == before


def test_settings_are_saved_part_by_part(owner, shop):
    assert (
        owner.post("/app/settings/reward", {"reward_percentage": "12.5", "reward_valid_days": "30"}).status_code == 200
    )
    assert (
        owner.post("/app/settings/order", {"mode": "own", "place_1": "email", "place_2": "whatsapp"}).status_code == 200
    )
    assert (
        owner.post("/app/settings/languages", {"default_language": "de", "languages": ["de", "fr"]}).status_code == 200
    )
    assert (
        owner.post("/app/settings/hours", HOURS | {"max_offers_per_week": "0", "unhappy_days": "90"}).status_code == 200
    )
    row = ShopSettings.objects.get(shop=shop)
    assert (row.max_promotions_per_day, row.max_offers_per_week, row.unhappy_days) == (1, 0, 90)
    assert (str(row.reward_percentage), row.reward_valid_days, row.reward_minimum_subtotal) == ("12.50", 30, None)
    assert row.channel_order == {"*": ["email", "whatsapp"]}
    assert (row.default_language, row.languages, row.brand_color) == ("de", ["de", "fr"], "#1f6f5c")
    assert owner.post("/app/settings/order", {"mode": "auto"}).status_code == 200
    assert ShopSettings.objects.get(shop=shop).channel_order == {}


def test_the_export_is_handed_to_its_shop_only_when_it_is_ready(owner, rows):
    response = owner.get(f"/app/privacy/{rows.request.pk}/export")
    assert response.content == b'{"orders": []}'
    assert response["Content-Disposition"] == f'attachment; filename="data-request-{rows.request.pk}.json"'
    rows.request.export = ""
    rows.request.save()
    assert owner.get(f"/app/privacy/{rows.request.pk}/export").status_code == 404


def test_the_backfill_shows_how_far_it_is(owner, shop):
    shop.backfill_finished_at, shop.backfill_done, shop.backfill_total = None, 40, 160
    shop.save()
    html = owner.get("/app").content.decode()
    assert "40 of 160 orders" in html
    assert 'value="40" max="160"' in html


def test_a_new_language_has_its_templates_asked_for(owner, shop):
    shop.channels.filter(kind="whatsapp").delete()
    channel = factories.make_channel(shop)
    assert channel.templates_due_at is None
    owner.post("/app/settings/brand", {"brand_name": "Fern", "brand_color": "#1f6f5c"})
    channel.refresh_from_db()
    assert channel.templates_due_at is None
    assert (
        owner.post("/app/settings/languages", {"default_language": "de", "languages": ["de", "fr"]}).status_code == 200
    )
    channel.refresh_from_db()
    assert channel.templates_due_at is not None


def test_the_teams_hours_are_both_or_none(owner, shop):
    response = owner.post("/app/settings/team", {"team_from": "09:00", "team_until": "", "team_days": ["0", "4"]})
    assert (response.status_code, response.json()["errors"]) == (422, {"team_until": "Fill in both times, or none."})
    response = owner.post("/app/settings/team", {"team_from": "9 o'clock", "team_until": "17:00"})
    assert response.json()["errors"] == {"team_from": "Write a time like 09:00."}
    assert (
        owner.post("/app/settings/team", {"team_from": "09:00", "team_until": "17:00", "team_days": ["9"]}).status_code
        == 422
    )
    form = {"team_from": "09:00", "team_until": "17:30", "team_days": ["0", "4"]}
    form["team_addresses"] = "anna@example.com; ben@example.com anna@example.com"
    assert owner.post("/app/settings/team", form).status_code == 200
    settings = ShopSettings.objects.get(shop=shop)
    assert (str(settings.team_from), str(settings.team_until), settings.team_days) == ("09:00:00", "17:30:00", [0, 4])
    assert (settings.team_alerts, settings.team_addresses) == (False, "anna@example.com, ben@example.com")
    assert owner.post("/app/settings/team", {"team_addresses": "anna(at)example.com"}).json()["errors"] == {
        "team_addresses": "anna(at)example.com is not an e-mail address. Write them like anna@example.com."
    }
    assert owner.post("/app/settings/team", {"team_from": "", "team_until": ""}).status_code == 200
    settings.refresh_from_db()
    assert (settings.team_from, settings.team_until, settings.team_days) == (None, None, [])
