"""A shop with a web chat, an order, and browsers that write as the page does: by its own addresses only."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from post_purchase.models import ContactPoint, Message
from post_purchase.services import links
from post_purchase.services.delivery import send_due
from post_purchase.services.web_chat import address_of
from post_purchase.words import ChannelKind, TouchpointKind
from shopapp.lib import clock
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Browser:
    """One person's page. The token is theirs alone."""

    def __init__(self, room: int, code: str = ""):
        self.room, self.code, self.token = room, code, secrets.token_urlsafe(32)
        self.client = Client()
        self.version = ""

    def ask(self, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        raw = isinstance(body, bytes)
        return self.client.post(
            f"/api/chat/{self.room}/{path}",
            data=body if raw else json.dumps(body if body is not None else {}),
            content_type=headers.pop("type", "image/jpeg" if raw else "application/json"),
            headers={"authorization": f"Bearer {self.token if token is None else token}"} | headers,
        )

    def start(self, language: str = "en") -> Any:
        return self.ask("start", {"code": self.code, "language": language})

    def say(self, text: str, key: str = "", **more: str) -> Any:
        return self.ask("messages", {"key": key or secrets.token_hex(8), "text": text} | more)

    def look(self, *, read: bool = True, all_again: bool = True) -> list[dict[str, Any]] | None:
        """Everything that the page would show; None: nothing new."""
        send_due()
        version = "" if all_again else self.version
        reply = self.ask("feed", {"version": version, "read": "yes" if read else "no"})
        if reply.status_code == 204:
            return None
        assert reply.status_code == 200, reply.content
        self.version = reply.json()["version"]
        messages: list[dict[str, Any]] = reply.json()["messages"]
        return messages

    def texts(self) -> list[tuple[str, str]]:
        return [(each["from"], each["text"]) for each in self.look() or []]

    @property
    def point(self) -> ContactPoint:
        return ContactPoint.objects.get(address=address_of(self.token))

    def received(self) -> list[str]:
        rows = Message.objects.filter(point=self.point, direction="in").exclude(content__kind="entry")
        return list(rows.order_by("pk").values_list("text", flat=True))


class Chat:
    def __init__(self) -> None:
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact)
        self.channel = factories.make_channel(self.shop, ChannelKind.WEBCHAT)
        self.code = self.code_of(self.order)

    def code_of(self, order: Any) -> str:
        touchpoint = links.touchpoint_of(shop=order.shop, kind=TouchpointKind.THANK_YOU_PAGE)
        return links.link_for_order(touchpoint=touchpoint, order=order)[1]

    def browser(self, code: str | None = None) -> Browser:
        return Browser(self.channel.pk, self.code if code is None else code)


@pytest.fixture
def chat(media):
    with clock.frozen(NOON) as at:
        made = Chat()
        made.at = at
        yield made
