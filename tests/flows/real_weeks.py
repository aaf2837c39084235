"""One shopper's weeks in real rows: Shopify's news through services, the jobs, the real judge. No network."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from post_purchase.jobs import flows as jobs
from post_purchase.models import Channel, FlowRun, Message, Order, Reward, Timer
from post_purchase.services import reach
from post_purchase.services.arbiter import Decision, judge
from post_purchase.services.bindings import bind
from post_purchase.services.events import record_event
from post_purchase.services.order_data import CustomerData, LineData, OrderData
from post_purchase.services.orders import save_order, save_parcel, save_scan
from post_purchase.services.parcel_data import ParcelData, ScanData
from post_purchase.words import Direction, EventKind, MessageStatus, ParcelState
from shopapp.lib import clock
from shopapp.models import Shop
from tests.factories import make_channel, make_conversation, make_message, make_point

CODE_MADE = timedelta(seconds=2)


@dataclass
class RealWeeks:
    """`plan` what happens, then `play`. `sent` is what went out: (when, step, text, why it was held first)."""

    shop: Shop
    until: datetime
    held: dict[int, str] = field(default_factory=dict)
    plans: list[tuple[datetime, int, Callable[[], Any]]] = field(default_factory=list)
    turns: Any = field(default_factory=lambda: itertools.count(1))
    channel: Channel | None = None

    def __post_init__(self) -> None:
        self.channel = self.channel or make_channel(self.shop, account_id=str(self.shop.pk))

    def plan(self, at: datetime, do: Callable[[], Any]) -> None:
        heapq.heappush(self.plans, (at, next(self.turns), do))

    # -- Shopify's news ----------------------------------------------------------------------------------------------

    def order(self, at: datetime, number: int = 1001, **fields: Any) -> None:
        data: dict[str, Any] = {
            "shopify_id": number,
            "name": f"#{number}",
            "currency": "EUR",
            "subtotal": Decimal("49.00"),
            "total": Decimal("49.00"),
            "language": "en",
            "country": "DE",
            "city": "Berlin",
            "financial_status": "paid",
            "fulfillment_status": "fulfilled",
            "source_name": "web",
            "placed_at": at,
            "updated_at": at,
            "customer": CustomerData(shopify_id=77, first_name="Maria", last_name="Lang"),
            "lines": [
                LineData(
                    shopify_id=5000 + number,
                    product_id=7,
                    variant_id=8,
                    title="Stoneware mug",
                    quantity=1,
                    current_quantity=1,
                    price=Decimal("49.00"),
                    requires_shipping=True,
                )
            ],
        }
        self.plan(at, lambda: save_order(shop=self.shop, data=OrderData(**(data | fields))))

    def parcel(self, at: datetime, number: int = 1001, parcel: int = 9, **fields: Any) -> None:
        data = {
            "shopify_id": parcel,
            "order_shopify_id": number,
            "name": f"#{number}-F{parcel}",
            "status": "success",
            "carrier": "DHL",
            "tracking_number": "0034",
            "tracking_url": "https://tracking.example.test/0034",
            "lines": [{"line": 5000 + number, "quantity": 1}],
            "created_at": at,
            "updated_at": at,
        }
        self.plan(at, lambda: save_parcel(shop=self.shop, data=ParcelData(**(data | fields))))

    def scan(self, at: datetime, state: str, number: int = 1001, parcel: int = 9) -> None:
        data = ScanData(
            order_shopify_id=number, parcel_shopify_id=parcel, state=ParcelState(state), happened_at=at, city="Berlin"
        )
        self.plan(at, lambda: save_scan(shop=self.shop, data=data))

    # -- the shopper -------------------------------------------------------------------------------------------------

    def open_chat(self, at: datetime, number: int = 1001) -> None:
        self.plan(at, lambda: self._open(number))

    def _open(self, number: int) -> None:
        order = Order.objects.get(shop=self.shop, shopify_id=number)
        contact = order.contact
        assert contact is not None
        conversation = getattr(contact, "conversation", None) or make_conversation(contact)
        point = contact.points.filter(kind="whatsapp").first() or make_point(contact, address="DE.1349120865530274")
        point.last_inbound_at = conversation.last_inbound_at = clock.now()
        point.save()
        conversation.save()
        message = make_message(conversation, "Hello", direction=Direction.IN, point=point, channel=self.channel)
        bind(point=point, order=order, method="code", link=None, message=message)

    def write(self, at: datetime, flow: str, text: str, tap: str = "") -> None:
        self.plan(at, lambda: self._write(flow, text, tap))

    def _write(self, flow: str, text: str, tap: str) -> None:
        run = FlowRun.objects.filter(shop=self.shop, flow__key=flow).latest("pk")
        contact = run.contact
        assert contact is not None
        point = contact.points.get(kind="whatsapp")
        point.last_inbound_at = clock.now()
        point.save()
        message = make_message(
            contact.conversation, text, direction=Direction.IN, point=point, channel=self.channel, order=run.order
        )
        button = f"f{run.pk}:{tap}" if tap else ""
        record_event(
            shop=self.shop,
            kind=EventKind.MESSAGE_RECEIVED,
            key=f"message:{message.pk}",
            contact=contact,
            conversation=contact.conversation,
            message=message,
            data={"text": text, "button_id": button, "has_media": False, "handled": False},
        )

    # -- the clock ---------------------------------------------------------------------------------------------------

    def play(self, at: Any) -> None:
        while (moment := self._next()) is not None and moment <= self.until:
            at.to(max(clock.now(), moment))
            while self.plans and self.plans[0][0] <= clock.now():
                heapq.heappop(self.plans)[2]()
                self._work()
            self._work()
        at.to(self.until)

    def _next(self) -> datetime | None:
        waiting = [
            self.plans[0][0] if self.plans else None,
            Timer.objects.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first(),
            self._due().order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first(),
        ]
        return min((moment for moment in waiting if moment is not None), default=None)

    def _work(self) -> None:
        jobs.handle_events()
        jobs.handle_timers()
        jobs.handle_events()
        self._send()
        for reward in Reward.objects.filter(shop=self.shop, next_attempt_at__isnull=False):
            Reward.objects.filter(pk=reward.pk).update(next_attempt_at=None)
            self.plan(clock.now() + CODE_MADE, lambda reward=reward: self._issued(reward))

    def _issued(self, reward: Reward) -> None:
        data = {"code": reward.code, "percentage": "10", "ends_at": reward.ends_at.isoformat(), "run": reward.run_id}
        record_event(
            shop=self.shop,
            kind=EventKind.REWARD_ISSUED,
            key=f"reward:{reward.pk}",
            order=reward.order,
            contact=reward.contact,
            data=data,
        )

    def _due(self) -> Any:
        return Message.objects.filter(shop=self.shop, next_attempt_at__isnull=False, direction=Direction.OUT)

    def _send(self) -> None:
        """What services/handover does with a claimed message, but for the network."""
        for message in self._due().filter(next_attempt_at__lte=clock.now()).order_by("pk"):
            found = reach.Facts([message], now=clock.now()).reach_of(message)
            verdict = judge(found.proposal, found.situation, clock.now())
            rows = Message.objects.filter(pk=message.pk)
            if verdict.decision == Decision.GO:
                rows.update(status=MessageStatus.SENT, sent_at=clock.now(), next_attempt_at=None)
            elif verdict.decision == Decision.HOLD:
                self.held.setdefault(message.pk, verdict.reason)
                rows.update(status=MessageStatus.HELD, reason=verdict.reason, next_attempt_at=verdict.until)
            else:
                rows.update(status=MessageStatus.SUPPRESSED, reason=verdict.reason, next_attempt_at=None)

    @property
    def sent(self) -> list[tuple[datetime, str, str, str]]:
        rows = Message.objects.filter(shop=self.shop, status=MessageStatus.SENT).order_by("sent_at", "pk")
        return [
            (row.sent_at, row.step_id, row.content["text"], self.held.get(row.pk, "")) for row in rows if row.sent_at
        ]

    @property
    def suppressed(self) -> list[tuple[str, str]]:
        rows = Message.objects.filter(shop=self.shop, status=MessageStatus.SUPPRESSED).order_by("pk")
        return [(row.step_id, row.reason) for row in rows]
