"""Looking at a flow in the phone, sending a test, and beginning one."""

from html import unescape
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from post_purchase.flows.editing import problems_of
from post_purchase.models import ContactPoint, Message
from post_purchase.services import trial_sends
from shopapp.models import Shop
from tests import factories
from tests.pages.test_flow_editor import draft, look, owner, rows, save, shown
from tests.pages.visitor import RIVAL

__all__ = ["owner", "rows"]  # fixtures


def test_the_phone_shows_what_is_typed_for_a_real_order_and_saves_nothing(owner, rows):
    before = draft(rows)
    typed = {"texts.en.messages.ask_rating.text": "Order {{ order.name }}, {{ contact.first_name }}: stars?"}
    html = look(owner, rows, order=rows.order.pk, **typed)
    assert f"Order {rows.order.name}, Maria: stars?" in unescape(html)
    assert draft(rows) == before


def test_the_phone_shows_missing_values_dark_and_right_to_left(owner, rows):
    typed = {"texts.en.messages.ask_rating.text": "Hi {{ contact.first_name }}!"}
    html = look(owner, rows, known="little", light="dark", phone="messenger", **typed)
    assert 'class="phone messenger dark"' in html
    assert "Not known here: contact.first_name" in html
    arabic = {"texts.ar.messages.ask_rating.text": "ما رأيك؟"}
    assert 'dir="rtl" lang="ar"' in look(owner, rows, language="ar", **arabic)


def test_the_phone_counts_sms_segments_with_the_answers_as_lines(owner, rows):
    own = "texts.en.messages.ask_rating.forms.sms"
    dear = look(owner, rows, phone="sms", **{own: "x" * 149 + "ł"})
    assert "3 SMS segments" in dear
    assert "because of ł" in dear
    text = {own: "x" * 150}
    html = look(owner, rows, phone="sms", **text)
    assert "1 SMS segment, 150 characters of the GSM alphabet" in html  # rows of stars are their numbers
    titles = {f"texts.en.messages.ask_rating.choices.{stars}": str(stars) for stars in range(1, 6)}
    assert "2 SMS segments, 170 characters of the GSM alphabet" in look(owner, rows, phone="sms", **text, **titles)


def test_another_shops_order_is_not_shown(owner, rival, rows):
    theirs = factories.make_order(Shop.objects.get(domain=RIVAL), name="#7777")
    assert "#7777" not in look(owner, rows, order=theirs.pk)
    assert rival.post(f"/app/flows/{rows.flow.pk}/steps/review/preview", {"language": "en"}).status_code == 404


def test_the_state_of_a_template_is_told_at_its_words(owner, rows):
    assert "doorstep_review_question: about to be handed to Meta" in shown(owner, rows, "review")
    row = rows.channel.templates.get(name="doorstep_review_question", language="en")
    row.status, row.status_reason = "rejected", "Promotional"
    row.save()
    html = shown(owner, rows, "review")
    assert "doorstep_review_question: refused by Meta (Promotional)" in html
    assert "Meta has refused the WhatsApp template in English: Promotional" in html
    row.body = "Quite other words about {{1}} are at Meta under this name."
    row.save()
    html = shown(owner, rows, "review")
    assert "doorstep_review_question: new to Meta; it is sent for approval when you publish" in html
    assert "Meta has refused" not in html


def test_a_flow_begins_from_the_library_from_scratch_and_from_a_file(owner, rows):
    copied = owner.post("/app/flows/add", {"from": "library", "key": "photo_review"}).json()["go"]
    exported = owner.get(f"{copied}/file")
    assert exported["Content-Disposition"] == 'attachment; filename="photo_review_2.yaml"'
    text = exported.content.decode()
    taken = owner.post("/app/flows/add", {"from": "file", "text": text}).json()["go"]
    assert taken != copied
    flows = {flow.key: flow for flow in rows.shop.flows.all()}
    second, third = flows["photo_review_2"].draft, flows["photo_review_3"].draft
    assert {**third, "messages": {}} == {**second, "key": "photo_review_3", "messages": {}}
    assert [spec["purpose"] for spec in third["messages"].values()] == [
        spec["purpose"] for spec in second["messages"].values()
    ]
    own = [
        spec["template"]["name"] for each in (second, third) for spec in each["messages"].values() if "template" in spec
    ]
    assert len(own) == len(set(own))
    assert flows["photo_review_3"].status == "off"
    made = owner.post("/app/flows/add", {"from": "scratch", "name": "After care!", "news": "order_delivered"}).json()[
        "go"
    ]
    assert problems_of(rows.shop.flows.get(pk=made.rpartition("/")[2]).draft) == []
    upload = SimpleUploadedFile("flow.yaml", text.encode())
    assert owner.post("/app/flows/add", {"from": "file", "file": upload}).status_code == 200


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"from": "library", "key": "nothing"}, "key"),
        ({"from": "scratch", "name": " ", "news": "order_paid"}, "name"),
        ({"from": "scratch", "name": "A", "news": "doomsday"}, "news"),
        ({"from": "file", "text": "key: ["}, "text"),
        ({"from": "file"}, "text"),
        ({}, None),
    ],
)
def test_a_beginning_that_is_none_is_refused_at_its_field(owner, rows, form, field):
    before = rows.shop.flows.count()
    answer = owner.post("/app/flows/add", form)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ([field] if field else [])
    assert rows.shop.flows.count() == before


def test_a_test_goes_to_ones_own_mailbox_and_leaves_no_row(owner, rows, mailoutbox, monkeypatch):
    monkeypatch.setattr(trial_sends.queue, "time", SimpleNamespace(time=lambda: 1.0))
    address, door = "me@fern.example", f"/app/flows/{rows.flow.pk}/steps/review/test"
    rows.flow.shop.channels.filter(kind="email").delete()
    told = owner.post(door, {"address": address, "language": "en"}).json()["errors"]["address"]
    assert "Connect it under Channels" in told
    factories.make_channel(rows.flow.shop, "email")
    save(owner, rows, "review", {"texts.en.messages.ask_rating.forms.email": "As a letter, {{ order.name }}"})
    counted = Message.objects.count(), ContactPoint.objects.count()
    answer = owner.post(door, {"address": f" {address} ", "language": "en"})
    assert answer.json()["toast"] == f"6 tests go to {address}."
    assert len(mailoutbox) == 6  # all that the step says
    mail = mailoutbox[0]
    assert (mail.to, mail.reply_to, mail.subject.startswith("Test: ")) == ([address], [], True)
    assert "As a letter, #1001" in mail.body
    assert (Message.objects.count(), ContactPoint.objects.count()) == counted
    for wrong in ("", "me", "me@fern.example\nBcc: all@fern.example", "a@b.example, c@d.example"):
        assert "address" in owner.post(door, {"address": wrong}).json()["errors"]
    answers = [owner.post(door, {"address": address}) for _ in range(trial_sends.PER_SHOP)]
    assert [one.status_code for one in answers] == [200] * (trial_sends.PER_SHOP - 1) + [422]
    assert "Wait a little" in answers[-1].json()["errors"]["address"]
    assert owner.post(door.replace("review", "nowhere"), {"address": address}).status_code == 422
    assert len(mailoutbox) == 6 * trial_sends.PER_SHOP
