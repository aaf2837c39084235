"""Is a mail from whom it says? What the receiving server found out, never what the mail says of itself (docs/adr/0023).

Postmark: SpamAssassin's X-Spam-Tests and Received-SPF. Mailgun: X-Mailgun-Spf and X-Mailgun-Dkim-Check-Result.
MailerSend: fields of its own. Anybody's Authentication-Results (RFC 8601) where INBOUND_AUTHSERV_ID names the server.
A header of these that stands in the mail twice was brought along by its sender: then it counts for nothing.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from anymail.inbound import AnymailInboundMessage
from django.conf import settings

_RESULT = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*(\w+)([^;]*)", re.I)
_DOMAIN = re.compile(r"(?:header\.[di]|smtp\.mailfrom)\s*=\s*\"?(?:[^\s;\"@]*@)?([\w.-]+)", re.I)
_SIGNED_BY = re.compile(r"(?:^|;)\s*d\s*=\s*([\w.-]+)", re.I)
_ENVELOPE = re.compile(r"envelope-from=\"?<?[^\s;\"<>@]*@([\w.-]+)", re.I)


class Proof(StrEnum):
    GOOD = "good"  # signed or sent by the domain that the address names
    BAD = "bad"  # looked at, and it is not
    UNSAID = "unsaid"  # this provider says nothing


def proof_of(event: Any, esp: str) -> Proof:
    message: AnymailInboundMessage = event.message
    address = str(message.from_email.addr_spec if message.from_email else "")
    domain = address.rpartition("@")[2].lower().rstrip(".")
    if not domain or len(message.get_all("From", [])) != 1:
        return Proof.BAD
    if settings.INBOUND_AUTHSERV_ID:
        return _by_results(message, domain)
    if esp == "postmark":
        return _by_postmark(message, domain)
    if esp == "mailgun":
        return _by_mailgun(message, domain)
    if esp == "mailersend":
        return _by_mailersend(message, event.esp_event, domain)
    return Proof.UNSAID


def _by_results(message: AnymailInboundMessage, domain: str) -> Proof:
    """The topmost of that server: it takes out what others wrote in its name (RFC 8601, section 5)."""
    for value in message.get_all("Authentication-Results", []):
        server, _, results = str(value).partition(";")
        if server.split()[:1] != [settings.INBOUND_AUTHSERV_ID]:
            continue
        found = [(name.lower(), word.lower(), more) for name, word, more in _RESULT.findall(results)]
        if any((name, word) == ("dmarc", "fail") for name, word, _ in found):
            return Proof.BAD
        passed = any(
            word == "pass" and (name == "dmarc" or any(_aligned(each, domain) for each in _DOMAIN.findall(more)))
            for name, word, more in found
        )
        return Proof.GOOD if passed else Proof.BAD
    return Proof.UNSAID


def _by_postmark(message: AnymailInboundMessage, domain: str) -> Proof:
    tests = {word.strip() for word in _only(message, "X-Spam-Tests").split(",")}
    spf = _only(message, "Received-SPF")
    if "DKIM_VALID_AU" in tests:  # a signature of the domain in From
        return Proof.GOOD
    envelope = _ENVELOPE.search(spf)
    if spf.lower().startswith("pass") and envelope and _aligned(envelope[1], domain):
        return Proof.GOOD
    return Proof.BAD if message.get("X-Spam-Tests") or message.get("Received-SPF") else Proof.UNSAID


def _by_mailgun(message: AnymailInboundMessage, domain: str) -> Proof:
    spf, dkim = _only(message, "X-Mailgun-Spf").lower(), _only(message, "X-Mailgun-Dkim-Check-Result").lower()
    if dkim == "pass" and _aligned(_signer(message), domain):
        return Proof.GOOD
    if spf == "pass" and _aligned(str(message.envelope_sender or "").rpartition("@")[2], domain):
        return Proof.GOOD
    asked = message.get("X-Mailgun-Spf") or message.get("X-Mailgun-Dkim-Check-Result")
    return Proof.BAD if asked else Proof.UNSAID


def _by_mailersend(message: AnymailInboundMessage, payload: Any, domain: str) -> Proof:
    data = payload.get("data") if isinstance(payload, Mapping) else None
    if not isinstance(data, Mapping):
        return Proof.UNSAID
    spf = data.get("spf_check")
    envelope = str(message.envelope_sender or "").rpartition("@")[2]
    if isinstance(spf, Mapping) and spf.get("code") == "+" and _aligned(envelope, domain):
        return Proof.GOOD
    if data.get("dkim_check") is True and _aligned(_signer(message), domain):
        return Proof.GOOD
    return Proof.BAD if spf or "dkim_check" in data else Proof.UNSAID


def _only(message: AnymailInboundMessage, name: str) -> str:
    found = message.get_all(name, [])
    return str(found[0]).strip() if len(found) == 1 else ""


def _signer(message: AnymailInboundMessage) -> str:
    """The domain of the one signature: with two nobody says which of them was good."""
    found = _SIGNED_BY.search(_only(message, "DKIM-Signature"))
    return found[1] if found else ""


def _aligned(other: str, domain: str) -> bool:
    """Relaxed (RFC 7489, 3.1): the same domain, or one below the other."""
    other = other.lower().strip(".")
    return "." in other and (other == domain or domain.endswith(f".{other}") or other.endswith(f".{domain}"))
