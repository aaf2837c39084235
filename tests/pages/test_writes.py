"""What each write changes, and what it leaves alone."""

import re
from copy import deepcopy
from datetime import timedelta

import pytest

from post_purchase.models import Flow, Message, Review, ShopSettings
from post_purchase.services import conversations, team_alerts
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from tests.pages.seed import Seed

KEY = "ABCDEFGHJKMNPQRS"


@pytest.fixture
def rows(kept_rows, db, at) -> Seed:
    return deepcopy(kept_rows)


def answer(rows: Seed, **changes: object) -> dict[str, object]:
    point = rows.conversation.contact.points.get()
    return {"text": "Hello Maria", "point": point.pk, "key": KEY} | changes


def path(rows: Seed, verb: str) -> str:
    return f"/app/conversations/{rows.conversation.pk}/{verb}"


def test_an_answer_is_queued_once_however_often_it_is_clicked(owner, rows):
    for _ in range(3):
        assert owner.post(path(rows, "reply"), answer(rows)).status_code == 200
    message = Message.objects.get(text="Hello Maria")
    assert (message.author, message.author_id, message.fixed_point) == ("person", "42", True)


def test_an_empty_answer_says_so_at_its_field(owner, rows):
    response = owner.post(path(rows, "reply"), answer(rows, text="  "))
    assert (response.status_code, response.json()["errors"]) == (422, {"text": "Write something first."})


def test_an_answer_to_somebody_elses_address_is_refused(owner, rows):
    assert owner.post(path(rows, "reply"), answer(rows, point=999_999)).status_code == 422
    assert not Message.objects.filter(text="Hello Maria").exists()


def test_outside_the_window_only_a_template_goes_and_the_page_says_so_before(owner, rows):
    rows.conversation.contact.points.update(last_inbound_at=clock.now() - timedelta(hours=25))
    html = owner.get(f"/app/conversations/{rows.conversation.pk}").content.decode()
    assert "The shopper last wrote 25 hours ago; WhatsApp takes free text for 24" in html
    assert 'name="text"' not in html
    assert owner.post(path(rows, "reply"), answer(rows)).status_code == 422
    template = rows.template
    values = {f"value_{template.pk}_0": "#1001", f"value_{template.pk}_1": "DHL"}
    form = {"template": template.pk, "key": new_code()}
    empty = values | {f"value_{template.pk}_1": " "}
    assert owner.post(path(rows, "template"), form | empty).status_code == 422
    assert owner.post(path(rows, "template"), form | values).status_code == 200
    message = Message.objects.order_by("pk").last()
    assert message.text == "Your order #1001 is on its way with DHL now."
    used = message.content["template"]
    assert (used["name"], used["language"], used["parameters"]) == ("doorstep_shipped", "en", ["#1001", "DHL"])


def test_a_template_cannot_be_used_to_get_round_an_open_window(owner, rows):
    form = {"template": rows.template.pk, "key": KEY}
    assert owner.post(path(rows, "template"), form).status_code == 422


def test_a_conversation_is_taken_over_given_back_closed_and_opened(owner, rows):
    row = rows.conversation
    steps = [
        ("take-over", lambda: row.handed_off_at is not None),
        ("give-back", lambda: row.handed_off_at is None),
        ("close", lambda: row.closed_at is not None),
        ("reopen", lambda: row.closed_at is None),
    ]
    for verb, holds in steps:
        assert owner.post(path(rows, verb)).status_code == 200
        row.refresh_from_db()
        assert holds(), verb


def test_opening_a_thread_marks_it_read(owner, rows):
    owner.get(f"/app/conversations/{rows.conversation.pk}")
    rows.conversation.refresh_from_db()
    assert rows.conversation.unread == 0


