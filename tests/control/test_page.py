"""The shopper's page: no cookie, no key in a URL, small, and shut for whoever guesses, comes late or comes again."""

import json
from datetime import UTC, datetime, time

import pytest
from django.test import Client

from post_purchase.models import ChoiceEntry, ConsentEntry, Contact, ControlLink, PrivacyRequest, Reward
from post_purchase.services.choices import LANGUAGES
from post_purchase.services.consent import granted_purposes, record_consent, withdrawn_purposes
from post_purchase.services.control_links import make_link
from post_purchase.services.privacy_requests import answer_request, claim_request
from post_purchase.words import ChannelKind, Purpose
from shopapp.lib import clock
from shopapp.models import Shop, ShopStatus
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


class Page:
    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact)
        self.conversation = factories.make_conversation(self.contact)
        self.point = factories.make_point(self.contact, ChannelKind.EMAIL)
        self.chat = factories.make_point(self.contact)
        factories.make_message(self.conversation, "A secret of the other chat", point=self.chat)
        record_consent(point=self.point, purpose="utility", state="granted", method="x", dedupe_key="u")
        self.client = Client(enforce_csrf_checks=True)

    def key(self, point=None) -> str:
        return make_link(point or self.point).rpartition("#")[2]

    def post(self, key: str, **fields):
        return self.client.post("/my", {"key": key, **fields})


@pytest.fixture
def page():
    with clock.frozen(NOON) as at:
        made = Page()
        made.at = at
        yield made


def test_the_door_tells_nothing_and_keeps_nothing(page: Page):
    for response in (page.client.get("/my"), page.client.head("/my")):
        assert response.status_code == 200
        assert not response.cookies
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
        assert "'unsafe-inline'" not in response["Content-Security-Policy"].split("script-src")[1]
    assert 'method="post"' in page.client.get("/my").content.decode()  # works without script
    assert page.client.put("/my").status_code == 405


def test_the_page_shows_what_is_known_in_twelve_languages_below_ten_kilobytes(page: Page):
    key = page.key()
    for language in LANGUAGES:
        Contact.objects.filter(pk=page.contact.pk).update(chosen_language=language)
        response = page.post(key)
        text = response.content.decode()
        assert response.status_code == 200
        assert len(response.content) < 10_000, language
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in text
        assert page.order.name in text
        assert "m…@example.com" in text
        assert "maria@example.com" not in text
        assert "<script" not in text
        assert not response.cookies
    pasted = page.post(f"https://app.example.test/my#{key}")  # the whole link, without script
    assert pasted.status_code == 200


def test_a_saved_page_changes_only_what_was_changed_on_it(page: Page):
    key = page.key()
    offers, news = f"{page.point.pk}.marketing", f"{page.point.pk}.utility"
    response = page.post(
        key,
        do="save",
        shown=[f"{offers}.0", f"{news}.1", f"{page.point.pk}.review_request.1"],
        yes=[offers, news],
        language="fr",
        kind="email",
        size="  XL ",
        **{"from": "22:00", "until": "07:00"},
    )
    assert 'role="status">Enregistré.' in response.content.decode()
    assert granted_purposes(page.point) == {Purpose.UTILITY, Purpose.MARKETING}
    assert withdrawn_purposes(page.point) == {Purpose.REVIEW_REQUEST}
    line = ConsentEntry.objects.get(purpose=Purpose.MARKETING)
    assert (line.method, line.language, line.recorded_at) == ("control_page", "en", NOON)
    assert line.wording == "Your data and your choices: What we may write to you: E-mail: Offers"
    assert line.wording_version
    assert line.proof == {"link": ControlLink.objects.get().pk}
    contact = Contact.objects.get(pk=page.contact.pk)
    assert (contact.chosen_language, contact.preferred_kind, contact.fields["size"]) == ("fr", "email", "XL")
    assert (contact.quiet_from, contact.quiet_until) == (time(22), time(7))
    assert ChoiceEntry.objects.count() == 4
    page.post(key, do="save", language="fr", kind="email", size="XL", **{"from": "22:00", "until": "07:00"})
    assert ChoiceEntry.objects.count() == 4


