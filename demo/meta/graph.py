"""What WhatsApp and Messenger share at Meta's door: tokens, errors, signatures, media."""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from demo.courier import Courier, Delivery
from demo.faults import Fault, Faults
from demo.moments import Now
from demo.server import Reply, Request, Server
from demo.state import State

VERSIONS = ("v23.0", "v24.0", "v25.0", "v26.0")
MEDIA_URL_LIFE = timedelta(minutes=5)
WINDOW = timedelta(hours=24)


class Refused(Exception):
    """Meta says no: its code, its words, its HTTP status."""

    def __init__(self, code: int, message: str, *, status: int = 400, details: str = "", subcode: int = 0):
        super().__init__(message)
        self.code, self.message, self.status, self.details, self.subcode = code, message, status, details, subcode

    def reply(self) -> Reply:
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.message}",
            "type": "OAuthException",
            "code": self.code,
            "fbtrace_id": secrets.token_urlsafe(12),
        }
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        return Reply({"error": error}, status=self.status)


class Graph:
    def __init__(self, server: Server, state: State, courier: Courier, faults: Faults, now: Now, *, app_secret: str):
        self.state, self.courier, self.faults, self.now, self.url = state, courier, faults, now, server.url
        self.app_secret = app_secret
        self.server = server
        self.here = threading.local()  # what the fault of this request asks of whoever answers it
        server.route("GET", "/lookaside/<media_id>", self._download)
        server.route("GET", "/shown/<media_id>", self._shown)

    def route(
        self,
        method: str,
        pattern: str,
        function: Callable[..., dict[str, Any] | Reply],
        *,
        place: Callable[[str], str] | None = None,
        root: str = "/graph",
    ) -> None:
        """A Graph endpoint: version and token are checked, `Refused` becomes Meta's error."""

        def answer(request: Request, version: str, **parts: str) -> Reply:
            def work() -> Reply:
                try:
                    if version not in VERSIONS:
                        raise Refused(2635, "You are calling a deprecated version of the API", status=400)
                    if not request.bearer and not request.query.get("access_token"):
                        raise Refused(190, "An access token is required to request this resource", status=401)
                    result = function(request, **parts)
                    return result if isinstance(result, Reply) else Reply(result)
                except Refused as refused:
                    return refused.reply()

            where = place(next(iter(parts.values()))) if place else ""
            fault = self.faults.take(where) if where else None
            if fault and fault.kind in ("throttled", "error"):
                return _demanded(fault, where).reply()
            self.here.status_first = fault is not None and fault.kind == "status_first"
            return self.faults.apply(fault, work)

        self.server.route(method, f"{root}/<version>{pattern}", answer)

    def callback(self, source: str, payload: dict[str, Any], *, at_once: bool = False, label: str = "") -> None:
        body = json.dumps(payload, ensure_ascii=True).encode()
        signature = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        copies = 2 if self.faults.switches["duplicate"] and not at_once else 1
        for _ in range(copies):
            delivery = Delivery(source, f"/webhooks/{source}", dict(headers), body, label=label)
            if at_once:
                self.courier.send_now(delivery)
            else:
                self.courier.send(delivery)

    # media
    def keep_media(self, content: bytes, mime_type: str, *, owner: str) -> dict[str, Any]:
        media_id = str(self.state.next_number("media", 1_003_383_421_387_000))
        record = {
            "id": media_id,
            "mime_type": mime_type,
            "sha256": hashlib.sha256(content).hexdigest(),
            "file_size": len(content),
            "owner": owner,
            "hex": content.hex(),
            "url_until": 0.0,
        }
        with self.state.lock:
            self.state.part("media")[media_id] = record
            self.state.touch()
        return record

    def media_url(self, media_id: str) -> str:
        with self.state.lock:
            record = self.state.part("media")[media_id]
            record["url_until"] = (self.now() + MEDIA_URL_LIFE).timestamp()
        return f"{self.url}/lookaside/{media_id}"

    def _download(self, request: Request, media_id: str) -> Reply:
        record = self.state.part("media").get(media_id)
        if record is None or record["url_until"] < self.now().timestamp():
            return Reply({"error": "URL signature expired"}, status=404)
        if record["owner"] == "whatsapp" and not self._is_known(request.bearer):
            return Reply({"error": "Unauthorized"}, status=401)
        return Reply(bytes.fromhex(record["hex"]), type=record["mime_type"])

    def shown_url(self, media_id: str) -> str:
        """For the demo's phone, which asks without a token what a network's own app has already."""
        return f"{self.url}/shown/{media_id}" if media_id in self.state.part("media") else ""

    def _shown(self, request: Request, media_id: str) -> Reply:
        record = self.state.part("media").get(media_id)
        if record is None:
            return Reply({"error": "Not found"}, status=404)
        return Reply(bytes.fromhex(record["hex"]), type=record["mime_type"])

    def _is_known(self, token: str) -> bool:
        accounts = [*self.state.part("whatsapp_numbers").values(), *self.state.part("pages").values()]
        return any(account["token"] == token for account in accounts)


def _demanded(fault: Fault, place: str) -> Refused:
    if fault.kind == "throttled":
        return (
            Refused(130429, "Rate limit hit", status=400)
            if place.startswith("whatsapp")
            else Refused(613, "Calls to this api have exceeded the rate limit.")
        )
    return Refused(fault.code or 131000, "Something went wrong", status=500 if not fault.code else 400)


def seconds(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def check_templates(components: Any) -> str:
    """The body text of a template as submitted. Refuses what Meta's review refuses by machine."""
    body = next((each for each in components or [] if str(each.get("type", "")).upper() == "BODY"), None)
    if body is None or not body.get("text"):
        raise Refused(100, "Invalid parameter", details="components must have a BODY")
    text = str(body["text"])
    if len(text) > 1024:
        raise Refused(100, "Invalid parameter", details="body is longer than 1024 characters", subcode=2388040)
    wanted = text.count("{{")
    if text.strip().startswith("{{") or text.strip().endswith("}}"):
        raise Refused(
            100, "Invalid parameter", details="variables can't be at the start or end of the template", subcode=2388299
        )
    example = (body.get("example") or {}).get("body_text") or []
    named = (body.get("example") or {}).get("body_text_named_params") or []
    given = len(example[0]) if example and isinstance(example[0], list) else len(example) or len(named)
    if wanted and given != wanted:
        raise Refused(100, "Invalid parameter", details="every variable needs a sample value", subcode=2388043)
    return text
