"""Print runs, packing, slips, and what the team hears of codes on paper: through the door of the admin."""

import io
import re
from datetime import timedelta
from html import unescape

import pypdfium2 as pdfium
import pytest
import zxingcpp
from django.test import Client
from liquid import Environment
from PIL import Image

from post_purchase.jobs.printing import make_prints
from post_purchase.models import Link, PrintBatch, PrintFile, Touchpoint
from post_purchase.services import print_batches, print_files, print_rest, print_watch
from post_purchase.services.bindings import bind_by_code
from post_purchase.services.links import link_for_order, link_url, shop_link, slip_code, touchpoint_of
from post_purchase.services.print_batches import code_of
from post_purchase.services.print_designs import default_words
from post_purchase.touchpoints.kinds.packing_slip import PackingSlip
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.pages.test_inserts import FORM, card, files, path

__all__ = ["card", "files"]  # fixtures


def test_a_print_run_is_ordered_seen_and_downloaded(owner, card, rival):
    order = {"name": "Spring", "quantity": "4", "form": "pdf"}
    assert owner.post(f"/app/touchpoints/{card.pk}/prints/order", order).status_code == 200
    live = owner.get(f"/app/touchpoints/{card.pk}/prints/live")
    assert "0 of 4" in live.content.decode()
    assert owner.get(f"/app/touchpoints/{card.pk}/prints/live", HTTP_IF_NONE_MATCH=live["ETag"]).status_code == 304
    file = PrintFile.objects.get()
    assert owner.get(f"/app/prints/files/{file.pk}").status_code == 404  # not there yet
    make_prints()
    response = owner.get(f"/app/prints/files/{file.pk}")
    assert len(pdfium.PdfDocument(b"".join(response.streaming_content))) == 4
    assert rival.get(f"/app/prints/files/{file.pk}").status_code == 404
    assert "Ready" in owner.get(f"/app/touchpoints/{card.pk}/prints").content.decode()
    assert owner.post(f"/app/prints/{file.batch_id}/file", {"form": "csv"}).status_code == 200
    assert owner.post(f"/app/prints/{file.batch_id}/file", {"form": "exe"}).status_code == 422


@pytest.mark.parametrize("quantity", ["", "0", "50001", "many"])
def test_a_print_run_needs_a_number(owner, card, quantity):
    response = owner.post(
        f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": quantity, "form": "pdf"}
    )
    assert response.json()["errors"] == {"quantity": "Choose a number of cards from 1 to 50,000."}


def test_a_run_is_stopped_and_goes_on(owner, card):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "4", "form": "csv"})
    file = PrintFile.objects.get()
    assert owner.post(f"/app/prints/files/{file.pk}/stop").status_code == 200
    make_prints()
    file.refresh_from_db()
    assert file.status == "cancelled"
    assert owner.post(f"/app/prints/files/{file.pk}/stop").status_code == 422
    assert owner.post(f"/app/prints/files/{file.pk}/resume").status_code == 200
    make_prints()
    file.refresh_from_db()
    assert file.status == "ready"
    assert owner.post(f"/app/prints/files/{file.pk}/resume").status_code == 422


def test_what_is_kept_of_a_stopped_run_is_said_and_the_button_goes_on(owner, card):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "4", "form": "csv"})
    file = PrintFile.objects.get()
    owner.post(f"/app/prints/files/{file.pk}/stop")
    prints = f"/app/touchpoints/{card.pk}/prints"
    assert ">Make it</s-button>" in owner.get(prints).content.decode()
    file.refresh_from_db()
    print_rest.keep(file, io.BytesIO(b"number,code_content,in_letters\r\n1,X,x\r\n"), {"done": 1})
    html = owner.get(prints).content.decode()
    assert "1 of 4 cards are kept" in html
    assert ">Go on</s-button>" in html
    owner.post(f"/app/prints/files/{file.pk}/resume")
    make_prints()
    file.refresh_from_db()
    with print_files.content_of(file) as made:
        assert [row.split(b",")[0] for row in made.read().splitlines()] == [b"number", b"1", b"2", b"3", b"4"]


