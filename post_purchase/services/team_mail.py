"""One mail to people of the team. Never a word of a shopper's, and never how to reach them."""

import hashlib
import smtplib
from typing import Any

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils.text import Truncator

TROUBLE = (OSError, smtplib.SMTPException, AnymailError)
TIMEOUT = 15  # seconds


def send(*, addresses: list[str], subject: str, template: str, facts: dict[str, Any], known_as: str) -> None:
    """Sent again under the same `known_as` it has the same Message-ID. Raises TROUBLE."""
    sender = settings.DEFAULT_FROM_EMAIL
    known = hashlib.sha256(known_as.encode()).hexdigest()[:32]
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    mail = EmailMessage(
        subject=Truncator(" ".join(subject.split())).chars(120),
        body=render_to_string(template, facts),
        from_email=sender,
        to=addresses,
        headers={"Message-ID": f"<{known}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    get_connection(timeout=TIMEOUT).send_messages([mail])
