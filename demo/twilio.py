"""The pretend Twilio: its REST API for one account and number, signed callbacks, opt-outs that it keeps itself,
and phones that take texts."""

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from demo.courier import Courier, Delivery
from demo.faults import Faults
from demo.moments import Now
from demo.server import Reply, Request, Server
from demo.state import State

SID = "AC" + "d0" * 16
TOKEN = "demo-twilio-auth-token"
NUMBER = "15550100200"
ROOT = "/twilio/2010-04-01/Accounts"
SERVICES = "/twilio-messaging/v1/Services"
STOP = ("stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel")
START = ("start", "yes", "unstop")


class Refused(Exception):
    def __init__(self, code: int, message: str, *, status: int = 400):
        super().__init__(message)
        self.code, self.status = code, status

    def reply(self) -> Reply:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": str(self), "more_info": more, "status": self.status}
        return Reply(body, status=self.status)


class Twilio:
    def __init__(self, server: Server, state: State, courier: Courier, faults: Faults, now: Now):
        self.server, self.state, self.courier, self.faults, self.now = server, state, courier, faults, now
        self._route("GET", "/<file>", self._account)
        self._route("GET", "/<sid>/IncomingPhoneNumbers.json", self._numbers)
        self._route("POST", "/<sid>/IncomingPhoneNumbers/<file>", self._set_number)
        self._route("POST", "/<sid>/Messages.json", self._send)
        self._route("GET", "/<sid>/Messages/<message>/Media/<media>", self._media)
        self._route("DELETE", "/<sid>/Messages/<message>/Media/<media>", self._forget)

        self._route("GET", "/<service>/PhoneNumbers", self._senders, root=SERVICES)
        self._route("POST", "/<service>", self._set_service, root=SERVICES)

    def _route(self, method: str, pattern: str, function: Any, *, root: str = ROOT) -> None:
        def answer(request: Request, **parts: str) -> Reply:
            try:
                sid = SID if root == SERVICES else parts.get("sid") or parts["file"].removesuffix(".json")
                given = request.headers.get("Authorization") or ""
                login = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
                if sid != SID or given != f"Basic {login}":
                    raise Refused(20003, "Authenticate", status=401)
                result: Reply = function(request, **{key: value for key, value in parts.items() if key != "sid"})
                return result
            except Refused as refused:
                return refused.reply()

        self.server.route(method, f"{root}{pattern}", answer)

    def create_service(self, sid: str, *numbers: str) -> None:
        with self.state.lock:
            self.state.part("twilio_services")[sid] = {"numbers": list(numbers), "by_number": False}
            self.state.touch()

    def _service(self, service: str) -> dict[str, Any]:
        found = self.state.part("twilio_services").get(service)
        if found is None:
            raise Refused(20404, "The requested resource was not found", status=404)
        return dict(found)

    def _senders(self, request: Request, service: str) -> Reply:
        return Reply({"phone_numbers": [{"phone_number": f"+{each}"} for each in self._service(service)["numbers"]]})

    def _set_service(self, request: Request, service: str) -> Reply:
        by_number = request.form().get("UseInboundWebhookOnNumber") == "true"
        with self.state.lock:
            self.state.part("twilio_services")[service] = self._service(service) | {"by_number": by_number}
            self.state.touch()
        return Reply({"sid": service, "use_inbound_webhook_on_number": by_number})

    def create_number(self, number: str = NUMBER, *, sms: bool = True) -> None:
        with self.state.lock:
            self.state.part("twilio_numbers").setdefault(
                number, {"sid": "PN" + secrets.token_hex(16), "sms": sms, "url": ""}
            )
            self.state.touch()

    def create_person(self, name: str = "Ben Ode", *, phone: str = "4915112345678", landline: bool = False) -> str:
        """A phone. Returns its number's digits."""
        with self.state.lock:
            self.state.part("twilio_people").setdefault(phone, {"name": name, "landline": landline, "stopped": False})
            self.state.touch()
        return phone

    def chat(self, person: str, number: str = NUMBER) -> list[dict[str, Any]]:
        return self.state.part("twilio_chats").setdefault(f"{number}:{person}", [])

    def received(self, person: str, number: str = NUMBER) -> list[dict[str, Any]]:
        return [entry for entry in self.chat(person, number) if entry["from"] == "shop"]

    # what people do
    def write(self, person: str, text: str, *, number: str = NUMBER) -> str:
        word = text.strip().lower()
        more = {}
        with self.state.lock:
            found = self.state.part("twilio_people")[person]
            if word in STOP or word in START:
                found["stopped"] = word in STOP
                more["OptOutType"] = "STOP" if word in STOP else "START"
        return self._came(person, number, {"text": text}, {"Body": text, "NumMedia": "0"} | more)

    def open_link(self, person: str, ref: str, *, number: str = NUMBER) -> str:
        """sms:…?body=…, and a tap on Send."""
        return self.write(person, f"Hi! My code is {ref}", number=number)

    def tap(self, person: str, message_id: str, button_id: str, *, number: str = NUMBER) -> str:
        raise KeyError("A text message has no buttons: answer with the number")

    def send_photo(self, person: str, content: bytes, *, number: str = NUMBER) -> str:
        return self.send_file(person, content, mime_type="image/jpeg", number=number)

    def send_file(self, person: str, content: bytes, *, mime_type: str, number: str = NUMBER) -> str:
        message, media = "MM" + secrets.token_hex(16), "ME" + secrets.token_hex(16)
        with self.state.lock:
            self.state.part("twilio_media")[media] = content.hex()
        url = f"{self.server.url}{ROOT}/{SID}/Messages/{message}/Media/{media}"
        told = {"Body": "", "NumMedia": "1", "MediaUrl0": url, "MediaContentType0": mime_type}
        shown = {"text": "", "media": media, "kind": mime_type.partition("/")[0]}
        return self._came(person, number, shown, told, message=message)

    def _came(self, person: str, number: str, shown: dict[str, Any], told: dict[str, str], *, message: str = "") -> str:
        message = message or "SM" + secrets.token_hex(16)
        with self.state.lock:
            at = self.now().timestamp()
            line = {"id": message, "from": "shopper", "at": at, "buttons": [], "list": False}
            self.chat(person, number).append(line | shown)
            self.state.touch()
        url = self.state.part("twilio_numbers")[number]["url"]
        services = self.state.part("twilio_services").values()
        if url and all(each["by_number"] for each in services if number in each["numbers"]):
            ids = {"MessageSid": message, "SmsSid": message, "AccountSid": SID, "SmsStatus": "received"}
            self._tell(url, ids | {"From": f"+{person}", "To": f"+{number}", "NumSegments": "1"} | told, label="text")
        return message

    def _tell(self, url: str, fields: dict[str, str], *, label: str) -> None:
        signed = url + "".join(name + fields[name] for name in sorted(fields))
        signature = base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        for _ in range(2 if self.faults.switches["duplicate"] else 1):
            self.courier.send(Delivery("twilio", path, dict(headers), urlencode(fields).encode(), label=label))

    # the API
    def _account(self, request: Request, file: str) -> Reply:
        return Reply({"sid": SID, "friendly_name": "Fern & Field", "status": "active", "type": "Full"})

    def _numbers(self, request: Request) -> Reply:
        wanted = request.query.get("PhoneNumber", "").removeprefix("+")
        rows = [
            {
                "sid": each["sid"],
                "phone_number": f"+{number}",
                "sms_url": each["url"],
                "capabilities": {"sms": each["sms"], "mms": number.startswith("1"), "voice": True},
            }
            for number, each in self.state.part("twilio_numbers").items()
            if not wanted or number == wanted
        ]
        return Reply({"incoming_phone_numbers": rows, "page": 0})

    def _set_number(self, request: Request, file: str) -> Reply:
        for number, each in self.state.part("twilio_numbers").items():
            if each["sid"] == file.removesuffix(".json"):
                each["url"] = request.form().get("SmsUrl", each["url"])
                self.state.touch()
                return Reply({"sid": each["sid"], "phone_number": f"+{number}", "sms_url": each["url"]})
        raise Refused(20404, "The requested resource was not found", status=404)

    def _send(self, request: Request) -> Reply:
        fault = self.faults.take("twilio.send")
        if fault and fault.kind == "throttled":
            return Refused(20429, "Too Many Requests", status=429).reply()
        if fault and fault.kind == "error":
            return Refused(fault.code or 30008, "Something is wrong").reply()

        def work() -> Reply:
            try:
                return self._take(request.form())
            except Refused as refused:
                return refused.reply()

        return self.faults.apply(fault, work)

    def _take(self, asked: dict[str, str]) -> Reply:
        number, person = asked.get("From", "").removeprefix("+"), asked.get("To", "").removeprefix("+")
        if asked.get("MessagingServiceSid"):
            number = self._service(asked["MessagingServiceSid"])["numbers"][0]
        body = asked.get("Body", "")
        if number not in self.state.part("twilio_numbers"):
            raise Refused(21606, f"The 'From' phone number provided ({number}) is not a valid message-capable number")
        found = self.state.part("twilio_people").get(person)
        if found is None or not asked.get("To", "").startswith("+"):
            raise Refused(21211, "The 'To' number is not a valid phone number.")
        if found["landline"]:
            raise Refused(21614, "'To' number is not a valid mobile number")
        if found["stopped"]:
            raise Refused(21610, "Attempt to send to unsubscribed recipient")
        if not body and not asked.get("MediaUrl"):
            raise Refused(21602, "Message body is required")
        if len(body) > 1600:
            raise Refused(21617, "The concatenated message body exceeds the 1600 character limit")
        message = "SM" + secrets.token_hex(16)
        with self.state.lock:
            at = self.now().timestamp()
            line = {"id": message, "from": "shop", "at": at, "text": body, "buttons": [], "list": False}
            self.chat(person, number).append(line | {"image": asked.get("MediaUrl", "")})
            self.state.touch()
        ids = {"MessageSid": message, "SmsSid": message, "AccountSid": SID, "From": f"+{number}", "To": f"+{person}"}
        for status in ("sent", "delivered") if asked.get("StatusCallback") else ():
            self._tell(asked["StatusCallback"], ids | {"MessageStatus": status, "SmsStatus": status}, label=status)
        return Reply({"sid": message, "status": "queued", "num_segments": "1", "error_code": None}, status=201)

    def _media(self, request: Request, message: str, media: str) -> Reply:
        content = self.state.part("twilio_media").get(media)
        if content is None:
            raise Refused(20404, "The requested resource was not found", status=404)
        return Reply(bytes.fromhex(content), type="image/jpeg")

    def _forget(self, request: Request, message: str, media: str) -> Reply:
        with self.state.lock:
            if self.state.part("twilio_media").pop(media.removesuffix(".json"), None) is None:
                raise Refused(20404, "The requested resource was not found", status=404)
        return Reply(status=204)
