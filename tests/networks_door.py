"""The networks' side of the door: callbacks as Meta and Postmark send them, signed, and the job that reads them."""

import base64
import copy
import hashlib
import hmac
import itertools
import json
from pathlib import Path
from typing import Any

from django.test import Client

from post_purchase.jobs.webhooks import process_webhooks
from shopapp.lib import clock
from shopapp.models import IncomingWebhook

MARIA, OTTO = "DE.1349120865530274", "DE.9999999999999999"
PHONE_NUMBER_ID = "106540352242922"
_envelope = json.loads((Path(__file__).parent / "payloads" / "whatsapp" / "message.json").read_text())
_ids = itertools.count(1)


def written(text: str, sender: str = MARIA, **more: Any) -> dict[str, Any]:
    """One element of `messages`."""
    stamp = str(int(clock.now().timestamp()))
    message = {"from_user_id": sender, "id": f"wamid.door{next(_ids)}", "timestamp": stamp}
    return {**message, "type": "text", "text": {"body": text}, **more}


def photo(media_id: str, sender: str = MARIA) -> dict[str, Any]:
    image = {"id": media_id, "mime_type": "image/jpeg", "sha256": "x"}
    return {**written("", sender), "type": "image", "image": image}


def callback(*messages: dict[str, Any], field: str = "messages", **value: Any) -> dict[str, Any]:
    body = copy.deepcopy(_envelope)
    change = body["entry"][0]["changes"][0]
    change["field"] = field
    senders = dict.fromkeys(message.get("from_user_id") or message.get("from") for message in messages)
    contacts = [{"profile": {"name": "Maria Lang"}, "user_id": sender} for sender in senders]
    change["value"] |= {"messages": list(messages), "contacts": contacts} | value
    return body


def post(body: dict[str, Any] | bytes, *, secret: bytes = b"test-meta-secret", network: str = "whatsapp") -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature}
    answer = Client().post(f"/webhooks/{network}", raw, content_type="application/json", headers=headers)
    return answer.status_code


def deliver(body: dict[str, Any] | bytes, **more: Any) -> IncomingWebhook:
    """Post it, and have the job read it. Returns the row as it is afterwards."""
    assert post(body, **more) == 200
    process_webhooks()
    return IncomingWebhook.objects.latest("pk")


def say(*texts: str, sender: str = MARIA) -> IncomingWebhook:
    return deliver(callback(*(written(text, sender) for text in texts)))


def mail(*, sender: str, to: str, text: str, message_id: str, **more: Any) -> int:
    """A shopper's mail as Postmark hands it over. Returns the status."""
    fields = {
        "FromFull": {"Email": sender, "Name": "Maria Lang", "MailboxHash": ""},
        "From": sender,
        "ToFull": [{"Email": to, "Name": "", "MailboxHash": ""}],
        "To": to,
        "OriginalRecipient": to,
        "Subject": "My order",
        "TextBody": text,
        "HtmlBody": "",
        "MessageID": f"postmark-{next(_ids)}",
        "Headers": [
            {"Name": "Message-ID", "Value": message_id},
            {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS"},
        ],
        "Attachments": [],
    } | more
    login = base64.b64encode(b"user:password").decode()
    return (
        Client()
        .post(
            "/webhooks/email/postmark/",
            json.dumps(fields).encode(),
            content_type="application/json",
            headers={"Authorization": f"Basic {login}"},
        )
        .status_code
    )
