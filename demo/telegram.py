"""The pretend Telegram: the Bot API as it answers, a bot, and its people. What the real one refuses, it refuses."""

import json
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from demo.courier import Courier, Delivery
from demo.faults import Faults
from demo.moments import Now
from demo.server import Reply, Request, Server
from demo.state import State

BOT = "6000000001"
TOKEN = f"{BOT}:AADemoTelegramToken_0123456789abcdef"
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
PUBLIC = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", re.I)
FILES = ("sendPhoto", "sendDocument")
FILE_BYTES = 20 * 1024 * 1024


class Refused(Exception):
    def __init__(self, code: int, description: str, **parameters: Any):
        super().__init__(description)
        self.code, self.parameters = code, parameters

    def reply(self) -> Reply:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": str(self)}
        return Reply(body | ({"parameters": self.parameters} if self.parameters else {}), status=self.code)


class Telegram:
    def __init__(self, server: Server, state: State, courier: Courier, faults: Faults, now: Now):
        self.state, self.courier, self.faults, self.now, self.server = state, courier, faults, now, server
        server.route("POST", "/telegram/bot<token>/<method>", self._call)
        server.route("GET", "/telegram/file/bot<token>/<path...>", self._file)

    def create_bot(self, *, token: str = TOKEN, name: str = "Fern & Field", username: str = "fernandfield_bot") -> None:
        with self.state.lock:
            self.state.part("telegram_bots").setdefault(
                token.partition(":")[0], {"token": token, "name": name, "username": username, "webhook": None}
            )
            self.state.touch()

    def create_person(self, name: str = "Ada Berg", *, language: str = "en") -> str:
        """A user. Returns the chat id, which is the same with every bot."""
        with self.state.lock:
            people = self.state.part("telegram_people")
            for chat, person in people.items():
                if person["name"] == name:
                    return str(chat)
            chat = str(self.state.next_number("telegram_chat", 7_000_000_001))
            people[chat] = {"name": name, "language": language, "blocked": False}
            self.state.touch()
        return chat

    def chat(self, person: str, bot: str = BOT) -> list[dict[str, Any]]:
        return self.state.part("telegram_chats").setdefault(f"{bot}:{person}", [])

    def received(self, person: str, bot: str = BOT) -> list[dict[str, Any]]:
        return [entry for entry in self.chat(person, bot) if entry["from"] == "shop"]

    # what people do
    def open_link(self, person: str, ref: str, *, bot: str = BOT) -> str:
        """t.me/<bot>?start=<code>, and a tap on Start."""
        return self.write(person, f"/start {ref}".strip(), bot=bot)

    def write(self, person: str, text: str, *, bot: str = BOT) -> str:
        return self._says(person, bot, {"text": text}, {"text": text})

    def send_photo(self, person: str, content: bytes, *, bot: str = BOT, album: str = "") -> str:
        file_id = f"AgACAgIAAx{secrets.token_urlsafe(20)}"
        with self.state.lock:
            self.state.part("telegram_files")[file_id] = content.hex()
        sizes = [
            {"file_id": f"{file_id}-s", "width": 90, "height": 67},
            {"file_id": file_id, "width": 1280, "height": 960},
        ]
        for size in sizes:
            size |= {"file_unique_id": secrets.token_hex(8), "file_size": len(content)}
        told = {"photo": sizes} | ({"media_group_id": album} if album else {})
        return self._says(person, bot, told, {"text": "", "media": file_id})

    def send_file(self, person: str, content: bytes, *, mime_type: str, bot: str = BOT) -> str:
        file_id = f"AwACAgIAAx{secrets.token_urlsafe(20)}"
        with self.state.lock:
            self.state.part("telegram_files")[file_id] = content.hex()
        kind = {"audio/ogg": "voice", "audio/mpeg": "audio", "video/mp4": "video"}.get(mime_type, "document")
        file = {"file_id": file_id, "file_unique_id": secrets.token_hex(8), "file_size": len(content)}
        file |= {"mime_type": mime_type} | ({"duration": 1} if kind != "document" else {})
        file |= {"width": 320, "height": 240} if kind == "video" else {}
        return self._says(person, bot, {kind: file}, {"text": "", "media": file_id, "kind": kind})

    def share_number(self, person: str, phone: str, *, bot: str = BOT) -> str:
        card = {"phone_number": phone, "first_name": "Me", "user_id": int(person)}
        return self._says(person, bot, {"contact": card}, {"text": f"My number: {phone}"})

    def tap(self, person: str, message_id: str, button_id: str, *, bot: str = BOT) -> str:
        entry = next(each for each in self.chat(person, bot) if each["id"] == message_id)
        if not any(each["id"] == button_id for each in entry["buttons"]):
            raise KeyError(f"There is no button {button_id} on this message")
        number = secrets.token_hex(9)
        shown = self._message(person, bot, int(message_id)) | {"text": entry["text"]}
        rows = [[{"text": each["title"], "callback_data": each["id"]}] for each in entry["buttons"]]
        shown["reply_markup"] = {"inline_keyboard": rows}
        tap = {"id": number, "from": self._user(person), "chat_instance": "-1", "data": button_id, "message": shown}
        entry["turning"] = number  # the button shows a clock until the app answers

        def heard(answer: bytes) -> None:
            try:
                found = json.loads(answer or b"{}")
            except ValueError:
                return
            if isinstance(found, dict) and found.get("method") == "answerCallbackQuery":
                self._answer_tap(found)

        self._tell(bot, {"callback_query": tap}, label="tap", heard=heard)
        return number

    def block(self, person: str, *, bot: str = BOT, blocked: bool = True) -> None:
        with self.state.lock:
            self.state.part("telegram_people")[person]["blocked"] = blocked
            self.state.touch()
        me = {"id": int(bot), "is_bot": True, "first_name": "Shop"}
        states = [{"status": "member", "user": me}, {"status": "kicked", "user": me, "until_date": 0}]
        old, new = states if blocked else states[::-1]
        change = {"chat": self._chat(person), "from": self._user(person), "date": int(self.now().timestamp())}
        self._tell(bot, {"my_chat_member": change | {"old_chat_member": old, "new_chat_member": new}}, label="member")

    def _says(self, person: str, bot: str, told: dict[str, Any], shown: dict[str, Any]) -> str:
        number = self.state.next_number(f"telegram_message_{bot}", 1)
        with self.state.lock:
            at = self.now().timestamp()
            line = {"id": str(number), "from": "shopper", "at": at, "buttons": [], "list": False}
            self.chat(person, bot).append(line | shown)
            self.state.touch()
        message = self._message(person, bot, number) | {"from": self._user(person)} | told
        self._tell(bot, {"message": message}, label="message")
        return str(number)

    def _user(self, person: str) -> dict[str, Any]:
        found = self.state.part("telegram_people")[person]
        first, _, last = found["name"].partition(" ")
        user = {"id": int(person), "is_bot": False, "first_name": first, "language_code": found["language"]}
        return user | ({"last_name": last} if last else {})

    def _chat(self, person: str) -> dict[str, Any]:
        return {"id": int(person), "type": "private", "first_name": self._user(person)["first_name"]}

    def _message(self, person: str, bot: str, number: int) -> dict[str, Any]:
        return {"message_id": number, "chat": self._chat(person), "date": int(self.now().timestamp())}

    def _tell(self, bot: str, update: dict[str, Any], *, label: str, heard: Any = None) -> None:
        hook = self.state.part("telegram_bots")[bot]["webhook"]
        kind = next(iter(update))
        if not hook or kind not in hook["allowed_updates"]:
            return
        body = {"update_id": self.state.next_number("telegram_update", 100_000_001)} | update
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": hook["secret"]}
        path = urlsplit(hook["url"]).path
        for _ in range(2 if self.faults.switches["duplicate"] else 1):
            self.courier.send(
                Delivery("telegram", path, dict(headers), json.dumps(body).encode(), label=label, heard=heard)
            )

    # the API
    def _call(self, request: Request, token: str, method: str) -> Reply:
        def work() -> Reply:
            try:
                bot = self._bot(token)
                function = getattr(self, f"_do_{method}", None)
                if function is None:
                    raise Refused(404, "Not Found: method not found")
                return Reply({"ok": True, "result": function(bot, _asked(request))})
            except Refused as refused:
                return refused.reply()

        fault = self.faults.take("telegram.send") if method.startswith("sendM") or method in FILES else None
        if fault and fault.kind == "throttled":
            return Refused(429, "Too Many Requests: retry after 3", retry_after=3).reply()
        if fault and fault.kind == "error":
            return Refused(fault.code or 400, "Bad Request: something is wrong").reply()
        return self.faults.apply(fault, work)

    def _bot(self, token: str) -> str:
        bot = token.partition(":")[0]
        if self.state.part("telegram_bots").get(bot, {}).get("token") != token:
            raise Refused(401, "Unauthorized")
        return bot

    def _do_getMe(self, bot: str, asked: dict[str, Any]) -> dict[str, Any]:
        found = self.state.part("telegram_bots")[bot]
        return {"id": int(bot), "is_bot": True, "first_name": found["name"], "username": found["username"]}

    def _do_setWebhook(self, bot: str, asked: dict[str, Any]) -> bool:
        url, secret = str(asked.get("url") or ""), str(asked.get("secret_token") or "")
        here = self.courier.app_url and url.startswith(self.courier.app_url)  # the demo itself has no certificate
        if not url.startswith("https://") and not here:
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not SECRET.fullmatch(secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        with self.state.lock:
            wanted = asked.get("allowed_updates") or ["message", "callback_query"]
            self.state.part("telegram_bots")[bot]["webhook"] = {
                "url": url,
                "secret": secret,
                "allowed_updates": wanted,
            }
            self.state.touch()
        return True

    def _do_deleteWebhook(self, bot: str, asked: dict[str, Any]) -> bool:
        self.state.part("telegram_bots")[bot]["webhook"] = None
        self.state.touch()
        return True

    def _do_answerCallbackQuery(self, bot: str, asked: dict[str, Any]) -> bool:
        return self._answer_tap(asked)

    def _answer_tap(self, asked: dict[str, Any]) -> bool:
        with self.state.lock:
            for chat in self.state.part("telegram_chats").values():
                for entry in chat:
                    if entry.get("turning") and entry["turning"] == asked.get("callback_query_id"):
                        entry["turning"] = ""
                        self.state.touch()
                        return True
        raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")

    def _do_sendChatAction(self, bot: str, asked: dict[str, Any]) -> bool:
        self._person(asked, bot)
        return True

    def _do_sendMessage(self, bot: str, asked: dict[str, Any]) -> dict[str, Any]:
        text = str(asked.get("text") or "").strip()
        if not text:
            raise Refused(400, "Bad Request: message text is empty")
        if len(text) > 4096:
            raise Refused(400, "Bad Request: message is too long")
        return self._show(bot, asked, {"text": text})

    def _do_sendPhoto(self, bot: str, asked: dict[str, Any]) -> dict[str, Any]:
        if len(str(asked.get("caption") or "")) > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        photo = asked.get("photo")
        if not photo or (isinstance(photo, bytes) and len(photo) > 10 * 1024 * 1024):
            raise Refused(400, "Bad Request: there is no photo in the request")
        image = photo if isinstance(photo, str) else self._kept(photo, "image/jpeg")
        return self._show(bot, asked, {"text": str(asked.get("caption") or ""), "image": image})

    def _do_sendDocument(self, bot: str, asked: dict[str, Any]) -> dict[str, Any]:
        if len(str(asked.get("caption") or "")) > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        document = asked.get("document")
        if not document or (isinstance(document, bytes) and len(document) > 50 * 1024 * 1024):
            raise Refused(400, "Bad Request: there is no document in the request")
        source = document if isinstance(document, str) else self._kept(document, "application/pdf")
        shown = {"name": "Document", "url": source}
        return self._show(bot, asked, {"text": str(asked.get("caption") or ""), "document": shown})

    def _kept(self, content: bytes, mime_type: str) -> str:
        """Where the demo's phone sees it."""
        number = str(self.state.next_number("media", 1_003_383_421_387_000))
        record = {"id": number, "mime_type": mime_type, "owner": "telegram", "hex": content.hex(), "url_until": 0.0}
        with self.state.lock:
            self.state.part("media")[number] = record
        return f"{self.server.url}/shown/{number}"

    def _show(self, bot: str, asked: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        person = self._person(asked, bot)
        keyboard = _keyboard(asked.get("reply_markup"))
        number = self.state.next_number(f"telegram_message_{bot}", 1)
        with self.state.lock:
            line = {"id": str(number), "from": "shop", "at": self.now().timestamp(), "list": False}
            self.chat(person, bot).append(line | shown | keyboard)
            self.state.touch()
        return self._message(person, bot, number) | {"text": shown["text"]}

    def _person(self, asked: dict[str, Any], bot: str) -> str:
        person = str(asked.get("chat_id") or "")
        found = self.state.part("telegram_people").get(person)
        if found is None or not any(each["from"] == "shopper" for each in self.chat(person, bot)):
            raise Refused(400, "Bad Request: chat not found")
        if found["blocked"]:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return person

    def _do_getFile(self, bot: str, asked: dict[str, Any]) -> dict[str, Any]:
        content = self.state.part("telegram_files").get(str(asked.get("file_id")))
        if content is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(content) // 2 > FILE_BYTES:
            raise Refused(400, "Bad Request: file is too big")
        size = len(content) // 2
        return {"file_id": asked["file_id"], "file_size": size, "file_path": f"photos/{asked['file_id']}.jpg"}

    def _file(self, request: Request, token: str, path: str) -> Reply:
        try:
            self._bot(token)
        except Refused as refused:
            return refused.reply()
        content = self.state.part("telegram_files").get(path.removeprefix("photos/").removesuffix(".jpg"))
        return Reply(bytes.fromhex(content), type="image/jpeg") if content else Refused(404, "Not Found").reply()


def _asked(request: Request) -> dict[str, Any]:
    if not (request.headers.get("Content-Type") or "").startswith("multipart/"):
        found = request.json()
        return found if isinstance(found, dict) else {}
    asked: dict[str, Any] = {}
    for name, part in request.parts().items():
        content = part.get_payload(decode=True)
        asked[name] = content if part.get_filename() else content.decode()
    if "reply_markup" in asked:
        asked["reply_markup"] = json.loads(asked["reply_markup"])
    return asked


def _keyboard(markup: Any) -> dict[str, Any]:
    """Buttons of an inline keyboard, as strict as Telegram: bytes of callback_data, addresses that exist."""
    shown: dict[str, Any] = {"buttons": []}
    for row in (markup or {}).get("inline_keyboard") or []:
        for button in row:
            if not button.get("text"):
                raise Refused(400, "Bad Request: text of the inline keyboard button can't be empty")
            if "url" in button:
                if not PUBLIC.fullmatch(urlsplit(button["url"]).hostname or ""):
                    raise Refused(
                        400, f"Bad Request: inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
                    )
                shown["link"] = {"title": button["text"], "url": button["url"]}
            elif not 1 <= len(str(button.get("callback_data") or "").encode()) <= 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
            else:
                shown["buttons"].append({"id": button["callback_data"], "title": button["text"]})
    return shown
