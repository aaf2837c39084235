"""A shop, an order and the demo's networks: what a shopper does there goes through our own doors, and back."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from django.test import Client

from demo.courier import Delivery
from demo.world import DemoWorld
from post_purchase.channels.base import OutMessage
from post_purchase.jobs.webhooks import process_webhooks
from post_purchase.models import ContactPoint, Message
from post_purchase.services import links
from post_purchase.services.delivery import send_due
from post_purchase.services.messages import queue_message
from post_purchase.services.threads import conversation_for
from post_purchase.words import Author, Purpose, TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.environment import ROOT
from tests.pretend_world import ENVIRONMENT

TOOLS = ROOT.parent / "shared" / "tools"


class Talk:
    def __init__(self, world: DemoWorld, at: Any):
        self.world, self.at = world, at
        self.shop = factories.make_shop()
        self.contact = factories.make_contact(self.shop)
        self.order = factories.make_order(self.shop, self.contact, number=1001, name="#1001")
        touchpoint = links.touchpoint_of(shop=self.shop, kind=TouchpointKind.THANK_YOU_PAGE)
        self.code = links.link_for_order(touchpoint=touchpoint, order=self.order)[1]
        self.carried: list[Delivery] = []

    def tell(self, point: ContactPoint, message: OutMessage, *, purpose: Purpose = Purpose.UTILITY) -> Message:
        """Something of a flow, to this point or nowhere. It goes with the next `carry`."""
        return queue_message(
            conversation=conversation_for(point.contact),
            content=message,
            purpose=purpose,
            author=Author.FLOW,
            point=point,
            dedupe_key=f"told:{message.text}",
        )

    def carry(self, *, forge: Callable[[Delivery], None] | None = None) -> list[int]:
        """The networks' calls come to our door, the job reads them, what is due goes out. Returns our answers."""
        self.at.move(seconds=3)  # so that no rate of a network is reached
        answers = []
        for delivery in self.world.courier.take():
            if forge:
                forge(delivery)
            answers.append(hand_over(delivery))
            self.carried.append(delivery)
        process_webhooks()
        send_due()
        return answers


def hand_over(delivery: Delivery) -> int:
    kind = delivery.headers["Content-Type"]
    reply = Client().post(delivery.path, delivery.body, content_type=kind, headers=delivery.headers)
    if reply.status_code == 200 and delivery.heard:
        delivery.heard(reply.content)
    return int(reply.status_code)


@contextmanager
def talking(settings: Any, now: Any) -> Iterator[Talk]:
    """The app's settings point into the world while it runs."""
    with clock.frozen(now) as at, DemoWorld.running(environment=ENVIRONMENT, now=clock.now) as world:
        for name, value in world.origins().items():
            if name not in ("EMAIL_URL", "DEMO_WORLD_URL"):
                setattr(settings, name, value)
        yield Talk(world, at)


def stranger(name: str) -> ModuleType | None:
    """A validator that is not ours, from beside the checkout; None where it is not there."""
    file = Path(TOOLS) / f"{name}.py"
    if not file.exists():
        return None
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
