"""The management side of the pretend Graph API: numbers, templates, subscriptions, files."""

import json
import re
import threading
from typing import Any

from demo.meta.graph import Graph, Refused, check_templates
from demo.server import Request

APPROVAL_SECONDS = 0.5
PORTFOLIO = "506914307656634"  # the business that owns all accounts here
DELETED_FOR = 30 * 86_400.0  # so long a deleted name cannot be used again
NAME = re.compile(r"^[a-z0-9_]{1,512}$")


class Accounts:
    def __init__(self, graph: Graph):
        self.graph, self.state, self.now = graph, graph.state, graph.now
        self.messenger: Any = None  # set by the world: page ids share the address space
        route = graph.route
        route("POST", "/<waba>/message_templates", self._dispatch_template)
        route("GET", "/<waba>/message_templates", self._list_templates)
        route("DELETE", "/<waba>/message_templates", self._delete_template)
        route("GET", "/<waba>/phone_numbers", self._phone_numbers)
        route("POST", "/<account>/subscribed_apps", self._subscribe)
        route("DELETE", "/<account>/subscribed_apps", self._unsubscribe)
        route("GET", "/<account>/subscribed_apps", self._subscriptions)
        route("POST", "/<number>/register", self._register)
        route("POST", "/<page>/messenger_profile", self._profile)
        route("POST", "/<number>/media", self._upload)
        route("POST", "/<page>/message_attachments", self._attach)
        route("POST", "/<template_id>", self._edit_template)
        route("GET", "/<node>", self._node, place=self._place_of_node)

    def _place_of_node(self, node: str) -> str:
        return "whatsapp.media" if node in self.state.part("media") else ""

    def _envelope(
        self, waba: str, field: str, value: dict[str, Any], *, at_once: bool = False, label: str = ""
    ) -> None:
        payload = {
            "object": "whatsapp_business_account",
            "entry": [{"id": waba, "changes": [{"value": value, "field": field}]}],
        }
        self.graph.callback("whatsapp", payload, at_once=at_once, label=label or field)

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
            if self.state.part("deleted_templates").get(key, 0.0) > self.now().timestamp() - DELETED_FOR:
                details = "New content can't be added while the existing content is being deleted. Try again in 4 weeks"
                raise Refused(100, "Invalid parameter", details=details, subcode=2388023)
            if any(each["text"] == text and each["language"] == language for each in _of(templates, waba)):
                raise Refused(100, "Invalid parameter", details="Template content duplicates an existing template")
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
                self._check_edit(template)
                with self.state.lock:
                    template["text"] = check_templates((request.json() or {}).get("components"))
                    template["status"] = "PENDING"
                    self.state.touch()
                threading.Timer(APPROVAL_SECONDS, self.decide_template, (key, "APPROVED")).start()
                return {"success": True, "id": template_id, "status": "PENDING", "category": template["category"]}
        raise Refused(100, f"Unsupported post request. Object with ID '{template_id}' does not exist", subcode=33)

    def _check_edit(self, template: dict[str, Any]) -> None:
        """Refused and paused ones at any time; approved ones once a day and ten times a month; others never."""
        if template["status"] not in ("APPROVED", "REJECTED", "PAUSED"):
            raise Refused(100, "Invalid parameter", details="Only approved, rejected or paused templates can be edited")
        if template["status"] != "APPROVED":
            return
        now = self.now().timestamp()
        edits = [at for at in template.get("edits", []) if at > now - 30 * 86_400]
        if len(edits) >= 10 or any(at > now - 86_400 for at in edits):
            raise Refused(100, "Invalid parameter", details="An approved template can be edited once in 24 hours")
        template["edits"] = [*edits, now]

    def _delete_template(self, request: Request, waba: str) -> dict[str, Any]:
        """By name every language of it, with hsm_id only that one. The name of an approved one rests for 30 days."""
        if waba in self.state.part("pages"):
            raise Refused(100, f"Unsupported delete request. Object with ID '{waba}' does not exist", subcode=33)
        self._check_token(request, self._owner(waba))
        name, template_id = request.query.get("name", ""), request.query.get("hsm_id", "")
        with self.state.lock:
            templates = self.state.part("templates")
            named = {key: each for key, each in templates.items() if each["waba"] == waba and each["name"] == name}
            going = {key: each for key, each in named.items() if not template_id or each["id"] == template_id}
            if not name or not going:
                raise Refused(100, "Invalid parameter", details="Message template not found", subcode=2593002)
            if any(each["status"] == "DISABLED" for each in going.values()):
                raise Refused(100, "Invalid parameter", details="A disabled template cannot be deleted")
            for key, each in going.items():
                if each["status"] == "APPROVED":
                    self.state.part("deleted_templates")[key] = self.now().timestamp()
                del templates[key]
            self.state.touch()
        return {"success": True}

    def _upload(self, request: Request, number: str) -> dict[str, Any]:
        """multipart/form-data with `file`, `type` and `messaging_product`."""
        self._check_token(request, self._number(number))
        parts = request.parts()
        if "file" not in parts or "messaging_product" not in parts:
            raise Refused(100, "Invalid parameter", details="file and messaging_product are required")
        content = bytes(parts["file"].get_payload(decode=True) or b"")
        kind = parts["file"].get_content_type()
        most = {"image/jpeg": 5, "image/png": 5, "application/pdf": 100}.get(kind, 0) * 1024 * 1024
        if len(content) > most:
            raise Refused(131053, "Media upload error", details="JPEG or PNG of at most 5 MB, PDF of at most 100 MB")
        return {"id": self.graph.keep_media(content, kind, owner="whatsapp")["id"]}

    def _attach(self, request: Request, page: str) -> dict[str, Any]:
        """multipart/form-data with `message` and `filedata`."""
        found = self.state.part("pages").get(page)
        if found is None:
            raise Refused(100, f"Unsupported post request. Object with ID '{page}' does not exist", subcode=33)
        self._check_token(request, found)
        parts = request.parts()
        if "message" not in parts or "filedata" not in parts:
            raise Refused(100, "Invalid parameter: message and filedata are required")
        told = json.loads(parts["message"].get_payload(decode=True) or b"{}")
        content, kind = bytes(parts["filedata"].get_payload(decode=True) or b""), parts["filedata"].get_content_type()
        if (told.get("attachment") or {}).get("type") not in ("image", "file") or len(content) > 25 * 1024 * 1024:
            raise Refused(100, "Upload attachment failure.", subcode=2018047)
        return {"attachment_id": self.graph.keep_media(content, kind, owner="messenger")["id"]}

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
        asked = request.query.get("fields", "id,name,language,category,status").split(",")
        return {"data": [_listed(each, asked) for each in found], "paging": {}}

    def _phone_numbers(self, request: Request, waba: str) -> dict[str, Any]:
        self._check_token(request, self._owner(waba))
        return {"data": [_about(each) for each in self.state.part("whatsapp_numbers").values() if each["waba"] == waba]}

    def _register(self, request: Request, number: str) -> dict[str, Any]:
        found, asked = self._number(number), request.json() or {}
        self._check_token(request, found)
        pin = str(asked.get("pin") or "")
        if asked.get("messaging_product") != "whatsapp" or not re.fullmatch("[0-9]{6}", pin):
            raise Refused(100, "Invalid parameter", details="pin must be six digits")
        if found.get("pin", pin) != pin:
            raise Refused(133005, "Two step verification PIN Mismatch")
        with self.state.lock:
            found |= {"pin": pin, "status": "CONNECTED"}
            self.state.touch()
        return {"success": True}

    def _unsubscribe(self, request: Request, account: str) -> dict[str, Any]:
        return self._subscribe(request, account, wanted=False)

    def _subscribe(self, request: Request, account: str, *, wanted: bool = True) -> dict[str, Any]:
        page = self.state.part("pages").get(account)
        owner = page or self._owner(account)
        self._check_token(request, owner)
        with self.state.lock:
            for number in [page] if page else self.state.part("whatsapp_numbers").values():
                if page or number["waba"] == account:
                    number["subscribed"] = wanted
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
            owner = {"id": PORTFOLIO, "name": self._owner(node)["name"]}
            return owner | {"id": node, "account_review_status": "APPROVED", "owner_business_info": owner}
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


def _of(templates: dict[str, Any], waba: str) -> list[dict[str, Any]]:
    return [each for each in templates.values() if each["waba"] == waba]


def _listed(template: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    known = {key: template[key] for key in ("id", "name", "language", "category", "status")}
    known["components"] = [{"type": "BODY", "text": template["text"]}]
    return {key: value for key, value in known.items() if key in fields or key == "id"}


def _about(number: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number["id"],
        "display_phone_number": f"+{number['phone']}",
        "verified_name": number["name"],
        "quality_rating": "GREEN",
        "whatsapp_business_manager_messaging_limit": number.get("tier", "TIER_250"),
        "code_verification_status": "VERIFIED",
        "status": number.get("status", "CONNECTED"),
        "whatsapp_business_account": {"id": number["waba"]},
    }
