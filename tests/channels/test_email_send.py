"""Mail over a real SMTP server on loopback."""

import email
import email.policy
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from PIL import Image

from post_purchase.channels.addresses import read_address
from post_purchase.channels.base import Button, ChannelError, Outcome, OutMessage, SendContext, UrlButton
from post_purchase.channels.provider_data import load
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ContactPoint
from post_purchase.services.unsubscribe import read_code
from post_purchase.words import ChannelKind, Mode, Purpose
from shopapp.lib.crypto import grouped
from tests.environment import free_port
from tests.factories import make_channel, make_contact, make_point, make_shop

pytestmark = pytest.mark.django_db
DRIVER = driver_for(ChannelKind.EMAIL)


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipient_answer = "250 OK"
        self.data_answer = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.data_answer


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield box
    controller.stop()


@pytest.fixture
def channel() -> Channel:
    shop = make_shop()
    shop.settings.postal_address = "Fern & Field, Lindenstr. 4, Berlin"
    shop.settings.save()
    return make_channel(shop, ChannelKind.EMAIL)


@pytest.fixture
def point(channel: Channel) -> ContactPoint:
    return make_point(make_contact(channel.shop), ChannelKind.EMAIL)


def send(channel: Channel, point: ContactPoint, message: OutMessage, **context: Any) -> str:
    return DRIVER.send(
        channel=channel, point=point, message=message, mode=Mode.FREE, ref="REF1", context=SendContext(**context)
    ).provider_id


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


def test_an_order_update_is_text_and_html_with_an_address_for_the_answer(
    mailbox: Mailbox, channel: Channel, point: ContactPoint
) -> None:
    message = OutMessage(
        text="Your parcel is on its way.\n\nFern <3",
        subject="On its way\r\nBcc: someone@example.com",
        url_button=UrlButton(title="Track", url="https://t.example/1?a=1&b=2"),
    )
    provider_id = send(channel, point, message)
    [mail] = mailbox.mails
    assert provider_id == mail["Message-ID"] == "<ref1@inbound.example.test>"
    assert (mail["From"], mail["To"]) == ("Fern & Field <hello@fern.example.test>", "maria@example.com")
    assert mail["Subject"] == "On its way Bcc: someone@example.com"
    assert mail["Bcc"] is None
    assert mail["List-Unsubscribe"] is None
    plain, html = parts(mail)
    assert "Track: https://t.example/1?a=1&b=2" in plain
    assert 'href="https://t.example/1?a=1&amp;b=2"' in html
    assert "Fern &lt;3" in html
    address = read_address(str(mail["Reply-To"]))
    assert address is not None
    assert (address.channel_id, address.point_id, address.code) == (channel.pk, point.pk, "")


def test_choices_are_numbered(mailbox: Mailbox, channel: Channel, point: ContactPoint) -> None:
    send(
        channel,
        point,
        OutMessage(text="How was it?", buttons=[Button(id="5", title="Great"), Button(id="1", title="Bad")]),
    )
    plain, html = parts(mailbox.mails[0])
    assert "1. Great\n2. Bad\n" in plain.replace("\r\n", "\n")
    assert html.index("Great") < html.index("Bad")


@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.REVIEW_REQUEST])
def test_promotion_can_be_ended_with_one_click(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, purpose: Purpose
) -> None:
    send(channel, point, OutMessage(text="An offer"), purpose=purpose)
    [mail] = mailbox.mails
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(mail["List-Unsubscribe"]).strip(" <>")  # long headers are folded
    assert url.startswith("https://app.example.test/unsubscribe/")
    asked = read_code(url.rsplit("/", 1)[1])
    assert asked is not None
    assert (asked.point, asked.purpose) == (point, purpose)
    assert all("Lindenstr. 4" in part for part in parts(mail))
    assert "maria" not in url


LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "tr", "ar", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_out_and_the_choice_are_said_in_the_readers_language(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, language: str
) -> None:
    words = load("email_words.yaml")
    message = OutMessage(
        text="?", language=f"{language}-XX", buttons=[Button(id="a", title="A"), Button(id="b", title="B")]
    )
    send(channel, point, message, purpose=Purpose.REVIEW_REQUEST)
    for part in parts(mailbox.mails[0]):
        assert words["unsubscribe"][language] in part
        assert words["choose"][language].format(numbers="1–2") in part
        assert language == "en" or "Unsubscribe" not in part


def test_an_unknown_language_is_answered_in_english(mailbox: Mailbox, channel: Channel, point: ContactPoint) -> None:
    send(channel, point, OutMessage(text="?", language="xx"), purpose=Purpose.MARKETING)
    assert all("Unsubscribe" in part for part in parts(mailbox.mails[0]))


