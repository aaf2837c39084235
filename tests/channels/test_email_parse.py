"""What comes back by mail: answers, photos, bounces, complaints; and what must never be answered."""

import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from post_purchase.channels.addresses import entry_address, reply_address
from post_purchase.channels.base import Inbound, Odd, Outcome, PointUpdate, StatusUpdate, Update
from post_purchase.channels.drivers.email.reply_text import reply_text
from post_purchase.channels.registry import driver_for
from post_purchase.words import ChannelKind, MessageStatus, Purpose
from shopapp.lib import clock
from shopapp.models import IncomingWebhook
from tests.factories import make_channel, make_shop

DRIVER = driver_for(ChannelKind.EMAIL)
HEADERS = {"esp": "postmark", "content-type": "application/json", "webhook": "7"}


def postmark(text: str = "5", *, to: str = "", headers: dict[str, str] | None = None, **fields: Any) -> bytes:
    own = {"Message-ID": "<a@mail.example.com>"} | (headers or {})
    to = to or reply_address(channel_id=3, point_id=9)
    payload = {
        "FromFull": {"Email": "Maria@Example.com", "Name": "Maria", "MailboxHash": ""},
        "ToFull": [{"Email": to, "Name": "", "MailboxHash": ""}],
        "OriginalRecipient": to,
        "Subject": "Re: How was it?",
        "TextBody": text,
        "HtmlBody": "",
        "Headers": [{"Name": name, "Value": value} for name, value in own.items()],
        "Attachments": [],
    }
    return json.dumps(payload | fields).encode()


def parse(body: bytes, **headers: str) -> list[Update]:
    return DRIVER.parse(body=body, headers=HEADERS | headers)


def test_an_answer_finds_its_channel_and_its_point() -> None:
    quoted = "5\n\nOn Tue, Nov 24, 2026 at 9:30 AM Fern & Field <hello@fern.example.test> wrote:\n> How was it?"
    [found] = parse(postmark(quoted, headers={"In-Reply-To": "<ref1@inbound.example.test>"}))
    assert isinstance(found, Inbound)
    assert (found.channel_id, found.point_id, found.address, found.profile_name) == (3, 9, "maria@example.com", "Maria")
    assert (found.text, found.subject) == ("5", "Re: How was it?")
    assert (found.provider_id, found.reply_to) == ("<a@mail.example.com>", "<ref1@inbound.example.test>")


def test_the_first_mail_brings_the_code_in_its_address() -> None:
    [found] = parse(postmark("Hi!", to=entry_address(channel_id=3, code="AB3KQ9ZT7MXW2LHC")))
    assert isinstance(found, Inbound)
    assert (found.channel_id, found.point_id, found.entry_code) == (3, None, "AB3KQ9ZT7MXW2LHC")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X-Autoreply": "yes"},
        {"List-Id": "<news.example.com>"},
        {"X-Spam-Status": "Yes"},
        {"X-Failed-Recipients": "a@example.com"},
    ],
)
def test_machines_are_never_answered(headers: dict[str, str]) -> None:
    assert [type(each) for each in parse(postmark("I am away", headers=headers))] == [Odd]


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@example.com", "no-reply@example.com", "postmaster@x.de", ""])
def test_senders_that_are_no_person_are_never_answered(sender: str) -> None:
    body = postmark(FromFull={"Email": sender, "Name": "", "MailboxHash": ""})
    assert [type(each) for each in parse(body)] == [Odd]


def test_a_person_who_says_auto_submitted_no_is_a_person() -> None:
    assert [type(each) for each in parse(postmark(headers={"Auto-Submitted": "no"}))] == [Inbound]


def test_mail_to_an_address_that_we_did_not_make_is_odd() -> None:
    for to in ("reply+c3.9-0000000000000000@inbound.example.test", "hello@inbound.example.test"):
        assert [type(each) for each in parse(postmark(to=to))] == [Odd]


