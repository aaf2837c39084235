"""Pictures beside a typed answer: made safe, kept privately, handed over as each network takes them."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from demo.pages.recordings import sample_film, sample_voice
from post_purchase.models import Attachment, Member, Message
from post_purchase.services import photo_files, sent_pictures
from post_purchase.services.consent import record_consent
from post_purchase.services.delivery import send_due
from post_purchase.services.inbox_states import unread_by_all
from shopapp.lib import clock, queue, stored_files
from shopapp.lib.crypto import new_code
from tests import factories
from tests.channels.conftest import graph
from tests.talk.test_file_safety import PDF
from tests.talk.test_photo_safety import picture

__all__ = ["graph"]
INSTAGRAM = "17841400000000001"


@pytest.fixture
def row(shop, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    Member.objects.create(shop=shop, user_id="42", name="Ana", role="owner", joined_at=clock.now())
    factories.make_channel(shop)
    contact = factories.make_contact(shop)
    point = factories.make_point(contact, last_inbound_at=clock.now() - timedelta(hours=1))
    record_consent(point=point, purpose="service", state="granted", method="chat_button", dedupe_key="yes")
    return factories.make_conversation(contact, last_message_at=clock.now())


def send(owner, row, content, text="Look here", kind="whatsapp", name="x.jpg", **form):
    file = SimpleUploadedFile(name, content, "image/jpeg")
    point = row.contact.points.get(kind=kind)
    data = {"text": text, "point": point.pk, "key": new_code(), "picture": file}
    return owner.post(f"/app/conversations/{row.pk}/reply", data | form)


def test_a_picture_is_made_anew_sent_once_and_shown_in_the_thread(owner, row, graph, at, settings):
    account = row.shop.channels.get().account_id
    graph.answers[f"POST /{account}/media"] = (200, {"id": "media-1"})
    graph.answers[f"POST /{account}/messages"] = (200, {"messages": [{"id": "wamid.9"}]})
    original = picture(comment=b"secret place", size=(3000, 200))
    key = new_code()
    for _ in range(2):
        assert send(owner, row, original, key=key).status_code == 200
    stored = Attachment.objects.get()
    kept = (settings.MEDIA_ROOT / stored.file).read_bytes()
    assert (stored.status, stored.width, b"secret place" in kept) == ("stored", 2560, False)
    html = owner.get(f"/app/conversations/{row.pk}/live").content.decode()
    assert "Picture from your team" in html
    at.move(seconds=6)
    send_due()
    assert kept in graph.sent("/media")[0].body
    [said] = graph.sent("/messages")
    assert said.json["image"] == {"id": "media-1", "caption": "Look here"}


@pytest.mark.parametrize(
    "content",
    [
        b"<svg onload=alert(1)>",
        b"\xff\xd8\xff broken",
        picture(size=(10, 10)),
        b"%PDF-1.7",
        sample_voice(),
        sample_film(),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_goes(owner, row, content):
    response = send(owner, row, content)
    assert response.status_code == 422
    assert "Nothing was sent" in response.json()["message"]
    assert not Message.objects.exists()


def test_where_no_picture_can_go_the_page_says_so_before_and_the_server_too(owner, shop, row):
    sms = factories.make_channel(shop, "sms", account_id="4915", link_address="4915", name="SMS")
    point = factories.make_point(row.contact, kind="sms", address="4915112345678", last_inbound_at=clock.now())
    html = owner.get(f"/app/conversations/{row.pk}").content.decode()
    whatsapp = row.contact.points.get(kind="whatsapp")
    assert f'data-ways="{whatsapp.pk} "' in html
    response = send(owner, row, picture(), kind="sms")
    assert (response.status_code, "SMS takes no pictures" in response.json()["message"]) == (422, True)
    assert send(owner, row, picture(), text="x" * 1100).status_code == 422
    assert not Message.objects.exists()
    sms.options = {"mms": True}
    sms.save()
    assert send(owner, row, picture(), kind="sms").status_code == 200
    message = Message.objects.get()
    assert message.point == point
    image = message.content["image_path"]
    assert sent_pictures.for_network(message=message, kind="whatsapp", image_path=image) == image
    address = sent_pictures.for_network(message=message, kind="sms", image_path=image)
    answer = Client().get(urlsplit(address).path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert Client().get(urlsplit(address).path + "x").status_code == 404
    assert image not in address


def test_without_room_nothing_is_sent_and_no_file_stays(owner, row, settings, monkeypatch):
    saving = stored_files.save

    def full(name, content):
        if photo_files.name_for(Attachment.objects.get().pk, part="thumbnail") == name:
            raise OSError(28, "No space left on device")
        saving(name, content)

    monkeypatch.setattr(stored_files, "save", full)
    assert send(owner, row, picture()).status_code == 503
    assert not Message.objects.exists()
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


def test_the_browser_is_told_that_something_is_new_and_not_what(owner, rival, row):
    assert owner.get("/app/conversations/news").json() == {"newest": 0, "unread": 0}
    unread_by_all(shop_id=row.shop_id, conversation_id=row.pk)
    told = owner.get("/app/conversations/news").json()
    assert (told["unread"], told["newest"] > 0, set(told)) == (1, True, {"newest", "unread"})
    assert rival.get("/app/conversations/news").json() == {"newest": 0, "unread": 0}
    page = Client().get("/notify")
    assert (page.status_code, page.cookies) == (200, {})
    assert "script-src 'nonce-" in page["Content-Security-Policy"]


def test_a_pdf_goes_by_its_name_and_is_shown_in_the_thread(owner, row, graph, at, settings, client):
    account = row.shop.channels.get().account_id
    graph.answers[f"POST /{account}/media"] = (200, {"id": "media-1"})
    graph.answers[f"POST /{account}/messages"] = (200, {"messages": [{"id": "wamid.9"}]})
    assert send(owner, row, PDF, name="../Return\u202e label.pdf").status_code == 200
    stored = Attachment.objects.get()
    assert (settings.MEDIA_ROOT / stored.file).read_bytes() == PDF
    html = owner.get(f"/app/conversations/{row.pk}/live").content.decode()
    assert "Document (Return label.pdf" in html
    at.move(seconds=6)
    send_due()
    assert PDF in graph.sent("/media")[0].body
    [said] = graph.sent("/messages")
    assert said.json["type"] == "document"
    assert said.json["document"] == {"id": "media-1", "filename": "Return label.pdf", "caption": "Look here"}


def test_where_no_pdf_can_go_the_page_says_so_and_nothing_is_sent(owner, row, at):
    factories.make_channel(row.shop, "instagram", account_id=INSTAGRAM, name="Instagram")
    now = clock.now()
    factories.make_point(row.contact, kind="instagram", address="900700", account_id=INSTAGRAM, last_inbound_at=now)
    response = send(owner, row, PDF, kind="instagram")
    assert response.status_code == 422
    assert "Instagram takes pictures and no PDFs" in response.json()["message"]
    assert not Message.objects.exists()


def test_a_mail_carries_the_pdf(owner, row, at, mailoutbox):
    factories.make_channel(row.shop, "email", account_id="hello@example.test", name="E-mail")
    point = factories.make_point(row.contact, kind="email", address="ada@example.test")
    record_consent(point=point, purpose="service", state="granted", method="chat_button", dedupe_key="mail")
    assert send(owner, row, PDF, kind="email", name="Label.pdf").status_code == 200
    at.move(seconds=6)
    send_due()
    [mail] = mailoutbox
    assert mail.attachments[-1] == ("Label.pdf", PDF, "application/pdf")


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("Return label.pdf", "Return label.pdf"),
        ("C:\\x\\Invoice #1001.PDF", "Invoice #1001.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("a\r\nX-Evil: 1.pdf", "a X-Evil 1.pdf"),
        ("", "Document.pdf"),
        ("…", "Document.pdf"),
        ("ラベル.pdf", "ラベル.pdf"),
        ("x" * 300, "x" * 60 + ".pdf"),
    ],
)
def test_a_documents_name_is_plain(chosen, shown):
    assert sent_pictures.document_name(chosen) == shown


def test_words_that_had_to_wait_go_without_the_picture_whatever_became_of_redis(owner, row, graph, at):
    factories.make_channel(row.shop, "messenger", account_id="700100")
    now = clock.now()
    factories.make_point(row.contact, kind="messenger", address="24680", account_id="700100", last_inbound_at=now)
    record_consent(
        point=row.contact.points.get(kind="messenger"), purpose="service", state="granted", method="x", dedupe_key="m"
    )
    taken, busy = (200, {"message_id": "m_1"}), (400, {"error": {"code": 613, "message": "slow down"}})
    graph.answers["POST /700100/message_attachments"] = (200, {"attachment_id": "99"})
    graph.answers["POST /700100/messages"] = [taken, busy, taken]
    assert send(owner, row, picture(), kind="messenger").status_code == 200
    for _ in range(3):
        at.move(minutes=10)
        queue.redis().flushall()
        send_due()
    kinds = [list(each.json["message"]) for each in graph.sent("/messages")]
    assert kinds == [["attachment"], ["text"], ["text"]]
    assert Message.objects.get().status == "sent"