def test_the_packer_scans_card_and_slip(owner, card, shop):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "2", "form": "csv"})
    make_prints()
    batch, order = PrintBatch.objects.get(), factories.make_order(shop, name="#1001")
    scanned = link_url(code_of(batch, 1)).upper()
    assert (
        owner.post("/app/pack/bind", {"card": scanned, "order": "#1001"}).json()["toast"] == "The card goes with #1001"
    )
    assert Link.objects.get(batch=batch, number=1).order == order
    assert "#1001" in owner.get("/app/pack").content.decode()
    wrong = owner.post("/app/pack/bind", {"card": "", "order": "#9"}).json()["errors"]
    assert sorted(wrong) == ["card", "order"]
    factories.make_order(shop, name="#1002")
    taken = owner.post("/app/pack/bind", {"card": scanned, "order": "#1002"}).json()["errors"]
    assert taken == {"card": "This card is tied to order #1001 already. Take a new card, or untie it from #1001 below."}


def test_our_own_code_on_the_slip_names_the_order_and_nothing_is_put_right_by_guessing(owner, card, shop):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "2", "form": "csv"})
    make_prints()
    batch, order = PrintBatch.objects.get(), factories.make_order(shop, name="#1001")
    _, code = link_for_order(touchpoint=touchpoint_of(shop=shop, kind=TouchpointKind.PACKING_SLIP), order=order)
    on_the_slip, on_the_card = link_url(code).upper(), link_url(code_of(batch, 1)).upper()
    assert owner.post("/app/pack/bind", {"card": on_the_slip, "order": on_the_card}).status_code == 422
    other = link_url(code_of(batch, 2)).upper()
    early = owner.post("/app/pack/bind", {"card": on_the_card, "order": other})
    assert (early.status_code, early.json()["next"]) == (422, other)
    assert not Link.objects.filter(batch=batch, order__isnull=False).exists()
    answer = owner.post("/app/pack/bind", {"card": on_the_card, "order": on_the_slip}).json()
    assert answer["toast"] == "The card goes with #1001"
    assert "#1001" in answer["html"]
    assert Link.objects.get(batch=batch, number=1).order == order
    shared = link_url(shop_link(touchpoint=card)[1])
    assert owner.post("/app/pack/bind", {"card": on_the_card, "order": shared}).status_code == 422


def test_the_packer_takes_a_wrong_scan_back_on_either_page(owner, card, shop):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "2", "form": "csv"})
    make_prints()
    batch = PrintBatch.objects.get()
    wrong, right = factories.make_order(shop, name="#1001"), factories.make_order(shop, name="#1002")
    scanned = link_url(code_of(batch, 1)).upper()
    owner.post("/app/pack/bind", {"card": scanned, "order": "#1001"})
    link = Link.objects.get(order=wrong, batch=batch)
    for page in ("/app/pack", f"/app/prints/{batch.pk}/packed", f"/app/pack?q={scanned}", "/app/pack?q=1001"):
        assert f'action="/app/pack/{link.pk}/unbind"' in owner.get(page).content.decode(), page
    assert "unbind" not in owner.get("/app/pack?q=9999").content.decode()
    assert "Untied" in owner.post(f"/app/pack/{link.pk}/unbind").json()["toast"]
    assert owner.post("/app/pack/bind", {"card": scanned, "order": "#1002"}).status_code == 200
    point = factories.make_point(factories.make_contact(shop, first_name="Jo", last_name="Fox"))
    talk = factories.make_conversation(point.contact)
    assert bind_by_code(point=point, code=code_of(batch, 1)).order == right
    html = owner.get("/app/pack").content.decode()
    assert "/unbind" not in html
    assert f"/app/conversations/{talk.pk}" in html
    answer = owner.post(f"/app/pack/{link.pk}/unbind")
    assert (answer.status_code, "Jo Fox has used it" in answer.json()["message"]) == (422, True)
    link.refresh_from_db()
    assert link.order == right


def test_the_packing_slip_has_a_code_for_each_order(owner, shop):
    order = factories.make_order(shop)
    answer = owner.post("/app/touchpoints/packing-slip").json()
    assert "/app/touchpoints/" in answer["go"]
    slip = Touchpoint.objects.get(kind="packing_slip")
    html = owner.get(f"/app/touchpoints/{slip.pk}").content.decode()
    assert "hmac_sha256" in html
    code = slip_code(shop=shop, order_shopify_id=order.shopify_id)
    assert Link.objects.get(touchpoint=slip, order=order).order == order
    assert Client().get(f"/c/{code}").status_code in (200, 302)