@pytest.mark.django_db
def test_a_photo_is_read_again_from_the_stored_callback() -> None:
    channel = make_channel(make_shop(), ChannelKind.EMAIL)
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "green").save(picture, "JPEG")
    content = base64.b64encode(picture.getvalue()).decode()
    files = [
        {"Name": "us.ics", "Content": "AAAA", "ContentType": "text/calendar", "ContentLength": 3},
        {"Name": "mug.jpg", "Content": content, "ContentType": "image/jpeg", "ContentLength": 1},
    ]
    body = postmark("My mug", Attachments=files)
    row = IncomingWebhook.objects.create(
        source="email",
        account="postmark",
        event_id="1",
        headers={"esp": "postmark", "content-type": "application/json"},
        body=body,
        received_at=clock.now(),
    )
    [found] = DRIVER.parse(body=body, headers=row.headers | {"webhook": str(row.pk)})
    assert isinstance(found, Inbound)
    [part] = found.media
    assert (part.source, part.claimed_type) == ({"webhook": str(row.pk), "part": 0}, "image/jpeg")
    assert DRIVER.fetch_media(channel=channel, source=part.source, max_bytes=10_000) == picture.getvalue()


def tracking(record: str, ref: str = "REF1", **fields: Any) -> list[Update]:
    event = {"RecordType": record, "MessageID": "m", "Metadata": {"ref": ref, "channel": "3"}}
    return parse(json.dumps(event | fields).encode())


def test_a_bounce_ends_the_address() -> None:
    status, person = tracking("Bounce", Type="HardBounce", Email="maria@example.com", Details="550 5.1.1 unknown")
    assert isinstance(status, StatusUpdate)
    assert status.error is not None
    assert (status.ref, status.channel_id, status.status) == ("REF1", 3, MessageStatus.FAILED)
    assert status.error.outcome == Outcome.SUPPRESS_ADDRESS
    assert isinstance(person, PointUpdate)
    assert (person.address, person.blocked, person.channel_id) == ("maria@example.com", True, 3)


def test_a_full_mailbox_does_not_end_the_address() -> None:
    [status] = tracking("Bounce", Type="SoftBounce", Email="maria@example.com", Details="452 4.2.2 over quota")
    assert isinstance(status, StatusUpdate)
    assert status.error is not None
    assert (status.status, status.error.outcome) == (MessageStatus.FAILED, Outcome.OTHER_CHANNEL)


def test_delivery_is_known_by_our_ref_and_a_complaint_ends_promotion() -> None:
    [delivered] = tracking("Delivery", Recipient="maria@example.com")
    assert isinstance(delivered, StatusUpdate)
    assert (delivered.status, delivered.ref) == (MessageStatus.DELIVERED, "REF1")
    stopped = tracking("SpamComplaint", Type="SpamComplaint", Email="maria@example.com")
    assert [each.stopped_purpose for each in stopped if isinstance(each, PointUpdate)] == [
        Purpose.MARKETING,
        Purpose.REVIEW_REQUEST,
    ]


def test_a_tracking_event_of_somebody_elses_mail_is_odd() -> None:
    assert [type(each) for each in tracking("Delivery", ref="")] == [Odd]


@pytest.mark.parametrize(
    "history",
    [
        "On Tue, Nov 24, 2026 at 9:30 AM Fern <h@f.example> wrote:\n> How was it?",
        "On Tue, Nov 24, 2026 at 9:30 AM Fern & Field GmbH und Co\n<h@f.example> wrote:\n> How was it?",
        "Am 24.11.2026 um 09:30 schrieb Fern <h@f.example>:\n> Wie war es?",
        "Le mar. 24 nov. 2026 à 09:30, Fern <h@f.example> a écrit :\n> Alors ?",
        "El mar, 24 nov 2026 a las 9:30, Fern (<h@f.example>) escribió:\n> ¿Qué tal?",
        "Il giorno mar 24 nov 2026 alle 9:30 Fern <h@f.example> ha scritto:\n> Com'era?",
        "Op di 24 nov 2026 om 09:30 schreef Fern <h@f.example>:\n> Hoe was het?",
        "-----Ursprüngliche Nachricht-----\nVon: Fern",
        "________________________________\nFrom: Fern <h@f.example>",
        "From: Fern <h@f.example>\nSent: Tuesday",
        "-- \nMaria Lang",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "> How was it?",
    ],
)
def test_only_the_new_words_are_kept(history: str) -> None:
    assert reply_text(plain=f"Lovely mug!\r\nThank you\r\n\r\n{history}", html_body="") == "Lovely mug!\nThank you"


def test_a_text_without_history_is_kept_whole() -> None:
    words = "On Monday it came.\nFrom the first day I loved it: really\n\nMaria"
    assert reply_text(plain=words, html_body="") == words