def test_the_live_part_is_silent_until_something_changes(owner, rows):
    first = owner.get(f"{path(rows, 'live')}")
    again = owner.get(f"{path(rows, 'live')}", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    Message.objects.filter(text="Happy to help!").update(status="read")
    assert owner.get(f"{path(rows, 'live')}", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_every_status_is_told_with_its_reason_and_by_whom(owner, rows):
    html = owner.get(f"/app/conversations/{rows.conversation.pk}").content.decode()
    for words in (
        "Held until 09:00 in Berlin: quiet hours",
        "Not sent: No consent for offers",
        "By E-mail: WhatsApp cannot be used: the shopper blocked this number",
        "Automatic: Photo review with a reward",
        "Automatic answer",
        "Your team",
    ):
        assert words in html


def test_a_flow_is_edited_published_and_taken_back(owner, rows):
    flow, name = rows.flow, "texts.en.messages.ask_rating.text"
    before = flow.draft["texts"]["en"]["messages"]["ask_rating"]["text"]
    saved = owner.post(
        f"/app/flows/{flow.pk}/texts",
        {name: "New words", "steps.use_time.for#number": "10", "steps.use_time.for#unit": "days"},
    )
    assert saved.status_code == 200
    flow.refresh_from_db()
    assert flow.draft["texts"]["en"]["messages"]["ask_rating"]["text"] == "New words"
    assert flow.draft["steps"]["use_time"]["for"] == "P10D"
    assert flow.live_version.document["texts"]["en"]["messages"]["ask_rating"]["text"] == before
    published = owner.post(f"/app/flows/{flow.pk}/publishing", {"inside": "finish"}).json()
    assert published["toast"] == "Version 2 is live for new orders."
    assert owner.post(f"/app/flows/{flow.pk}/versions/1/restore").status_code == 200
    flow.refresh_from_db()
    assert (flow.live_version.number, flow.draft["steps"]["use_time"]["for"]) == (2, "P7D")


def test_a_broken_text_is_kept_and_cannot_be_published(owner, rows):
    name = "texts.en.messages.ask_rating.text"
    saved = owner.post(f"/app/flows/{rows.flow.pk}/texts", {name: "Hi {{ order.name"})
    assert saved.status_code == 200
    assert "Before it can be published" in saved.json()["toast"]
    rows.flow.refresh_from_db()
    assert rows.flow.draft["texts"]["en"]["messages"]["ask_rating"]["text"] == "Hi {{ order.name"
    assert owner.post(f"/app/flows/{rows.flow.pk}/publishing", {"inside": "finish"}).status_code == 422
    rows.flow.refresh_from_db()
    assert rows.flow.live_version.number == 1


def test_a_delay_that_is_none_is_named_at_its_field(owner, rows):
    form = {"steps.use_time.for#number": "soon", "steps.use_time.for#unit": "days"}
    response = owner.post(f"/app/flows/{rows.flow.pk}/texts", form)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == ["steps.use_time.for#number"]


def test_fields_outside_the_editor_cannot_be_changed(owner, rows):
    before = rows.flow.draft
    owner.post(f"/app/flows/{rows.flow.pk}/texts", {"steps.review.low_rating": "5", "key": "other"})
    rows.flow.refresh_from_db()
    assert rows.flow.draft == before


def test_a_flow_is_switched_off_and_on(owner, rows):
    for to in ("off", "on"):
        assert owner.post(f"/app/flows/{rows.flow.pk}/switch", {"to": to}).status_code == 200
        assert Flow.objects.get(pk=rows.flow.pk).status == to


def test_a_preview_of_another_shops_order_shows_the_sample(owner, rival, rows):
    html = owner.post(f"/app/flows/{rows.flow.pk}/preview", {"language": "de", "order": "999999"}).content.decode()
    assert 'class="bubble"' in html


def test_a_review_is_hidden_only_with_a_reason(owner, rows):
    low = Review.objects.get(rating=1)
    refused = owner.post(f"/app/reviews/{low.pk}/hide", {"reason": "low_rating"})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["reason"])
    low.refresh_from_db()
    assert low.status == "published"
    assert owner.post(f"/app/reviews/{low.pk}/hide", {"reason": "spam"}).status_code == 200
    low.refresh_from_db()
    assert (low.status, low.status_reason) == ("hidden", "It is advertising or not about the product")
    assert owner.post(f"/app/reviews/{low.pk}/show").status_code == 200
    low.refresh_from_db()
    assert (low.status, low.status_reason) == ("published", "")


def test_a_photo_is_reached_by_a_signed_address_only(owner, rows):
    html = owner.get(f"/app/conversations/{rows.conversation.pk}").content.decode()
    address = re.search(r'href="(/media/[^"]+)"', html).group(1)
    assert owner.client.get(address)["Content-Type"] == "image/jpeg"
    assert owner.client.get(address[:-1]).status_code == 404


def test_a_promised_answer_waits_on_the_pages_until_a_person_has_replied(owner, rows):
    conversation = rows.conversation
    conversation.answer_promised_at = clock.now()
    conversation.state = "team"
    conversation.save(update_fields=["answer_promised_at", "state"])
    assert "1 conversation needs an answer from you" in owner.get("/app").content.decode()
    assert "Waiting for us</s-badge>" in owner.get("/app/conversations?view=person").content.decode()
    assert "A question waits for you" in owner.get(f"/app/conversations/{conversation.pk}").content.decode()
    assert owner.post(path(rows, "reply"), answer(rows)).status_code == 200
    conversation.refresh_from_db()
    assert conversation.answer_promised_at is None
    assert "Nobody. When a shopper asks" in owner.get("/app").content.decode()


def test_what_happens_when_a_message_does_not_arrive_is_the_merchants_choice(owner, rows):
    form = {"fallback_unsure": "1", "minutes_whatsapp": "20", "minutes_sms": "", "kept_purposes": ["marketing"]}
    assert owner.post("/app/settings/fallback", form | {"minutes_whatsapp": "2"}).json()["errors"].keys() == {
        "minutes_whatsapp"
    }
    assert owner.post("/app/settings/fallback", form | {"kept_purposes": ["service"]}).status_code == 422
    assert owner.post("/app/settings/fallback", form).status_code == 200
    settings = ShopSettings.objects.get(shop=rows.shop)
    assert (settings.fallback_unsure, settings.fallback_minutes) == (True, {"whatsapp": 20})
    assert settings.kept_purposes == ["marketing"]
    assert 'name="minutes_whatsapp" suffix="minutes" min="5" max="1440" value="20"' in (
        owner.get("/app/settings").content.decode()
    )


def test_the_home_page_names_who_waits_longest_and_a_mail_that_did_not_go(owner, rows):
    conversations.hand_off(conversation=rows.conversation, reason="A low rating, and the shopper wants help")
    html = owner.get("/app").content.decode()
    assert f'href="/app/conversations/{rows.conversation.pk}?' in html
    assert f"Order {rows.conversation.order.name}</s-link>" in html
    assert "A low rating, and the shopper wants help; since 24 Nov, 13:00" in html
    assert "may not have been told" not in html
    team_alerts.tell_teams()  # the shop has no address
    assert team_alerts.NO_ADDRESS in owner.get("/app").content.decode()