def test_the_slips_liquid_computes_the_same_code_and_falls_back(owner, shop):
    import hashlib
    import hmac

    from post_purchase.web.pages.touchpoints import placing_of

    owner.post("/app/touchpoints/packing-slip")
    slip = Touchpoint.objects.get(kind="packing_slip")

    class Asking:
        pass

    asking = Asking()
    asking.shop = shop
    liquid = PackingSlip().snippet(placing_of(asking, slip)).code
    environment = Environment()
    environment.add_filter(
        "hmac_sha256", lambda text, key: hmac.new(key.encode(), str(text).encode(), hashlib.sha256).hexdigest()
    )
    drawn = environment.from_string(liquid).render(order={"id": 5_000_000_123})
    assert f"/qr/{slip_code(shop=shop, order_shopify_id=5_000_000_123)}.svg" in drawn
    code = slip_code(shop=shop, order_shopify_id=5_000_000_123)
    groups = " ".join(code[at : at + 4] for at in range(0, 20, 4))
    assert f"<strong>{groups}</strong>" in drawn  # in fours, to be typed
    everybody = shop_link(touchpoint=slip)[1]
    spaced = " ".join(everybody[at : at + 4] for at in range(0, 20, 4))
    assert Client().post("/c", {"code": spaced})["Location"] == f"/c/{everybody}"
    assert f"/qr/{everybody}.svg" in environment.from_string(liquid).render(order={})
    plain = Environment()
    plain.add_filter("hmac_sha256", lambda text, key: text)
    assert f"/qr/{everybody}.svg" in plain.from_string(liquid).render(order={"id": 5_000_000_123})


@pytest.mark.parametrize(
    ("facts", "language"),
    [
        ({"order": {"id": 1, "customer_locale": "de-AT"}}, "de"),
        ({"order": {"id": 1}, "customer": {"locale": "FR"}}, "fr"),
        ({"order": {"id": 1, "customer_locale": "it"}, "shipping_address": {"country_code": "DE"}}, "it"),
        ({"order": {"id": 1}, "shipping_address": {"country_code": "JP"}}, "ja"),
        ({"order": {"id": 1}, "shipping_address": {"country_code": "CH"}}, "sv"),  # four languages: the shop's own
        ({"order": {"id": 1, "customer_locale": "xx"}}, "sv"),
        ({"order": {"id": 1}}, "sv"),
        ({}, "sv"),
    ],
)
def test_the_slips_words_are_in_the_orders_language_else_in_the_shops(owner, shop, facts, language):
    shop.settings.default_language = "sv"
    shop.settings.save(update_fields=["default_language"])
    owner.post("/app/touchpoints/packing-slip")
    html = owner.get(f"/app/touchpoints/{Touchpoint.objects.get(kind='packing_slip').pk}").content.decode()
    liquid = unescape(html.split('aria-label="Snippet">')[1].split("</pre>")[0])
    environment = Environment()
    environment.add_filter("hmac_sha256", lambda text, key: text)
    drawn = environment.from_string(liquid).render(**facts)
    assert f"{default_words()[language]['call']}<br>" in drawn
    assert drawn.count("<br>") == 1


@pytest.mark.parametrize("form", ["svg", "png"])
def test_the_picture_of_a_code_needs_no_shop_and_tells_nothing(client, db, form):
    response = client.get(f"/qr/AB3KQ9ZT7MXW2LHC.{form}")
    assert response.status_code == 200
    assert "immutable" in response["Cache-Control"]
    if form == "png":
        text = zxingcpp.read_barcode(Image.open(io.BytesIO(response.content))).text
        assert text == "HTTPS://APP.EXAMPLE.TEST/C/AB3KQ9ZT7MXW21HC"
    assert client.post(f"/qr/AB3KQ9ZT7MXW2LHC.{form}").status_code == 405


@pytest.mark.parametrize(
    "name", ["AB3K.svg", "AB3KQ9ZT7MXW2LHC.exe", "AB3KQ9ZT7MXW2LHC", "..svg", "<script>.svg", "x" * 300]
)
def test_what_is_no_code_is_not_drawn(client, db, name):
    assert client.get(f"/qr/{name}").status_code == 404


def test_home_raises_the_alarm_when_a_printed_code_leads_nowhere(owner, card):
    assert "leads nowhere" not in owner.get("/app").content.decode()
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "1", "form": "csv"})
    html = owner.get("/app").content.decode()
    assert "A printed code leads nowhere" in html
    assert "no chat channel is connected" in html


