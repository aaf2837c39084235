"""The pretend WhatsApp Cloud API, and the phones of its users. What Meta refuses is refused with Meta's error code."""

import re
import secrets
import time
from typing import Any

from demo.meta.graph import WINDOW, Graph, Refused, seconds
from demo.meta.looks import interactive_look, within
from demo.meta.portfolio import PortfolioLimit
from demo.server import Request

PAIR_SECONDS, PAIR_BURST = 6.0, 45


class WhatsApp(PortfolioLimit):
    def __init__(self, graph: Graph):
        super().__init__(graph)
        self.per_second = 80  # per number
        self.auto_read = True
        self.sent_times: dict[str, list[float]] = {}
        graph.route("POST", "/<number>/messages", self._dispatch_send, place=self._place_of_send)

    # accounts
    def create_number(
        self,
        number_id: str = "106540352242922",
        *,
        waba: str = "102290129340398",
        phone: str = "15550783881",
        name: str = "Fern & Field",
        token: str = "EAADemoWhatsAppToken",
    ) -> dict[str, Any]:
        with self.state.lock:
            numbers = self.state.part("whatsapp_numbers")
            if number_id not in numbers:
                numbers[number_id] = {
                    "id": number_id,
                    "waba": waba,
                    "phone": phone,
                    "name": name,
                    "token": token,
                    "subscribed": False,
                }
                self.state.touch()
        return dict(numbers[number_id])

    def create_person(
        self, name: str = "Maria", *, phone: str = "4915112345678", country: str = "DE", hide_phone: bool = False
    ) -> str:
        """A user with a phone. Returns the BSUID. `hide_phone`: a username is set, webhooks carry no number."""
        with self.state.lock:
            people = self.state.part("whatsapp_people")
            for user_id, person in people.items():
                if person["phone"] == phone:
                    return user_id
            user_id = f"{country}.{secrets.randbelow(10**20):020d}"
            people[user_id] = {"name": name, "phone": phone, "hide_phone": hide_phone, "reachable": True}
            self.state.touch()
        return user_id

    def chat(self, user_id: str, number_id: str = "106540352242922") -> list[dict[str, Any]]:
        """Everything said between this person and this number, oldest first."""
        return self.state.part("whatsapp_chats").setdefault(f"{number_id}:{user_id}", [])

    def received(self, user_id: str, number_id: str = "106540352242922") -> list[dict[str, Any]]:
        """What the shop's messages look like on the phone."""
        return [entry for entry in self.chat(user_id, number_id) if entry["from"] == "shop"]

    # what people do
    def write(self, user_id: str, text: str, *, number_id: str = "106540352242922", reply_to: str = "") -> str:
        message: dict[str, Any] = {"type": "text", "text": {"body": text}}
        if reply_to:
            message["context"] = {"from": self._number(number_id)["phone"], "id": reply_to}
        return self._inbound(user_id, number_id, message, shown={"text": text})

    def tap(self, user_id: str, message_id: str, button_id: str, *, number_id: str = "106540352242922") -> str:
        """Tap a reply button or a list row of a message on the phone."""
        entry = next(each for each in self.chat(user_id, number_id) if each["id"] == message_id)
        in_cards = [button for card in entry.get("cards", ()) for button in card["buttons"]]
        for choice in [*entry["buttons"], *in_cards]:
            if choice["id"] == button_id:
                kind = "list_reply" if entry["list"] else "button_reply"
                inner = {"type": kind, kind: {"id": choice["id"], "title": choice["title"]}}
                context = {"from": self._number(number_id)["phone"], "id": message_id}
                message = {"type": "interactive", "interactive": inner, "context": context}
                return self._inbound(user_id, number_id, message, shown={"text": choice["title"]})
        raise KeyError(f"There is no button {button_id} on this message")

    def hide_phone(self, user_id: str) -> None:
        """Take a username: from now on webhooks carry no number."""
        with self.state.lock:
            self.state.part("whatsapp_people")[user_id]["hide_phone"] = True
            self.state.touch()

    def share_phone(self, user_id: str, message_id: str, *, number_id: str = "106540352242922") -> str:
        """Tap the button under a contact request: the phone's own card goes back."""
        entry = next(each for each in self.chat(user_id, number_id) if each["id"] == message_id)
        if not entry.get("asks_phone"):
            raise KeyError("This message does not ask for the phone number")
        person = self.state.part("whatsapp_people")[user_id]
        card = {
            "origin": "contact_request",
            "name": {"formatted_name": person["name"], "first_name": person["name"]},
            "phones": [{"phone": f"+{person['phone']}", "wa_id": person["phone"], "type": "CELL"}],
        }
        context = {"from": self._number(number_id)["phone"], "id": message_id}
        message = {"type": "contacts", "contacts": [card], "context": context}
        return self._inbound(user_id, number_id, message, shown={"text": f"Phone number: +{person['phone']}"})

    def send_photo(self, user_id: str, content: bytes, **more: str) -> str:
        return self.send_file(user_id, content, **more)

    def send_file(
        self,
        user_id: str,
        content: bytes,
        *,
        mime_type: str = "image/jpeg",
        caption: str = "",
        number_id: str = "106540352242922",
    ) -> str:
        media = self.graph.keep_media(content, mime_type, owner="whatsapp")
        kind = mime_type.partition("/")[0]
        kind = kind if kind in ("image", "audio", "video") else "document"
        file = {"id": media["id"], "mime_type": mime_type, "sha256": media["sha256"]}
        if caption:
            file["caption"] = caption
        if kind == "audio":
            file["voice"] = True
        return self._inbound(
            user_id, number_id, {"type": kind, kind: file}, shown={"text": caption, "media": media["id"], "kind": kind}
        )

    def _inbound(self, user_id: str, number_id: str, message: dict[str, Any], *, shown: dict[str, Any]) -> str:
        number, now = self._number(number_id), self.now()
        with self.state.lock:
            person = self.state.part("whatsapp_people")[user_id]
            message_id = f"wamid.{secrets.token_urlsafe(32)}"
            entry = {"id": message_id, "from": "shopper", "at": now.timestamp(), "buttons": [], "list": False, **shown}
            self.chat(user_id, number_id).append(entry)
            self.state.touch()
        contact: dict[str, Any] = {"profile": {"name": person["name"]}, "user_id": user_id}
        head: dict[str, Any] = {"from_user_id": user_id, "id": message_id, "timestamp": seconds(now)}
        if not person["hide_phone"]:
            contact["wa_id"] = head["from"] = person["phone"]
        self._tell(number, {"contacts": [contact], "messages": [head | message]}, label=f"message {message['type']}")
        return message_id

    # the API
    def _dispatch_send(self, request: Request, number: str) -> dict[str, Any]:
        if self.messenger and number in self.state.part("pages"):
            return self.messenger.send(request, number)
        return self._send(request, number)

    def _send(self, request: Request, number_id: str) -> dict[str, Any]:
        number = self._number(number_id)
        self._check_token(request, number)
        asked = request.json()
        if not isinstance(asked, dict) or asked.get("messaging_product") != "whatsapp":
            raise Refused(100, "Invalid parameter", details="messaging_product must be whatsapp")
        if asked.get("status") == "read":
            return {"success": True}
        self._check_rate(number_id)
        user_id, person = self._recipient(asked)
        shown = self._shown(asked, number, user_id)
        message_id = f"wamid.{secrets.token_urlsafe(32)}"
        with self.state.lock:
            self._check_pair(user_id, number_id)
            entry = {
                "id": message_id,
                "from": "shop",
                "at": self.now().timestamp(),
                "ref": asked.get("biz_opaque_callback_data", ""),
                **shown,
            }
            self.chat(user_id, number_id).append(entry)
            self.state.touch()
        self._statuses(number, user_id, entry, at_once=self.graph.here.status_first)
        answer = {"id": message_id}
        if asked["type"] == "template":
            answer["message_status"] = "accepted"
        contact = {"input": asked.get("to") or asked.get("recipient"), "user_id": user_id}
        if not person["hide_phone"]:
            contact["wa_id"] = person["phone"]
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [answer]}

    def _place_of_send(self, account: str) -> str:
        return "messenger.send" if account in self.state.part("pages") else "whatsapp.send"

    def _recipient(self, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        people = self.state.part("whatsapp_people")
        wanted = str(asked.get("recipient") or "")
        if not wanted:
            phone = re.sub(r"\D", "", str(asked.get("to") or ""))
            if not phone:
                raise Refused(100, "Invalid parameter", details="to or recipient is required")
            wanted = next((user_id for user_id, person in people.items() if person["phone"] == phone), "")
        person = people.get(wanted)
        if person is None or not person["reachable"]:
            raise Refused(131026, "Message undeliverable", details="Message Undeliverable.")
        return wanted, person

    def _shown(self, asked: dict[str, Any], number: dict[str, Any], user_id: str) -> dict[str, Any]:
        """How it looks on the phone. Everything that Meta limits is checked here."""
        kind = asked.get("type", "text")
        last = [each["at"] for each in self.chat(user_id, number["id"]) if each["from"] == "shopper"]
        closed = not last or self.now().timestamp() - last[-1] > WINDOW.total_seconds()
        if kind == "template":
            shown = self._template_text(asked.get("template") or {}, number)
            if closed:
                self.count_first_word(user_id, number.get("tier", "TIER_250"))
            return shown
        if closed:
            details = "More than 24 hours have passed since the customer last replied to this number."
            raise Refused(131047, "Re-engagement message", details=details)
        if kind == "text":
            text = str((asked.get("text") or {}).get("body") or "")
            within("text.body", text, 4096)
            return {"text": text, "buttons": [], "list": False}
        if kind == "image":
            image = asked.get("image") or {}
            if not image.get("link") and not image.get("id"):
                raise Refused(100, "Invalid parameter", details="image needs a link or an id")
            within("caption", str(image.get("caption") or ""), 1024, empty=True)
            source = image.get("link") or self.graph.shown_url(str(image.get("id")))
            return {"text": image.get("caption", ""), "image": source, "buttons": [], "list": False}
        if kind == "document":
            document = asked.get("document") or {}
            if not document.get("link") and not document.get("id"):
                raise Refused(100, "Invalid parameter", details="document needs a link or an id")
            within("caption", str(document.get("caption") or ""), 1024, empty=True)
            source = document.get("link") or self.graph.shown_url(str(document.get("id")))
            shown = {"name": document.get("filename", "Document"), "url": source}
            return {"text": document.get("caption", ""), "document": shown, "buttons": [], "list": False}
        if kind == "interactive":
            return interactive_look(asked.get("interactive") or {})
        if kind == "reaction":
            return {"text": (asked.get("reaction") or {}).get("emoji", ""), "buttons": [], "list": False}
        raise Refused(131051, "Unsupported message type", details=f"{kind} is not supported here")

    def _template_text(self, template: dict[str, Any], number: dict[str, Any]) -> dict[str, Any]:
        language = str((template.get("language") or {}).get("code") or "")
        name = str(template.get("name") or "")
        found = self.state.part("templates").get(f"{number['waba']}:{name}:{language}")
        if found is None or found["status"] in ("PENDING", "REJECTED"):
            raise Refused(
                132001,
                "Template name does not exist in the translation",
                status=404,
                details=f"template name ({name}) does not exist in {language}",
            )
        if found["status"] == "PAUSED":
            raise Refused(132015, "Template is Paused")
        body = next((each for each in template.get("components") or [] if each.get("type") == "body"), {})
        values = [str(each.get("text", "")) for each in body.get("parameters") or []]
        text = found["text"]
        names = re.findall(r"\{\{\s*(\w+)\s*\}\}", text)
        if len(values) != len(names):
            raise Refused(
                132000,
                "Number of parameters does not match the expected number of params",
                details=f"expected {len(names)}, got {len(values)}",
            )
        if any(not value.strip() or "\n" in value or "\t" in value or "    " in value for value in values):
            raise Refused(
                132018,
                "There is an issue with the parameters in your template",
                details="parameters cannot be empty, have new lines, tabs or more than 4 consecutive spaces",
            )
        for wanted, value in zip(names, values, strict=True):
            text = text.replace("{{" + wanted + "}}", value)
        return {"text": text, "buttons": [], "list": False, "template": name}

    def _check_pair(self, user_id: str, number_id: str) -> None:
        times = [each["at"] for each in self.chat(user_id, number_id) if each["from"] == "shop"]
        level, since = float(PAIR_BURST), times[0] if times else 0.0
        for at in [*times, self.now().timestamp()]:
            level = min(PAIR_BURST, level + max(0.0, at - since) / PAIR_SECONDS) - 1
            since = max(at, since)
        if level < 0:
            raise Refused(
                131056,
                "(Business Account, Consumer Account) pair rate limit hit",
                details="Too many messages sent from this phone number to the same phone number.",
            )

    def _check_rate(self, number_id: str) -> None:
        with self.state.lock:
            now = time.monotonic()
            recent = [at for at in self.sent_times.get(number_id, []) if now - at < 1]
            if len(recent) >= self.per_second:
                raise Refused(130429, "Rate limit hit", details="Cloud API message throughput has been reached.")
            self.sent_times[number_id] = [*recent, now]

    def _statuses(self, number: dict[str, Any], user_id: str, entry: dict[str, Any], *, at_once: bool) -> None:
        kinds = ["sent", "delivered", "read"] if self.auto_read else ["sent", "delivered"]
        for kind in kinds:
            status: dict[str, Any] = {
                "id": entry["id"],
                "status": kind,
                "timestamp": seconds(self.now()),
                "recipient_user_id": user_id,
            }
            person = self.state.part("whatsapp_people")[user_id]
            if not person["hide_phone"]:
                status["recipient_id"] = person["phone"]
            if entry["ref"]:
                status["biz_opaque_callback_data"] = entry["ref"]
            if kind == "sent":
                status["pricing"] = {
                    "billable": "template" in entry,
                    "pricing_model": "PMP",
                    "type": "regular",
                    "category": "utility",
                }
            self._tell(number, {"statuses": [status]}, at_once=at_once, label=f"status {kind}")

    def fail(self, number_id: str, user_id: str, message_id: str, code: int, title: str) -> None:
        """A message that was accepted fails later, as many do."""
        entry = next(each for each in self.chat(user_id, number_id) if each["id"] == message_id)
        status = {"id": message_id, "status": "failed", "timestamp": seconds(self.now()), "recipient_user_id": user_id}
        status |= {
            "biz_opaque_callback_data": entry["ref"],
            "errors": [{"code": code, "title": title, "message": title}],
        }
        self._tell(self._number(number_id), {"statuses": [status]}, label="status failed")

    def _tell(self, number: dict[str, Any], value: dict[str, Any], *, at_once: bool = False, label: str = "") -> None:
        if not self._number(number["id"])["subscribed"]:
            return  # nobody subscribed this app to the account: Meta says nothing
        metadata = {"display_phone_number": number["phone"], "phone_number_id": number["id"]}
        value = {"messaging_product": "whatsapp", "metadata": metadata} | value
        self._envelope(number["waba"], "messages", value, at_once=at_once, label=label)