def test_a_stop_that_came_after_the_page_was_opened_stays(page: Page):
    key, news = page.key(), f"{page.point.pk}.utility"
    record_consent(point=page.point, purpose="utility", state="withdrawn", method="stop_word", dedupe_key="s")
    page.post(key, do="save", shown=[f"{news}.1"], yes=[news])
    assert Purpose.UTILITY in withdrawn_purposes(page.point)


def test_bad_input_changes_nothing(page: Page):
    stranger = factories.make_point(factories.make_contact(page.shop), ChannelKind.SMS)
    rival = factories.make_point(factories.make_contact(factories.make_shop("rival.myshopify.com")))
    key = page.key()
    names = [f"{stranger.pk}.marketing", f"{rival.pk}.marketing", f"{page.point.pk}.service", "x.y", "9" * 40]
    response = page.post(
        key,
        do="save",
        shown=[f"{name}.0" for name in names] + ["", "..."],
        yes=names,
        language="xx",
        kind="telegram",
        **{"from": "25:99", "until": "\0"},
    )
    assert response.status_code == 200
    assert ConsentEntry.objects.filter(method="control_page").count() == 0
    assert ChoiceEntry.objects.count() == 0
    assert page.post(key, size="x" * 9000).status_code == 413
    assert page.post(key, do="erase").status_code == 200  # without the tick
    assert PrivacyRequest.objects.count() == 0


def test_a_guess_a_late_key_a_replaced_key_and_a_gone_shop_find_nothing(page: Page):
    old, key = page.key(), page.key()
    guesses = ("", "A" * 32, key[:-1], key.swapcase(), old, "'; drop table", "é" * 32, f"{key}x")
    for guess in guesses:
        response = page.post(guess, do="export")
        assert response.status_code == 404, guess
        assert b"Maria" not in response.content
    assert page.client.get(f"/my?key={key}").content.decode().count("Maria") == 0
    Shop.objects.update(status=ShopStatus.UNINSTALLED)
    assert page.post(key).status_code == 404
    Shop.objects.update(status=ShopStatus.INSTALLED)
    assert page.post(key).status_code == 200
    page.at.move(days=1, seconds=1)
    assert page.post(key).status_code == 404


def test_a_copy_holds_everything_for_the_buyer_and_only_this_chat_for_who_has_a_code(page: Page):
    Reward.objects.all().delete()
    whole = page.post(page.key(), do="export")
    assert whole["Content-Disposition"] == 'attachment; filename="my-data-2026-11-24.json"'
    data = json.loads(whole.content)
    assert {each["address"] for each in data["addresses"]} == {"maria@example.com", page.chat.address}
    assert [each["text"] for each in data["messages"]] == ["A secret of the other chat"]
    assert [each["name"] for each in data["choices"]] == ["export"]
    factories.bind(page.chat, page.order)
    narrow = json.loads(page.post(page.key(page.chat), do="export").content)
    assert [each["address"] for each in narrow["addresses"]] == [page.chat.address]
    assert [each["name"] for each in narrow["orders"]] == [page.order.name]
    assert "maria@example.com" not in json.dumps(narrow)


def test_an_erasure_ends_the_key_at_once_and_cannot_be_played_again(page: Page):
    key = page.key()
    response = page.post(key, do="erase", sure="yes")
    assert response.status_code == 200
    assert "erasing it now" in response.content.decode()
    assert page.post(key).status_code == 404
    assert page.post(key, do="erase", sure="yes").status_code == 404
    page.at.move(minutes=3)
    request = claim_request()
    answer_request(request=request)
    assert claim_request() is None
    request.refresh_from_db()
    assert request.outcome == "Erased: 1 contacts, 1 orders"
    assert page.post(key).status_code == 404
    assert ControlLink.objects.count() == ChoiceEntry.objects.count() == ConsentEntry.objects.count() == 0
