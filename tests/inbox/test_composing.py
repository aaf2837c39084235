"""Drafts, taking back, sending later, saved replies and products beside an answer."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from post_purchase.jobs.clean_up import clean_up
from post_purchase.models import Draft, Member, Message, Product, SavedReply
from post_purchase.services import composing
from post_purchase.services.consent import record_consent
from post_purchase.services.delivery import claim_due, send_due
from post_purchase.web.forms.inbox import SavedReplyForm, planned_at, send_times
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests import factories


@pytest.fixture
def row(shop):
    Member.objects.create(shop=shop, user_id="42", name="Ana", role="owner", joined_at=clock.now())
    factories.make_channel(shop)
    contact = factories.make_contact(shop)
    factories.make_point(contact, last_inbound_at=clock.now() - timedelta(hours=1))
    order = factories.make_order(shop, contact, name="#1001")
    factories.make_parcel(order)
    return factories.make_conversation(contact, order=order, state="team", last_message_at=clock.now())


def post(owner, row, verb, **form):
    return owner.post(f"/app/conversations/{row.pk}/{verb}", form)


def answer(owner, row, text="Hello", **form):
    return post(owner, row, "reply", text=text, point=row.contact.points.get().pk, key=new_code(), **form)


def test_a_typed_answer_waits_five_seconds_and_can_be_taken_back(owner, row):
    assert answer(owner, row, "Hello there").status_code == 200
    message = Message.objects.get()
    assert claim_due() == []
    html = owner.get(f"/app/conversations/{row.pk}/live").content.decode()
    assert f"take-back/{message.pk}" in html
    assert post(owner, row, f"take-back/{message.pk}").status_code == 200
    message.refresh_from_db()
    row.refresh_from_db()
    assert (message.status, message.next_attempt_at, row.state) == ("suppressed", None, "team")
    assert Draft.objects.get().text == "Hello there"
    assert 'value="Hello there"' in owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert claim_due() == []


def test_what_has_gone_is_not_taken_back(owner, rival, row):
    answer(owner, row)
    message = Message.objects.get()
    assert rival.post(f"/app/conversations/{row.pk}/take-back/{message.pk}").status_code == 404
    Message.objects.update(status="sending")
    assert post(owner, row, f"take-back/{message.pk}").status_code == 422
    message.refresh_from_db()
    assert message.status == "sending"
    flow = factories.make_message(row, "From a flow")
    assert post(owner, row, f"take-back/{flow.pk}").status_code == 404


def test_an_answer_for_later_goes_then_and_not_beyond_the_window(owner, row):
    assert answer(owner, row, later="2026-11-24 18:30").status_code == 200
    message = Message.objects.get()
    assert message.next_attempt_at == datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
    for wrong in ("2026-11-24 09:00", "soon", "2027-11-24 09:00", "2026-11-27 09:00"):
        response = answer(owner, row, later=wrong)
        assert (response.status_code, list(response.json()["errors"])) == (422, ["later"])
    assert Message.objects.count() == 1


def test_an_answer_goes_at_a_chosen_time_of_the_shops_clock(owner, row, at):
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    select = html.split('name="when"')[1].split("</s-select>")[0]
    assert re.findall(r'value="(\w*)"[^>]*>([^<]+)</s-option>', select) == [
        ("", "Now"),
        ("hour", "In an hour"),
        ("evening", "This evening, 18:00"),
        ("tomorrow", "Tomorrow, 09:00"),
    ]  # Monday is beyond WhatsApp's window
    assert answer(owner, row, when="tomorrow").status_code == 200
    assert Message.objects.get().next_attempt_at == datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    response = answer(owner, row, when="monday")
    assert (response.status_code, list(response.json()["errors"])) == (422, ["when"])
    assert answer(owner, row, when="someday").status_code == 422
    assert answer(owner, row, when="tomorrow", later="2026-11-24 18:30").status_code == 200  # what was written counts
    newest = Message.objects.order_by("pk").last()
    assert newest.next_attempt_at == datetime(2026, 11, 24, 17, 30, tzinfo=UTC)


def test_the_times_that_are_offered_lie_ahead():
    berlin = ZoneInfo("Europe/Berlin")
    sunday_evening = datetime(2026, 11, 29, 17, 0, tzinfo=UTC)
    offered = {name: moment.astimezone(UTC) for name, _, moment in send_times(now=sunday_evening, zone=berlin)}
    assert offered == {
        "hour": datetime(2026, 11, 29, 18, 0, tzinfo=UTC),
        "tomorrow": datetime(2026, 11, 30, 8, 0, tzinfo=UTC),  # which is Monday
    }


def test_planned_times_are_of_the_shops_clock(at):
    berlin = ZoneInfo("Europe/Berlin")
    assert planned_at("", zone=berlin) is None
    assert planned_at("2026-11-25T09:00", zone=berlin) == datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def test_a_draft_is_kept_and_tells_the_others_that_somebody_writes(owner, row, shop):
    ben = Member.objects.create(shop=shop, user_id="43", name="Ben", role="agent", joined_at=clock.now())
    composing.save_draft(member=ben, conversation=row, text="I will", point=None)
    assert post(owner, row, "draft", text="Dear Maria").json() == {"writing": ["Ben"]}
    assert "Ben is writing an answer here" in owner.get(f"/app/conversations/{row.pk}/live").content.decode()
    Draft.objects.filter(member=ben).update(saved_at=clock.now() - timedelta(minutes=1))
    assert post(owner, row, "draft", text="Dear Maria Lang").json() == {"writing": []}
    assert Draft.objects.get(member__user_id="42").text == "Dear Maria Lang"
    assert post(owner, row, "draft", text="x" * 5000).status_code == 422
    assert answer(owner, row).status_code == 200
    assert list(Draft.objects.values_list("member__name", flat=True)) == ["Ben"]


def test_saved_replies_are_filled_in_for_the_shopper(owner, row, shop):
    text = "Hi {{ first_name }}, {{ order }} is {{ order_status }} with {{ carrier }}. {{ my_name }}, {{ shop }}"
    assert owner.post("/app/settings/saved-replies/add", {"name": "Status", "text": text}).status_code == 200
    html = owner.get(f"/app/conversations/{row.pk}/saved-replies").content.decode()
    assert "Hi Maria, #1001 is in transit with DHL. Ana, Fern" in html or "on its way with DHL. Ana" in html
    twice = owner.post("/app/settings/saved-replies/add", {"name": "Status", "text": "x"})
    assert (twice.status_code, list(twice.json()["errors"])) == (422, ["name"])
    saved = SavedReply.objects.get()
    assert owner.post(f"/app/settings/saved-replies/{saved.pk}", {"name": "New", "text": "y"}).status_code == 200
    assert owner.post(f"/app/settings/saved-replies/{saved.pk}/delete").status_code == 200
    assert "New" not in owner.get(f"/app/conversations/{row.pk}/saved-replies").content.decode()
    assert "Bring back New" in owner.get("/app/settings/saved-replies").content.decode()
    assert owner.post("/app/settings/saved-replies/add", {"name": "New", "text": "other"}).status_code == 200
    assert owner.post(f"/app/settings/saved-replies/{saved.pk}/restore").status_code == 422  # the name is taken
    SavedReply.objects.exclude(pk=saved.pk).update(name="Other")
    assert owner.post(f"/app/settings/saved-replies/{saved.pk}/restore").status_code == 200
    assert "New" in owner.get(f"/app/conversations/{row.pk}/saved-replies").content.decode()
    assert owner.post(f"/app/settings/saved-replies/{saved.pk}/delete").status_code == 200
    SavedReply.objects.filter(pk=saved.pk).update(deleted_at=clock.now() - timedelta(days=31))
    clean_up()
    assert list(SavedReply.objects.values_list("name", flat=True)) == ["Other"]


@pytest.mark.parametrize("text", ["{{ password }}", "{{ first_name", "{% for x in y %}", "{% include 'x' %}"])
def test_a_saved_reply_with_a_mistake_says_so_at_once(text):
    form = SavedReplyForm({"name": "x", "text": text})
    assert not form.is_valid()
    assert list(form.errors) == ["text"]


def test_products_that_can_be_bought_are_found_by_their_words(owner, row, shop):
    now = clock.now()
    for number, fields in enumerate(
        ({"variant_ids": [20]}, {"variant_ids": []}, {"variant_ids": [21], "available": False})
    ):
        Product.objects.create(shop=shop, shopify_id=number, title=f"Mug {number}", shopify_updated_at=now, **fields)
    html = owner.get(f"/app/conversations/{row.pk}/products").content.decode()
    assert [f"Mug {number}" in html for number in range(3)] == [True, False, False]
    for number in range(50):
        Product.objects.create(
            shop=shop, shopify_id=100 + number, title=f"Apron {number:02}", variant_ids=[30], shopify_updated_at=now
        )
    found = {
        search: owner.get(f"/app/conversations/{row.pk}/products?q={search}").content.decode().count("data-card")
        for search in ("mug", "apron+49", "49+apron", "zzz", "%25")
    }
    assert found == {"mug": 1, "apron+49": 1, "49+apron": 1, "zzz": 0, "%25": 0}


def test_who_never_came_by_a_channel_is_not_written_to_there_and_the_page_says_so(owner, row, shop, at, mailoutbox):
    factories.make_channel(shop, "email", account_id="hello@fern.example.test", name="E-mail")
    email = factories.make_point(row.contact, kind="email", address="ada@example.test")
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    assert "The shopper has neither written by E-mail nor asked for news there" in html
    asked = {"text": "Hello", "point": email.pk, "key": new_code()}
    response = post(owner, row, "reply", **asked)
    assert (response.status_code, "Nothing was sent" in response.json()["message"]) == (422, True)
    record_consent(point=email, purpose="utility", state="granted", method="checkout", dedupe_key="box")
    assert post(owner, row, "reply", **asked).status_code == 200
    at.move(seconds=6)
    send_due()
    assert len(mailoutbox) == 1
    record_consent(point=email, purpose="service", state="withdrawn", method="stop", dedupe_key="stop")
    response = post(owner, row, "reply", **asked | {"key": new_code()})
    assert (response.status_code, "opted out on E-mail" in response.json()["message"]) == (422, True)


def test_a_person_answers_a_mail_whose_sender_is_not_verified(owner, row, shop, at, mailoutbox):
    factories.make_channel(shop, "email", account_id="hello@fern.example.test", name="E-mail")
    email = factories.make_point(row.contact, kind="email", address="ada@example.test")
    factories.make_message(row, "Is it in stock?", direction="in", point=email, content={"unproved": True})
    assert post(owner, row, "reply", text="It is", point=email.pk, key=new_code()).status_code == 200
    at.move(seconds=6)
    send_due()
    assert [mail.to for mail in mailoutbox] == [["ada@example.test"]]
