"""The pretend Messenger Platform, and its people. Tags are dead, the window is 24 hours,
utility templates are the way after it."""

import re
import secrets
from typing import Any

from demo.meta.graph import WINDOW, Graph, Refused, check_templates, milliseconds
from demo.server import Request

DEAD_TAGS = ("CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE")
PAGE = "700100"


class Messenger:
    accounts, people, chats = "pages", "messenger_people", "messenger_chats"
    source, object, first_id = "messenger", "page", 24_680_135_790_001

    def __init__(self, graph: Graph):
        self.graph, self.state, self.now = graph, graph.state, graph.now

    def create_page(
        self,
        page_id: str = PAGE,
        *,
        name: str = "Fern & Field",
        username: str = "fernandfield",
        token: str = "EAADemoPageToken",
    ) -> dict[str, Any]:
        with self.state.lock:
            pages = self.state.part(self.accounts)
            if page_id not in pages:
                pages[page_id] = {
                    "id": page_id,
                    "name": name,
                    "username": username,
                    "token": token,
                    "subscribed": False,
                    "get_started": False,
                }
                self.state.touch()
        return dict(pages[page_id])

    def create_person(self, name: str = "Luc Martin") -> str:
        """A user. Returns the PSID."""
        with self.state.lock:
            people = self.state.part(self.people)
            for psid, person in people.items():
                if person["name"] == name:
                    return psid
            psid = str(self.state.next_number(self.people, self.first_id))
            people[psid] = {"name": name, "reachable": True, "last_at": 0.0}
            self.state.touch()
        return psid

    def chat(self, psid: str, page_id: str = PAGE) -> list[dict[str, Any]]:
        return self.state.part(self.chats).setdefault(f"{page_id}:{psid}", [])

    def received(self, psid: str, page_id: str = PAGE) -> list[dict[str, Any]]:
        return [entry for entry in self.chat(psid, page_id) if entry["from"] == "shop"]

    # what people do
    def open_link(self, psid: str, ref: str, *, page_id: str = PAGE) -> None:
        """m.me/<page>?ref=...: a new thread needs a tap on Get Started, an old one tells the referral at once."""
        referral = {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
        new_thread = not self.chat(psid, page_id)
        self._came(psid, page_id, {"text": "Get Started" if new_thread else "(opened your link)"})
        if new_thread:
            postback = {
                "mid": f"m_{secrets.token_urlsafe(24)}",
                "title": "Get Started",
                "payload": "GET_STARTED",
                "referral": referral,
            }
            self._tell(psid, page_id, {"postback": postback}, label="postback")
        else:
            self._tell(psid, page_id, {"referral": referral}, label="referral")

    def write(self, psid: str, text: str, *, page_id: str = PAGE, payload: str = "") -> str:
        mid = self._came(psid, page_id, {"text": text})
        message: dict[str, Any] = {"mid": mid, "text": text}
        if payload:
            message["quick_reply"] = {"payload": payload}
        self._tell(psid, page_id, {"message": message}, label="message")
        return mid

    def tap(self, psid: str, message_id: str, button_id: str, *, page_id: str = PAGE) -> str:
        entry = next(each for each in self.chat(psid, page_id) if each["id"] == message_id)
        for choice in entry["buttons"]:
            if choice["id"] == button_id and choice.get("postback"):
                mid = self._came(psid, page_id, {"text": choice["title"]})
                self._tell(
                    psid,
                    page_id,
                    {"postback": {"mid": mid, "title": choice["title"], "payload": button_id}},
                    label="postback",
                )
                return mid
            if choice["id"] == button_id:
                return self.write(psid, choice["title"], page_id=page_id, payload=button_id)
        raise KeyError(f"There is no button {button_id} on this message")

    def send_photo(self, psid: str, content: bytes, *, mime_type: str = "image/jpeg", page_id: str = PAGE) -> str:
        return self.send_file(psid, content, mime_type=mime_type, page_id=page_id)

    def send_file(self, psid: str, content: bytes, *, mime_type: str, page_id: str = PAGE) -> str:
        media = self.graph.keep_media(content, mime_type, owner="messenger")
        kind = mime_type.partition("/")[0]
        kind = kind if kind in ("image", "audio", "video") else "file"
        mid = self._came(psid, page_id, {"text": "", "media": media["id"], "kind": kind})
        attachment = {"type": kind, "payload": {"url": self.graph.media_url(media["id"])}}
        self._tell(psid, page_id, {"message": {"mid": mid, "attachments": [attachment]}}, label="photo")
        return mid

    def _came(self, psid: str, page_id: str, shown: dict[str, Any]) -> str:
        mid = f"m_{secrets.token_urlsafe(24)}"
        with self.state.lock:
            at = self.now().timestamp()
            self.state.part(self.people)[psid]["last_at"] = at
            self.chat(psid, page_id).append(
                {"id": mid, "from": "shopper", "at": at, "buttons": [], "list": False, **shown}
            )
            self.state.touch()
        return mid

    def _tell(self, psid: str, page_id: str, event: dict[str, Any], *, label: str) -> None:
        if not self.state.part(self.accounts)[page_id]["subscribed"]:
            return
        at = milliseconds(self.now())
        messaging = {"sender": {"id": psid}, "recipient": {"id": page_id}, "timestamp": at, **event}
        self.graph.callback(
            self.source,
            {"object": self.object, "entry": [{"id": page_id, "time": at, "messaging": [messaging]}]},
            label=label,
        )

    # the API
    def send(self, request: Request, page_id: str) -> dict[str, Any]:
        page = self.state.part(self.accounts)[page_id]
        if (request.bearer or request.query.get("access_token")) != page["token"]:
            raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        asked = request.json()
        if not isinstance(asked, dict):
            raise Refused(100, "Invalid parameter")
        psid = str((asked.get("recipient") or {}).get("id") or "")
        person = self.state.part(self.people).get(psid)
        if person is None:
            raise Refused(100, "No matching user found", subcode=2018001)
        if not person["reachable"]:
            raise Refused(551, "This person isn't available right now.", subcode=1545041)
        if asked.get("sender_action"):
            return {"recipient_id": psid}
        shown = self._said(asked, person, page_id)
        mid = f"m_{secrets.token_urlsafe(24)}"
        with self.state.lock:
            self.chat(psid, page_id).append({"id": mid, "from": "shop", "at": self.now().timestamp(), **shown})
            self.state.touch()
        self._receipts(psid, page_id, mid)
        return {"recipient_id": psid, "message_id": mid}

    def _said(self, asked: dict[str, Any], person: dict[str, Any], page_id: str) -> dict[str, Any]:
        kind, tag = asked.get("messaging_type"), asked.get("tag")
        if tag in DEAD_TAGS:
            raise Refused(100, "Invalid parameter: this message tag is no longer supported", subcode=1893061)
        if kind == "UTILITY":
            return self._template_text(((asked.get("message") or {}).get("template")) or {}, page_id)
        self._check_window(asked, person)
        if kind not in ("RESPONSE", "UPDATE", "MESSAGE_TAG"):
            raise Refused(100, "Param messaging_type must be one of RESPONSE, UPDATE, MESSAGE_TAG, UTILITY")
        return self._look(asked.get("message") or {})

    def _look(self, message: dict[str, Any]) -> dict[str, Any]:
        payload = (message.get("attachment") or {}).get("payload") or {}
        return _shown(message, self.graph.shown_url(str(payload.get("attachment_id") or "")))

    def _check_window(self, asked: dict[str, Any], person: dict[str, Any]) -> None:
        """24 hours; for what a person typed seven days."""
        late = self.now().timestamp() - person["last_at"]
        agent = asked.get("messaging_type") == "MESSAGE_TAG" and asked.get("tag") == "HUMAN_AGENT"
        if late > (7 * WINDOW if agent else WINDOW).total_seconds():
            raise Refused(10, "This message is sent outside of allowed window.", status=403, subcode=2018278)

    def _receipts(self, psid: str, page_id: str, mid: str) -> None:
        watermark = milliseconds(self.now())
        self._tell(psid, page_id, {"delivery": {"mids": [mid], "watermark": watermark}}, label="delivery")
        self._tell(psid, page_id, {"read": {"watermark": watermark}}, label="read")

    def _template_text(self, template: dict[str, Any], page_id: str) -> dict[str, Any]:
        name, language = template.get("name"), (template.get("language") or {}).get("code")
        found = self.state.part("templates").get(f"{page_id}:{name}:{language}")
        if found is None or found["status"] != "APPROVED":
            raise Refused(100, "Invalid parameter: the template does not exist in this language or is not approved")
        body = next((each for each in template.get("components") or [] if each.get("type") == "body"), {})
        values = [str(each.get("text", "")) for each in body.get("parameters") or []]
        names = re.findall(r"\{\{\s*(\w+)\s*\}\}", found["text"])
        if len(names) != len(values):
            raise Refused(100, "Invalid parameter: the number of parameters does not match the template")
        text = found["text"]
        for wanted, value in zip(names, values, strict=True):
            text = text.replace("{{" + wanted + "}}", value)
        return {"text": text, "buttons": [], "list": False, "template": name}

    def create_template(self, request: Request, page_id: str) -> dict[str, Any]:
        page, asked = self.state.part(self.accounts)[page_id], request.json() or {}
        if (request.bearer or request.query.get("access_token")) != page["token"]:
            raise Refused(190, "Invalid OAuth access token", status=401)
        if str(asked.get("category", "")).upper() != "UTILITY":
            raise Refused(100, "Invalid parameter: only UTILITY templates exist for Messenger")
        text = check_templates(asked.get("components"))
        key = f"{page_id}:{asked.get('name')}:{asked.get('language')}"
        with self.state.lock:
            if key in self.state.part("templates"):
                raise Refused(100, "Invalid parameter: this template exists", subcode=2388024)
            template_id = str(self.state.next_number("template", 572_279_198_452_001))
            self.state.part("templates")[key] = {
                "id": template_id,
                "waba": page_id,
                "name": asked.get("name"),
                "language": asked.get("language"),
                "category": "UTILITY",
                "text": text,
                "status": "APPROVED",
            }
            self.state.touch()
        return {"id": template_id, "status": "APPROVED", "category": "UTILITY"}

    def node(self, request: Request, node: str) -> dict[str, Any]:
        pages, token = self.state.part(self.accounts), request.bearer or request.query.get("access_token")
        page = pages.get(node) or next((each for each in pages.values() if each["token"] == token), None)
        if page is None or page["token"] != token:
            raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        person = self.state.part(self.people).get(node)
        if person is not None:
            first, _, last = person["name"].partition(" ")
            return {"id": node, "first_name": first, "last_name": last}
        return {"id": page["id"], "name": page["name"], "username": page["username"]}


def _shown(message: dict[str, Any], uploaded: str) -> dict[str, Any]:
    attachment = message.get("attachment") or {}
    payload = attachment.get("payload") or {}
    quick = message.get("quick_replies") or []
    if len(quick) > 13:
        raise Refused(100, "Param message[quick_replies] must have at most 13 elements")
    buttons = [{"id": str(each.get("payload") or ""), "title": str(each.get("title") or "")} for each in quick]
    shown: dict[str, Any] = {"text": str(message.get("text") or ""), "buttons": buttons, "list": False}
    if attachment.get("type") == "image":
        shown["image"] = payload.get("url") or uploaded
    elif attachment.get("type") == "file":
        if not uploaded and not payload.get("url"):
            raise Refused(100, "Param message[attachment][payload] must have a url or an attachment_id")
        shown["document"] = {"name": "Document", "url": payload.get("url") or uploaded}
    elif payload.get("template_type") == "generic":
        shown["cards"] = _cards(payload.get("elements") or [])
    elif attachment.get("type") == "template":
        elements = payload.get("elements") or [payload]
        shown["text"] = str(payload.get("text") or elements[0].get("title") or "")
        if payload.get("template_type") == "generic":
            _short(shown["text"], 80)
            _short(str(elements[0].get("subtitle") or ""), 80)
            shown["text"] += f"\n{elements[0]['subtitle']}" if elements[0].get("subtitle") else ""
            shown |= {"image": elements[0]["image_url"]} if elements[0].get("image_url") else {}
        if len(shown["text"]) > 640:
            raise Refused(100, "Param text must be at most 640 characters in a button template")
        for button in elements[0].get("buttons") or payload.get("buttons") or []:
            _short(str(button.get("title") or ""), 20)
            if button.get("type") == "web_url":
                shown["link"] = {"title": button["title"], "url": button["url"]}
            else:
                buttons.append({"id": button.get("payload", ""), "title": button["title"], "postback": True})
    elif not shown["text"].strip() and "cards" not in shown:
        raise Refused(100, "Message cannot be empty, must provide valid attachment or text")
    _short(shown["text"], 2000)
    for button in buttons:
        _short(button["title"], 20)
    return shown


def _cards(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not 1 <= len(elements) <= 10:
        raise Refused(100, "Param elements must have 1 to 10 elements")
    shown = []
    for element in elements:
        title, subtitle = str(element.get("title") or ""), str(element.get("subtitle") or "")
        for words, most in ((title, 80), (subtitle, 80)):
            _short(words, most)
        if not title or not (subtitle or element.get("image_url") or element.get("buttons")):
            raise Refused(100, "Param title is required, and one more property")
        card: dict[str, Any] = {"text": f"{title}\n{subtitle}".strip(), "image": element.get("image_url", "")}
        card |= {"link": None, "buttons": []}
        for button in element.get("buttons") or []:
            _short(str(button.get("title") or ""), 20)
            if button.get("type") == "web_url":
                card["link"] = {"title": button["title"], "url": button["url"]}
            else:
                card["buttons"].append({"id": button.get("payload", ""), "title": button["title"], "postback": True})
        shown.append(card)
    return shown


def _short(text: str, most: int) -> None:
    if len(text) > most:
        raise Refused(100, f"Length of param must be less than or equal to {most}")
