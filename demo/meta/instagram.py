"""The pretend Instagram by its own login: as Messenger in shape, but nothing after 24 hours, bytes instead of
characters, receipts by message, and a link's code only where ice breakers are set."""

import secrets
from typing import Any

from demo.meta.graph import Graph, Refused
from demo.meta.messenger import Messenger
from demo.server import Request

ACCOUNT = "17841400000000100"
TEXT_BYTES = 1000
ROOT = "/instagram"


class Instagram(Messenger):
    accounts, people, chats = "instagram_accounts", "instagram_people", "instagram_chats"
    source, object, first_id = "instagram", "instagram", 1_784_140_135_790

    def __init__(self, graph: Graph):
        super().__init__(graph)
        place = lambda account: "instagram.send"  # noqa: E731
        graph.route("GET", "/me", self._me, root=ROOT)
        graph.route("GET", "/refresh_access_token", self._refresh, root=ROOT)
        graph.route("POST", "/<account>/messages", self.send, place=place, root=ROOT)
        graph.route("POST", "/<account>/subscribed_apps", self._subscribe, root=ROOT)
        graph.route("DELETE", "/<account>/subscribed_apps", self._subscribe, root=ROOT)  # without fields
        graph.route("POST", "/<account>/messenger_profile", self._profile, root=ROOT)

    def create_account(
        self, account: str = ACCOUNT, *, username: str = "fernandfield", token: str = "IGAADemoInstagramToken"
    ) -> None:
        with self.state.lock:
            self.state.part(self.accounts).setdefault(
                account,
                {
                    "id": account,
                    "name": "Fern & Field",
                    "username": username,
                    "token": token,
                    "subscribed": "",
                    "ice_breakers": [],
                },
            )
            self.state.touch()

    def chat(self, psid: str, page_id: str = ACCOUNT) -> list[dict[str, Any]]:
        return super().chat(psid, page_id)

    def received(self, psid: str, page_id: str = ACCOUNT) -> list[dict[str, Any]]:
        return super().received(psid, page_id)

    # what people do
    def open_link(self, psid: str, ref: str, *, page_id: str = ACCOUNT) -> None:
        """ig.me/m/<user>?ref=...: on a new thread the first ice breaker is tapped; without one the code is lost."""
        if self.chat(psid, page_id):
            super().open_link(psid, ref, page_id=page_id)
            return
        questions = self.state.part(self.accounts)[page_id]["ice_breakers"]
        if not questions:
            self.write(psid, "Hi", page_id=page_id)
            return
        first = questions[0]
        mid = self._came(psid, page_id, {"text": first["question"]})
        referral = {"ref": ref, "source": "IGME-SOURCE-LINK", "type": "OPEN_THREAD"}
        postback = {"mid": mid, "title": first["question"], "payload": first["payload"], "referral": referral}
        self._tell(psid, page_id, {"postback": postback}, label="postback")

    def write(self, psid: str, text: str, *, page_id: str = ACCOUNT, payload: str = "") -> str:
        return super().write(psid, text, page_id=page_id, payload=payload)

    def tap(self, psid: str, message_id: str, button_id: str, *, page_id: str = ACCOUNT) -> str:
        return super().tap(psid, message_id, button_id, page_id=page_id)

    def send_photo(self, psid: str, content: bytes, *, mime_type: str = "image/jpeg", page_id: str = ACCOUNT) -> str:
        return super().send_photo(psid, content, mime_type=mime_type, page_id=page_id)

    def send_file(self, psid: str, content: bytes, *, mime_type: str, page_id: str = ACCOUNT) -> str:
        return super().send_file(psid, content, mime_type=mime_type, page_id=page_id)

    def unsend(self, psid: str, mid: str, *, page_id: str = ACCOUNT) -> None:
        with self.state.lock:
            kept = [each for each in self.chat(psid, page_id) if each["id"] != mid]
            self.state.part(self.chats)[f"{page_id}:{psid}"] = kept
            self.state.touch()
        self._tell(psid, page_id, {"message": {"mid": mid, "is_deleted": True}}, label="unsend")

    def _tell(self, psid: str, page_id: str, event: dict[str, Any], *, label: str) -> None:
        field = {"referral": "messaging_referral", "postback": "messaging_postbacks", "read": "messaging_seen"}
        wanted = field.get(next(iter(event)), "messages")
        if wanted in self.state.part(self.accounts)[page_id]["subscribed"].split(","):
            super()._tell(psid, page_id, event, label=label)

    # the API
    def send(self, request: Request, account: str) -> dict[str, Any]:
        self._owner(request, account)
        return super().send(request, account)

    def _said(self, asked: dict[str, Any], person: dict[str, Any], page_id: str) -> dict[str, Any]:
        if asked.get("messaging_type") not in ("RESPONSE", "MESSAGE_TAG"):
            raise Refused(100, "Invalid parameter: messaging_type is not supported on Instagram")
        self._check_window(asked, person)
        shown = self._look(asked.get("message") or {})
        if len(shown["text"].encode()) > TEXT_BYTES:
            raise Refused(100, "Length of param message[text] must be less than or equal to 1000", subcode=2534006)
        return shown

    def _receipts(self, psid: str, page_id: str, mid: str) -> None:
        self._tell(psid, page_id, {"read": {"mid": mid}}, label="seen")

    def _owner(self, request: Request, account: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state.part(self.accounts).get(account)
        if found is None or request.bearer != found["token"]:
            raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        return found

    def _me(self, request: Request) -> dict[str, Any]:
        for account in self.state.part(self.accounts).values():
            if request.bearer == account["token"]:
                fields = {"id": "9" + account["id"][1:], "user_id": account["id"]}
                return fields | {"username": account["username"], "name": account["name"]}
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)

    def _refresh(self, request: Request) -> dict[str, Any]:
        for account in self.state.part(self.accounts).values():
            if request.bearer == account["token"] and request.query.get("grant_type") == "ig_refresh_token":
                account["token"] = f"IGAA{secrets.token_hex(16)}"
                self.state.touch()
                return {"access_token": account["token"], "token_type": "bearer", "expires_in": 5_183_944}
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)

    def _subscribe(self, request: Request, account: str) -> dict[str, Any]:
        self._owner(request, account)["subscribed"] = request.query.get("subscribed_fields", "")
        self.state.touch()
        return {"success": True}

    def _profile(self, request: Request, account: str) -> dict[str, Any]:
        asked = request.json() or {}
        owner = self._owner(request, account)
        if asked.get("platform") != "instagram":
            raise Refused(100, "Invalid parameter: platform")
        taps = [tap for each in asked.get("ice_breakers") or [] for tap in each.get("call_to_actions") or []]
        if len(taps) > 4 or any(len(each.get("question", "")) > 80 for each in taps):
            raise Refused(100, "Invalid parameter: ice_breakers")
        owner["ice_breakers"] = taps
        self.state.touch()
        return {"result": "success"}
