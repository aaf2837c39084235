"""The shoppers' mail: an SMTP server that keeps what arrives,
and replies that reach the app as Postmark's inbound webhook."""

import base64
import email
import email.policy
import json
import re
import secrets
import socket
from datetime import datetime
from email.utils import format_datetime, getaddresses
from typing import Any

from aiosmtpd.controller import Controller

from demo.courier import Courier, Delivery
from demo.moments import Now
from demo.state import State

MAX_KEPT = 500


class Mail:
    def __init__(self, state: State, courier: Courier, now: Now, *, secret: str, port: int = 0):
        self.state, self.courier, self.now, self.secret = state, courier, now, secret
        self.controller = Controller(self, hostname="127.0.0.1", port=port or _free_port())
        self.port = self.controller.port

    def start(self) -> None:
        self.controller.start()

    def stop(self) -> None:
        self.controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text, html = message.get_body(("plain",)), message.get_body(("html",))  # type: ignore[attr-defined]
        entry = {
            "id": secrets.token_hex(8),
            "to": list(envelope.rcpt_tos),
            "from": str(message["From"]),
            "subject": str(message["Subject"] or ""),
            "headers": {name: str(value) for name, value in message.items()},
            "text": text.get_content() if text else "",
            "html": _with_pictures(html.get_content(), message) if html else "",
            "at": self.now().timestamp(),
            "size": len(envelope.content),
        }
        self._keep(entry)
        return "250 OK"

    def from_shopify(self, *, to: str, sender: str, subject: str, html: str, at: float) -> None:
        """A notification that Shopify itself sends: it comes from no app and by no SMTP of ours."""
        headers = {"Message-ID": f"<{secrets.token_hex(12)}@shopify.example>"}
        entry = {"to": [to], "from": sender, "subject": subject, "headers": headers, "text": "", "html": html}
        self._keep(entry | {"id": secrets.token_hex(8), "at": at, "size": len(html), "by": "Shopify"})

    def _keep(self, entry: dict[str, Any]) -> None:
        with self.state.lock:
            self.state.part("mail").setdefault("inbox", []).append(entry)
            del self.state.part("mail")["inbox"][:-MAX_KEPT]
            self.state.touch()

    def inbox(self, address: str = "") -> list[dict[str, Any]]:
        with self.state.lock:
            return [
                each for each in self.state.part("mail").setdefault("inbox", []) if not address or address in each["to"]
            ]

    def reply(
        self, entry: dict[str, Any], text: str, *, sender: str = "", photos: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        """Answer a mail in a usual client: quoted history below, threading headers set."""
        to = entry["headers"].get("Reply-To") or entry["from"]
        when = format_datetime(datetime.fromtimestamp(entry["at"], self.now().tzinfo))
        quoted = "\n".join(f"> {line}" for line in entry["text"].splitlines())
        body = f"{text}\n\nOn {when}, {entry['from']} wrote:\n{quoted}\n"
        subject = entry["subject"] if entry["subject"].lower().startswith("re:") else f"Re: {entry['subject']}"
        self.write(
            sender or entry["to"][0],
            to,
            subject,
            body,
            in_reply_to=entry["headers"].get("Message-ID", ""),
            photos=photos,
        )

    def write(
        self,
        sender: str,
        to: str,
        subject: str,
        text: str,
        *,
        in_reply_to: str = "",
        photos: tuple[tuple[str, bytes], ...] = (),
    ) -> None:
        """A shopper's mail, as Postmark hands it to POST /webhooks/email/postmark/."""
        name, address = getaddresses([to])[0]
        # Postmark tells sender, recipient, subject and date apart from the other headers, and only there.
        headers = [{"Name": "Message-ID", "Value": f"<{secrets.token_hex(12)}@mail.example.com>"}]
        headers.append({"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS"})
        if in_reply_to:
            headers += [{"Name": "In-Reply-To", "Value": in_reply_to}, {"Name": "References", "Value": in_reply_to}]
        mailbox = re.match(r"[^+@]+\+([^@]+)@", address)
        payload = {
            "FromName": "",
            "MessageStream": "inbound",
            "From": sender,
            "FromFull": {"Email": sender, "Name": "", "MailboxHash": ""},
            "To": to,
            "ToFull": [{"Email": address, "Name": name, "MailboxHash": mailbox.group(1) if mailbox else ""}],
            "Cc": "",
            "CcFull": [],
            "Bcc": "",
            "BccFull": [],
            "OriginalRecipient": address,
            "Subject": subject,
            "MessageID": secrets.token_hex(16),
            "ReplyTo": "",
            "MailboxHash": mailbox.group(1) if mailbox else "",
            "Date": format_datetime(self.now()),
            "TextBody": text,
            "HtmlBody": "",
            "StrippedTextReply": "",
            "Tag": "",
            "Headers": headers,
            "Attachments": [
                {
                    "Name": file,
                    "Content": base64.b64encode(content).decode(),
                    "ContentType": "image/jpeg",
                    "ContentLength": len(content),
                    "ContentID": "",
                }
                for file, content in photos
            ],
        }
        credentials = base64.b64encode(self.secret.encode()).decode()
        head = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
        self.courier.send(
            Delivery("email", "/webhooks/email/postmark/", head, json.dumps(payload).encode(), label="inbound mail")
        )


def _with_pictures(html: str, message: Any) -> str:
    """As a mail program draws it: `cid:` addresses are the mail's own parts."""
    for part in message.walk():
        name = str(part["Content-ID"] or "").strip("<> ")
        if name and part.get_content_maintype() == "image":
            data = base64.b64encode(part.get_payload(decode=True)).decode()
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    return html


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