def test_a_picture_travels_inside_the_mail(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    Image.new("RGB", (40, 30), "#7a9e8f").save(tmp_path / "care.png")
    send(channel, point, OutMessage(text="How to care for it", image_path="care.png"))
    [mail] = mailbox.mails
    assert 'src="cid:picture"' in parts(mail)[1]
    [picture] = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<picture>", "inline")
    assert picture.get_content() == (tmp_path / "care.png").read_bytes()


def test_a_picture_of_the_shops_own_server_is_named_in_the_mail(
    mailbox: Mailbox, channel: Channel, point: ContactPoint
) -> None:
    send(channel, point, OutMessage(text="Look", image_path="https://cdn.example.test/mug.jpg?a=1&b=2"))
    assert 'src="https://cdn.example.test/mug.jpg?a=1&amp;b=2"' in parts(mailbox.mails[0])[1]


@pytest.mark.parametrize("path", ["../secret.png", "/etc/hostname", "missing.png", "page.svg"])
def test_no_other_file_can_be_sent_as_a_picture(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, settings: Any, tmp_path: Path, path: str
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "secret.png")
    (settings.MEDIA_ROOT / "page.svg").write_text("<svg/>")
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Look", image_path=path))
    assert (caught.value.outcome, mailbox.mails) == (Outcome.BUG, [])


def test_a_reply_stands_in_its_thread(mailbox: Mailbox, channel: Channel, point: ContactPoint) -> None:
    thread = tuple(f"<{n}@x>" for n in range(12))
    send(channel, point, OutMessage(text="Again"), thread=thread)
    [mail] = mailbox.mails
    assert mail["In-Reply-To"] == "<11@x>"
    assert str(mail["References"]).split() == list(thread[-10:])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Where is it?", "Re: Where is it?"),
        ("AW: Re:  Where is it?", "Re: Where is it?"),
        ("Order: the blue one", "Re: Order: the blue one"),
        ("RE:", "It is on its way"),
        ("", "It is on its way"),
    ],
)
def test_an_answer_is_about_what_they_wrote_about(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, theirs: str, ours: str
) -> None:
    send(channel, point, OutMessage(text="It is on its way"), subject=theirs)
    send(channel, point, OutMessage(text="Hello", subject="Your order"), subject=theirs)
    assert [mail["Subject"] for mail in mailbox.mails] == [ours, "Your order"]


def test_right_to_left_pages_say_so(mailbox: Mailbox, channel: Channel, point: ContactPoint) -> None:
    send(channel, point, OutMessage(text="שלום", language="he", rtl=True))
    assert '<html lang="he" dir="rtl">' in parts(mailbox.mails[0])[1]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.1.1 no such user", Outcome.SUPPRESS_ADDRESS),
        ("451 4.7.1 greylisted", Outcome.RETRY_AFTER),
    ],
)
def test_a_refused_recipient(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, answer: str, outcome: Outcome
) -> None:
    mailbox.recipient_answer = answer
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert (caught.value.outcome, mailbox.mails) == (outcome, [])


@pytest.mark.parametrize(
    ("answer", "outcome"), [("554 content refused", Outcome.BUG), ("452 try later", Outcome.RETRY_AFTER)]
)
def test_refused_content(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, answer: str, outcome: Outcome
) -> None:
    mailbox.data_answer = answer
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert caught.value.outcome == outcome


def test_a_server_that_is_not_there_has_taken_nothing(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, settings: Any
) -> None:
    settings.EMAIL_PORT = free_port()
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert caught.value.outcome == Outcome.RETRY_AFTER


def test_a_connection_lost_in_the_middle_is_unknown(
    mailbox: Mailbox, channel: Channel, point: ContactPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: Any, *arguments: Any, **more: Any) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "data", lose)
    with pytest.raises(ChannelError) as caught:
        send(channel, point, OutMessage(text="Hello"))
    assert caught.value.outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("code", ["AB3KQ9ZT7MXW2LHC", "9DC6FA18D4F1BC3F2D97"])  # the second: an order e-mail's button
def test_the_link_writes_a_mail_with_the_code_in_text_and_address(channel: Channel, code: str) -> None:
    url = DRIVER.entry_url(channel=channel, code=code, text=f"Hi! My code is {grouped(code)}")
    address, _, query = url.removeprefix("mailto:").partition("?")
    found = read_address(address)
    assert found is not None
    assert (found.channel_id, found.point_id, found.code) == (channel.pk, None, code)
    assert len(address.split("@")[0]) <= 64
    assert f"body=Hi%21%20My%20code%20is%20{grouped(code)}" in query


def test_addresses_that_we_did_not_make_lead_nowhere(channel: Channel, point: ContactPoint, settings: Any) -> None:
    from post_purchase.channels.addresses import reply_address

    right = reply_address(channel_id=channel.pk, point_id=point.pk)
    assert read_address(right.upper()) == read_address(right)
    local, _, domain = right.partition("@")
    forged = local[:-1] + ("0" if local[-1] != "0" else "1")
    for wrong in (f"{forged}@{domain}", f"{local}@other.example", f"reply+c1.1@{domain}", "", "@", "reply+@x"):
        assert read_address(wrong) is None
    other = reply_address(channel_id=channel.pk, point_id=point.pk + 1)
    assert other.split("-")[1] != right.split("-")[1]
    settings.SECRET_KEY = "another key"
    assert read_address(right) is None