def test_a_card_or_code_that_was_taken_to_be_printed_may_be_on_paper(owner, card, shop, mailoutbox):
    owner.post(path(card, "/save"), FORM)
    print_watch.watch()
    assert mailoutbox == []
    assert owner.get(path(card, "/print")).status_code == 200
    assert "A printed code leads nowhere" in owner.get("/app").content.decode()
    shop.contact_email = "team@shop.example"
    shop.save()
    with clock.frozen(clock.now() + timedelta(hours=2)):
        print_watch.watch()
        print_watch.watch()
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        (["team@shop.example"], f"The code on “{card.name}” leads nowhere")
    ]
    assert "no chat channel is connected" in mailoutbox[0].body
    factories.make_channel(shop)
    with clock.frozen(clock.now() + timedelta(hours=4)):
        print_watch.watch()
    card.refresh_from_db()
    assert (card.alarmed_at, card.alarm_told_at) == (None, None)


def test_a_mail_server_that_is_away_costs_no_alarm(owner, card, shop, settings, mailoutbox):
    owner.get(f"/app/touchpoints/{card.pk}/download/png")
    shop.contact_email = "team@shop.example"
    shop.save()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    print_watch.watch()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    print_watch.watch()
    assert len(mailoutbox) == 1


def test_the_print_action_prints_the_designed_card(owner, card, shop):
    from django.core.signing import Signer

    from shopapp.lib import clock

    order = factories.make_order(shop)
    owner.post(path(card, "/save"), FORM)
    signed = Signer(salt="post_purchase.print_action").sign_object(
        {"shop": shop.pk, "orders": [order.shopify_id], "until": int(clock.now().timestamp()) + 60}, compress=True
    )
    response = Client().get(f"/api/admin/cards/{signed}")
    assert response["Content-Type"] == "application/pdf"
    text = pdfium.PdfDocument(response.content)[0].get_textpage().get_text_range()
    assert order.name in text
    assert "Hello!" in text


def test_the_alarms_button_leads_to_a_page_for_cards_slips_and_what_is_put_away(owner, card, shop):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "1", "form": "csv"})
    factories.make_order(shop)
    owner.post("/app/touchpoints/packing-slip")
    assert owner.post(f"/app/touchpoints/{card.pk}/archive").status_code == 200
    buttons = re.findall(r'slot="secondary-actions" href="([^"?]+/route)', owner.get("/app").content.decode())
    slip = Touchpoint.objects.get(kind="packing_slip")
    assert sorted(buttons) == sorted(f"/app/touchpoints/{row.pk}/route" for row in (card, slip))
    for button in buttons:
        html = owner.get(button).content.decode()
        assert "no chat channel is connected" in html
        action = re.search(r'action="(/app/touchpoints/\d+/card/route)"', html)[1]
        assert owner.post(action, {"page": "/pages/thanks"}).status_code == 200
    assert "leads nowhere" not in owner.get("/app").content.decode()
    listed = owner.get("/app/touchpoints").content.decode()
    assert f"/app/touchpoints/{card.pk}/route" in listed
    assert owner.post(f"/app/touchpoints/{card.pk}/restore").json()["go"].startswith(f"/app/touchpoints/{card.pk}?")
    assert owner.get(f"/app/touchpoints/{card.pk}").status_code == 200


def test_what_is_not_printed_has_no_route(owner, shop):
    page = touchpoint_of(shop=shop, kind=TouchpointKind.THANK_YOU_PAGE)
    assert owner.get(f"/app/touchpoints/{page.pk}/route").status_code == 404
    assert owner.post(f"/app/touchpoints/{page.pk}/restore").status_code == 404


def test_a_print_runs_language_is_one_that_the_card_has(owner, card):
    form = {"name": "Run", "quantity": "2", "form": "pdf"}
    html = owner.get(f"/app/touchpoints/{card.pk}/prints").content.decode()
    assert 'name="language" value="en"' in html
    answer = owner.post(f"/app/touchpoints/{card.pk}/prints/order", form | {"language": "tlh"})
    assert (answer.status_code, answer.json()["errors"]) == (422, {"language": "Choose one of the card's languages."})
    assert owner.post(f"/app/touchpoints/{card.pk}/prints/order", form | {"language": "fr"}).status_code == 200
    assert PrintBatch.objects.get().design["card_language"] == "fr"


def test_the_progress_moves_while_the_codes_are_made(owner, card):
    owner.post(f"/app/touchpoints/{card.pk}/prints/order", {"name": "Run", "quantity": "3000", "form": "csv"})
    print_batches.make_codes(PrintBatch.objects.get())
    html = owner.get(f"/app/touchpoints/{card.pk}/prints/live").content.decode()
    assert "1000 of 3000 codes" in html
    assert 'value="1000" max="6000"' in html
