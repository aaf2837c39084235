"""The pretend WhatsApp Cloud API, and the phones of its users. What Meta refuses is refused with Meta's error code."""

import email
import re
import secrets
import threading
import time
from typing import Any

from demo.meta.graph import WINDOW, Graph, Refused, check_templates, seconds
from demo.server import Request

PAIR_SECONDS, PAIR_BURST = 6.0, 45
APPROVAL_SECONDS = 0.5
NAME = re.compile(r"^[a-z0-9_]{1,512}$")


class WhatsApp:
    def __init__(self, graph: Graph):
        self.graph, self.state, self.now = graph, graph.state, graph.now
        self.per_second = 80  # per number
        self.auto_read = True
        self.sent_times: dict[str, list[float]] = {}
        route = graph.route
        route("POST", "/<number>/messages", self._dispatch_send, place=self._place_of_send)
        route("POST", "/<waba>/message_templates", self._dispatch_template)
        route("GET", "/<waba>/message_templates", self._list_templates)
        route("GET", "/<waba>/phone_numbers", self._phone_numbers)
        route("POST", "/<account>/subscribed_apps", self._subscribe)
        route("GET", "/<account>/subscribed_apps", self._subscriptions)
        route("POST", "/<number>/register", lambda request, number: {"success": True})
        route("POST", "/<page>/messenger_profile", self._profile)
        route("POST", "/<number>/media", self._upload)
        route("POST", "/<template_id>", self._edit_template)
        route("GET", "/<node>", self._node, place=self._place_of_node)
        self.messenger: Any = None  # set by the world: page ids share the address space

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
        for choice in entry["buttons"]:
            if choice["id"] == button_id:
                kind = "list_reply" if entry["list"] else "button_reply"
                inner = {"type": kind, kind: {"id": choice["id"], "title": choice["title"]}}
                context = {"from": self._number(number_id)["phone"], "id": message_id}
                message = {"type": "interactive", "interactive": inner, "context": context}
                return self._inbound(user_id, number_id, message, shown={"text": choice["title"]})
        raise KeyError(f"There is no button {button_id} on this message")

    def send_photo(
        self,
        user_id: str,
        content: bytes,
        *,
        mime_type: str = "image/jpeg",
        caption: str = "",
        number_id: str = "106540352242922",
    ) -> str:
        media = self.graph.keep_media(content, mime_type, owner="whatsapp")
        image = {"id": media["id"], "mime_type": mime_type, "sha256": media["sha256"]}
        if caption:
            image["caption"] = caption
        return self._inbound(
            user_id, number_id, {"type": "image", "image": image}, shown={"text": caption, "media": media["id"]}
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

    def _place_of_node(self, node: str) -> str:
        return "whatsapp.media" if node in self.state.part("media") else ""

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
        if kind == "template":
            return self._template_text(asked.get("template") or {}, number)
        last = [each["at"] for each in self.chat(user_id, number["id"]) if each["from"] == "shopper"]
        if not last or self.now().timestamp() - last[-1] > WINDOW.total_seconds():
            details = "More than 24 hours have passed since the customer last replied to this number."
            raise Refused(131047, "Re-engagement message", details=details)
        if kind == "text":
            text = str((asked.get("text") or {}).get("body") or "")
            _limit("text.body", text, 4096)
            return {"text": text, "buttons": [], "list": False}
        if kind == "image":
            image = asked.get("image") or {}
            if not image.get("link") and not image.get("id"):
                raise Refused(100, "Invalid parameter", details="image needs a link or an id")
            _limit("caption", str(image.get("caption") or ""), 1024, empty=True)
            return {"text": image.get("caption", ""), "image": image.get("link", ""), "buttons": [], "list": False}
        if kind == "interactive":
            return _interactive(asked.get("interactive") or {})
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

    def _envelope(
        self, waba: str, field: str, value: dict[str, Any], *, at_once: bool = False, label: str = ""
    ) -> None:
        payload = {
            "object": "whatsapp_business_account",
            "entry": [{"id": waba, "changes": [{"value": value, "field": field}]}],
        }
        self.graph.callback("whatsapp", payload, at_once=at_once, label=label or field)

    # management
    def _dispatch_template(self, request: Request, waba: str) -> dict[str, Any]:
        if self.messenger and waba in self.state.part("pages"):
            return self.messenger.create_template(request, waba)
        owner = self._owner(waba)
        self._check_token(request, owner)
        asked = request.json() or {}
        name, language = str(asked.get("name") or ""), str(asked.get("language") or "")
        category = str(asked.get("category") or "").upper()
        if not NAME.match(name) or not language or category not in ("UTILITY", "MARKETING", "AUTHENTICATION"):
            raise Refused(100, "Invalid parameter", details="name, language or category is wrong")
        text = check_templates(asked.get("components"))
        key = f"{waba}:{name}:{language}"
        with self.state.lock:
            templates = self.state.part("templates")
            if key in templates:
                raise Refused(
                    100,
                    "Invalid parameter",
                    details="There is already content in this language for this template",
                    subcode=2388024,
                )
            template_id = str(self.state.next_number("template", 572_279_198_452_001))
            templates[key] = {
                "id": template_id,
                "waba": waba,
                "name": name,
                "language": language,
                "category": category,
                "text": text,
                "status": "PENDING",
            }
            self.state.touch()
        threading.Timer(APPROVAL_SECONDS, self.decide_template, (key, "APPROVED")).start()
        return {"id": template_id, "status": "PENDING", "category": category}

    def _edit_template(self, request: Request, template_id: str) -> dict[str, Any]:
        """A changed text goes to review again."""
        for key, template in self.state.part("templates").items():
            if template["id"] == template_id:
                page = self.state.part("pages").get(template["waba"])
                self._check_token(request, page or self._owner(template["waba"]))
                with self.state.lock:
                    template["text"] = check_templates((request.json() or {}).get("components"))
                    template["status"] = "PENDING"
                    self.state.touch()
                threading.Timer(APPROVAL_SECONDS, self.decide_template, (key, "APPROVED")).start()
                return {"success": True, "id": template_id, "status": "PENDING", "category": template["category"]}
        raise Refused(100, f"Unsupported post request. Object with ID '{template_id}' does not exist", subcode=33)

    def _upload(self, request: Request, number: str) -> dict[str, Any]:
        """multipart/form-data with `file`, `type` and `messaging_product`."""
        self._check_token(request, self._number(number))
        head = f"Content-Type: {request.headers.get('Content-Type')}\r\n\r\n".encode()
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in email.message_from_bytes(head + request.body).walk()
            if not part.is_multipart()
        }
        if "file" not in parts or "messaging_product" not in parts:
            raise Refused(100, "Invalid parameter", details="file and messaging_product are required")
        content = bytes(parts["file"].get_payload(decode=True) or b"")
        kind = parts["file"].get_content_type()
        if kind not in ("image/jpeg", "image/png") or len(content) > 5 * 1024 * 1024:
            raise Refused(131053, "Media upload error", details="JPEG or PNG of at most 5 MB")
        return {"id": self.graph.keep_media(content, kind, owner="whatsapp")["id"]}

    def decide_template(self, key: str, event: str, reason: str = "NONE") -> None:
        """APPROVED, REJECTED, PAUSED ... and the webhook that tells it."""
        with self.state.lock:
            template = self.state.part("templates").get(key)
            if template is None:
                return
            template["status"] = event
            self.state.touch()
        if template["waba"] in self.state.part("pages"):
            return  # Messenger's come back approved at once
        if self._owner(template["waba"])["subscribed"]:
            value = {
                "event": event,
                "message_template_id": int(template["id"]),
                "message_template_name": template["name"],
                "message_template_language": template["language"],
                "reason": reason,
            }
            self._envelope(template["waba"], "message_template_status_update", value)

    def _list_templates(self, request: Request, waba: str) -> dict[str, Any]:
        if waba in self.state.part("pages"):
            self._check_token(request, self.state.part("pages")[waba])
        else:
            self._check_token(request, self._owner(waba))
        found = [each for each in self.state.part("templates").values() if each["waba"] == waba]
        if request.query.get("name"):
            found = [each for each in found if each["name"] == request.query["name"]]
        keep = ("id", "name", "language", "category", "status")
        return {"data": [{key: each[key] for key in keep} for each in found], "paging": {}}

    def _phone_numbers(self, request: Request, waba: str) -> dict[str, Any]:
        self._check_token(request, self._owner(waba))
        return {"data": [_about(each) for each in self.state.part("whatsapp_numbers").values() if each["waba"] == waba]}

    def _subscribe(self, request: Request, account: str) -> dict[str, Any]:
        page = self.state.part("pages").get(account)
        owner = page or self._owner(account)
        self._check_token(request, owner)
        with self.state.lock:
            for number in [page] if page else self.state.part("whatsapp_numbers").values():
                if page or number["waba"] == account:
                    number["subscribed"] = True
            self.state.touch()
        return {"success": True}

    def _subscriptions(self, request: Request, account: str) -> dict[str, Any]:
        owner = self.state.part("pages").get(account) or self._owner(account)
        self._check_token(request, owner)
        app = {"whatsapp_business_api_data": {"id": "1001", "name": "Doorstep", "link": "https://example.com"}}
        return {"data": [app] if owner["subscribed"] else []}

    def _profile(self, request: Request, page: str) -> dict[str, Any]:
        found = self.state.part("pages").get(page)
        if found is None:
            raise Refused(100, "Unsupported post request", subcode=33)
        self._check_token(request, found)
        found["get_started"] = "get_started" in (request.json() or {}) or found.get("get_started", False)
        self.state.touch()
        return {"result": "success"}

    def _node(self, request: Request, node: str) -> dict[str, Any]:
        """GET by id: a number, an account, a page, a person, or a file."""
        numbers, pages = self.state.part("whatsapp_numbers"), self.state.part("pages")
        if node in numbers:
            self._check_token(request, numbers[node])
            return _about(numbers[node])
        if any(number["waba"] == node for number in numbers.values()):
            self._check_token(request, self._owner(node))
            return {"id": node, "name": self._owner(node)["name"], "account_review_status": "APPROVED"}
        if self.messenger and (node in pages or node == "me" or node in self.state.part("messenger_people")):
            return self.messenger.node(request, node)
        media = self.state.part("media").get(node)
        if media is None:
            raise Refused(100, f"Unsupported get request. Object with ID '{node}' does not exist", subcode=33)
        if not self.graph._is_known(request.bearer):
            raise Refused(190, "Invalid OAuth access token", status=401)
        keep = {key: media[key] for key in ("id", "mime_type", "sha256", "file_size")}
        return keep | {"messaging_product": "whatsapp", "url": self.graph.media_url(node)}

    def _number(self, number_id: str) -> dict[str, Any]:
        found = self.state.part("whatsapp_numbers").get(number_id)
        if found is None:
            raise Refused(100, f"Unsupported post request. Object with ID '{number_id}' does not exist", subcode=33)
        return found

    def _owner(self, waba: str) -> dict[str, Any]:
        for number in self.state.part("whatsapp_numbers").values():
            if number["waba"] == waba:
                return number
        raise Refused(100, f"Unsupported request. Object with ID '{waba}' does not exist", subcode=33)

    @staticmethod
    def _check_token(request: Request, owner: dict[str, Any]) -> None:
        if (request.bearer or request.query.get("access_token")) != owner["token"]:
            raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)