def test_styles_and_scripts_are_no_text() -> None:
    body = "<HEAD><title>x</title></HEAD><style>p {}</STYLE ><p>Lovely</p><script>a()</script><p>mug"
    assert reply_text(plain="", html_body=body) == "Lovely\nmug"
    assert reply_text(plain="", html_body="Lovely <style mug>") == "Lovely"


@pytest.mark.parametrize("part", ["<style ", "<style></style", "<script> ", "<", "<div ", "<br "])
def test_a_mail_made_to_keep_the_reader_busy_does_not(part: str) -> None:
    started = time.process_time()
    reply_text(plain="", html_body=part * (200_000 // len(part)))
    assert time.process_time() - started < 1.5  # it was 6 seconds


def test_html_only_mail_is_read() -> None:
    body = "<html><head><style>p{}</style></head><p>Lovely&nbsp;mug &amp; box</p><blockquote>How was it?</blockquote>"
    assert reply_text(plain="", html_body=body) == "Lovely mug & box"


@given(plain=st.text(), html_body=st.text())
def test_no_text_can_break_the_reader(plain: str, html_body: str) -> None:
    assert isinstance(reply_text(plain=plain, html_body=html_body), str)


ESPS = ["postmark", "mailgun", "mailjet", "brevo", "mailersend", "sparkpost", "unisender_go", "other"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["FromFull", "Headers", "event", "items", "Attachments", "RecordType"]), inner
        )
    ),
    max_leaves=12,
)


@given(value=JSON, esp=st.sampled_from(ESPS), raw=st.none() | st.binary(max_size=100), form=st.booleans())
def test_no_callback_can_break_the_parser(value: Any, esp: str, raw: bytes | None, form: bool) -> None:
    kind = "multipart/form-data; boundary=x" if form else "application/json"
    body = json.dumps(value).encode() if raw is None else raw
    assert DRIVER.parse(body=body, headers={"esp": esp, "content-type": kind, "webhook": "1"})


def test_the_recorded_events_of_the_providers_are_understood(fixtures_of_providers: Path) -> None:
    seen = 0
    for file in sorted((fixtures_of_providers / "email" / "anymail_15_1").glob("*.json")):
        esp = file.stem.split("_")[0].split("-")[0]
        for value in json.loads(file.read_bytes()).values():
            found = DRIVER.parse(body=json.dumps(value).encode(), headers={"esp": esp, "webhook": "1"})
            assert all(isinstance(each, Update.__args__) for each in found), file.name
            seen += any("cannot be read" not in each.why for each in found if isinstance(each, Odd))
    assert seen > 50


def proved(body: bytes, **headers: str) -> bool | None:
    [found] = parse(body, **headers)
    assert isinstance(found, Inbound)
    return found.proved


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"X-Spam-Tests": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU"}, True),
        ({"X-Spam-Tests": "DKIM_SIGNED,DKIM_VALID,SPF_PASS"}, False),  # somebody's signature, not of this domain
        ({"Received-SPF": "Pass (sender SPF authorized) identity=mailfrom; envelope-from=maria@example.com"}, True),
        ({"Received-SPF": "Pass (sender SPF authorized) identity=mailfrom; envelope-from=x@evil.example"}, False),
        ({"Received-SPF": "Softfail (x) identity=mailfrom; envelope-from=maria@example.com"}, False),
        ({"Authentication-Results": "mx.example; dmarc=pass header.from=example.com"}, None),  # the mail's own word
    ],
)
def test_postmark_says_whether_the_sender_is_who_it_says(headers: dict[str, str], expected: bool | None) -> None:
    assert proved(postmark(headers=headers)) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mx.ours.example; dkim=pass header.d=example.com", True),
        ("mx.ours.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=x@evil.example", False),
        ("mx.ours.example; dmarc=fail; dkim=pass header.d=example.com", False),
        ("mx.ours.example; spf=pass smtp.mailfrom=bounce@mail.example.com", True),
        ("mx.ours.example; spf=pass smtp.mailfrom=x@notexample.com; dkim=pass header.d=com", False),
        ("mx.theirs.example; dmarc=pass header.from=example.com", None),
    ],
)
def test_only_the_named_servers_results_are_believed(value: str, expected: bool | None, settings: Any) -> None:
    settings.INBOUND_AUTHSERV_ID = "mx.ours.example"
    assert proved(postmark(headers={"Authentication-Results": value})) is expected
