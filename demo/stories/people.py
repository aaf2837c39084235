"""A shopper on each network, with one face: `says`, `taps`, `photo`, and `heard`: what came from the shop,
oldest first."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from demo.pages.pictures import sample_photo
from demo.stories.stage import Mismatch, Stage


class Shopper(Protocol):
    def says(self, text: str) -> None: ...
    def answers(self, choice: str) -> None: ...
    def photo(self) -> None: ...
    def heard(self) -> list[str]: ...


@dataclass
class OnWhatsApp:
    stage: Stage
    user_id: str

    def says(self, text: str) -> None:
        self.stage.world.whatsapp.write(self.user_id, text)

    def answers(self, choice: str) -> None:
        """Tap the choice where the newest message offers it, else type it."""
        for entry in self.entries()[::-1]:
            found = _button(entry, choice)
            if found:
                self.stage.world.whatsapp.tap(self.user_id, entry["id"], found)
                return
        self.says(choice)

    def photo(self) -> None:
        self.stage.world.whatsapp.send_photo(self.user_id, sample_photo())

    def entries(self) -> list[dict[str, Any]]:
        return self.stage.world.whatsapp.received(self.user_id)

    def heard(self) -> list[str]:
        return [entry["text"] for entry in self.entries()]


@dataclass
class OnMessenger:
    stage: Stage
    psid: str

    def says(self, text: str) -> None:
        self.stage.world.messenger.write(self.psid, text)

    def answers(self, choice: str) -> None:
        for entry in self.entries()[::-1]:
            found = _button(entry, choice)
            if found:
                self.stage.world.messenger.tap(self.psid, entry["id"], found)
                return
        self.says(choice)

    def photo(self) -> None:
        self.stage.world.messenger.send_photo(self.psid, sample_photo())

    def entries(self) -> list[dict[str, Any]]:
        return self.stage.world.messenger.received(self.psid)

    def heard(self) -> list[str]:
        return [entry["text"] for entry in self.entries()]


@dataclass
class ByMail:
    stage: Stage
    address: str

    def says(self, text: str) -> None:
        self._reply(text)

    def answers(self, choice: str) -> None:
        self._reply(choice)

    def photo(self) -> None:
        self._reply("Here it is", photos=(("photo.jpg", sample_photo()),))

    def _reply(self, text: str, *, photos: tuple[tuple[str, bytes], ...] = ()) -> None:
        mails = self.entries()
        if not mails:
            raise Mismatch(f"{self.address} has no mail to answer")
        self.stage.world.mail.reply(mails[-1], text, sender=self.address, photos=photos)

    def entries(self) -> list[dict[str, Any]]:
        return self.stage.world.mail.inbox(self.address)

    def heard(self) -> list[str]:
        return [entry["text"] for entry in self.entries()]


def _button(entry: dict[str, Any], choice: str) -> str:
    """The button that means this choice: by its title, or by the number in it (`★★★★★ 5`, `5`)."""
    for button in entry["buttons"]:
        if button["title"].strip().lower() == choice.lower() or re.findall(r"\d+", button["title"])[:1] == [choice]:
            return str(button["id"])
    return ""