def _interactive(interactive: dict[str, Any]) -> dict[str, Any]:
    text = str((interactive.get("body") or {}).get("text") or "")
    action, kind = interactive.get("action") or {}, interactive.get("type")
    if kind == "button":
        _limit("body.text", text, 1024)
        buttons = [each.get("reply") or {} for each in action.get("buttons") or []]
        if not 1 <= len(buttons) <= 3:
            raise Refused(
                131009,
                "Parameter value is not valid",
                details="Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3",
            )
        for button in buttons:
            _limit("button title", str(button.get("title") or ""), 20)
            _limit("button id", str(button.get("id") or ""), 256)
        return {"text": text, "buttons": buttons, "list": False}
    if kind == "list":
        _limit("body.text", text, 4096)
        _limit("action.button", str(action.get("button") or ""), 20)
        rows = [row for section in action.get("sections") or [] for row in section.get("rows") or []]
        if not 1 <= len(rows) <= 10:
            raise Refused(
                131009, "Parameter value is not valid", details="Total row count exceed max allowed count: 10"
            )
        for row in rows:
            _limit("row title", str(row.get("title") or ""), 24)
            _limit("row id", str(row.get("id") or ""), 200)
        return {"text": text, "buttons": [{"id": row["id"], "title": row["title"]} for row in rows], "list": True}
    if kind == "cta_url":
        _limit("body.text", text, 1024)
        parameters = action.get("parameters") or {}
        _limit("display_text", str(parameters.get("display_text") or ""), 20)
        if not str(parameters.get("url") or "").startswith(("http://", "https://")):
            raise Refused(131009, "Parameter value is not valid", details="url must be http or https")
        return {
            "text": text,
            "buttons": [],
            "list": False,
            "link": {"title": parameters["display_text"], "url": parameters["url"]},
        }
    raise Refused(131009, "Parameter value is not valid", details=f"interactive type {kind} is not known here")


def _limit(what: str, text: str, most: int, *, empty: bool = False) -> None:
    if not empty and not text.strip():
        raise Refused(131008, "Required parameter is missing", details=f"{what} is required")
    if len(text) > most:
        raise Refused(131009, "Parameter value is not valid", details=f"{what} length is {len(text)}, at most {most}")


def _about(number: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number["id"],
        "display_phone_number": f"+{number['phone']}",
        "verified_name": number["name"],
        "quality_rating": "GREEN",
        "code_verification_status": "VERIFIED",
        "whatsapp_business_account": {"id": number["waba"]},
    }
