"""The demo world as a process of its own: `python -m demo`, with the app's environment."""

import os
import signal
import sys
import threading
from pathlib import Path

from demo.pages.site import add_pages
from demo.shopify.shop import SCOPES
from demo.world import DemoWorld


def main() -> None:
    if os.environ.get("DEMO") != "True":
        sys.exit("The demo world runs only where DEMO=True is set. It must never run in production.")
    folder = Path(os.environ["DEMO_FOLDER"])
    world = DemoWorld(
        app_url=os.environ["APP_URL"],
        port=int(os.environ["DEMO_PORT"]),
        smtp_port=int(os.environ["DEMO_SMTP_PORT"]),
        state_file=folder / "world.json",
    )
    world.shopify.create_shop(scopes=f"{SCOPES},write_customers,write_products")
    world.whatsapp.create_number()
    world.messenger.create_page()
    world.instagram.create_account()
    world.telegram.create_bot()
    world.sms.create_number()
    add_pages(world)
    world.start()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended.wait()
    world.stop()


if __name__ == "__main__":
    main()
