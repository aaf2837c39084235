"""The pretend outside world in one process: Shopify, Meta, Telegram, Twilio, the mail, and people.
`with DemoWorld.running() as world:` in tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from demo.courier import Courier
from demo.faults import Faults
from demo.mail import Mail
from demo.meta.graph import Graph
from demo.meta.instagram import Instagram
from demo.meta.messenger import Messenger
from demo.meta.signup import SignUp
from demo.meta.whatsapp import WhatsApp
from demo.moments import Now, clock_from_file
from demo.server import Server
from demo.shopify.shop import Shopify
from demo.state import State
from demo.telegram import Telegram
from demo.twilio import Twilio


class DemoWorld:
    def __init__(
        self,
        *,
        app_url: str = "",
        port: int = 0,
        smtp_port: int = 0,
        now: Now | None = None,
        state_file: Path | None = None,
        environment: dict[str, str] | None = None,
    ):
        """`app_url=""`: webhooks wait in `world.courier` for the test to take. The secrets are the app's own,
        by their names."""
        env = environment or dict(os.environ)
        self.clock_file = env.get("CLOCK_FILE", "")
        self.now: Now = now or clock_from_file(self.clock_file)
        self.app_url = app_url.rstrip("/")
        self.server = Server(port=port)
        self.url = self.server.url
        self.state = State(state_file)
        self.state.data["url"] = self.url
        self.faults = Faults()
        self.courier = Courier(app_url, self.faults)
        self.shopify = Shopify(
            self.server,
            self.state,
            self.courier,
            self.faults,
            self.now,
            api_key=env["SHOPIFY_API_KEY"],
            api_secret=env["SHOPIFY_API_SECRET"],
        )
        graph = Graph(self.server, self.state, self.courier, self.faults, self.now, app_secret=env["META_APP_SECRET"])
        self.whatsapp = WhatsApp(graph)
        self.messenger = Messenger(graph)
        self.instagram = Instagram(graph)
        self.whatsapp.messenger = self.messenger
        self.signup = SignUp(graph, app_id=env.get("META_APP_ID", "1001"))
        self.telegram = Telegram(self.server, self.state, self.courier, self.faults, self.now)
        self.sms = Twilio(self.server, self.state, self.courier, self.faults, self.now)
        self.inbound_domain = env.get("INBOUND_EMAIL_DOMAIN", "")  # whose mail the provider hands to the app
        self.mail = Mail(
            self.state, self.courier, self.now, secret=env.get("ANYMAIL_WEBHOOK_SECRET", ""), port=smtp_port
        )

    def origins(self) -> dict[str, str]:
        """The environment that puts the app into this world."""
        return {
            "SHOPIFY_ADMIN_ORIGIN": f"{self.url}/shops/{{shop}}",
            "SHOPIFY_CDN_ORIGIN": f"{self.url}/cdn",
            "META_GRAPH_ORIGIN": f"{self.url}/graph",
            "FACEBOOK_SDK_URL": f"{self.url}/facebook/sdk.js",
            "WHATSAPP_LINK_ORIGIN": f"{self.url}/wa.me",
            "MESSENGER_LINK_ORIGIN": f"{self.url}/m.me",
            "INSTAGRAM_GRAPH_ORIGIN": f"{self.url}/instagram",
            "INSTAGRAM_LINK_ORIGIN": f"{self.url}/ig.me",
            "TWILIO_API_ORIGIN": f"{self.url}/twilio",
            "TWILIO_MESSAGING_ORIGIN": f"{self.url}/twilio-messaging",
            "TELEGRAM_API_ORIGIN": f"{self.url}/telegram",
            "TELEGRAM_LINK_ORIGIN": f"{self.url}/t.me",
            "DEMO_WORLD_URL": self.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail.port}",
        }

    def start(self) -> Self:
        self.server.start()
        self.mail.start()
        return self

    def stop(self) -> None:
        self.server.stop()
        self.mail.stop()
        self.courier.stop()
        self.state.stop()

    @classmethod
    @contextmanager
    def running(cls, **options: object) -> Iterator["DemoWorld"]:
        world = cls(**options)  # type: ignore[arg-type]
        world.start()
        try:
            yield world
        finally:
            world.stop()
