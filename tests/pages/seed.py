"""A shop in which everything that a page can show has happened."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from post_purchase.flows.editing import install_library, switch_on
from post_purchase.flows.rehearsal import stage
from post_purchase.models import (
    ApiToken,
    Attachment,
    Channel,
    ConsentEntry,
    Conversation,
    Flow,
    FlowRun,
    Link,
    Member,
    Message,
    MessageTemplate,
    Order,
    OutgoingCall,
    PrintBatch,
    PrintFile,
    PrivacyRequest,
    Product,
    ProductGuide,
    Rehearsal,
    RequestedAction,
    Review,
    ReviewPhoto,
    SavedReply,
    Scan,
    Tester,
    Touchpoint,
)
from post_purchase.services import rehearsals
from post_purchase.services.api_tokens import make_token
from post_purchase.services.guides import save_guide
from post_purchase.services.links import shop_link, touchpoint_of
from post_purchase.touchpoints.registry import KINDS
from post_purchase.words import Author, ChannelKind, Direction, MessageStatus, ParcelState, Purpose, TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import new_code
from shopapp.models import Shop
from tests import factories

NASTY = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@dataclass
class Seed:
    shop: Shop
    channel: Channel
    order: Order
    conversation: Conversation
    flow: Flow
    card: Touchpoint
    email: Touchpoint
    review: Review
    request: PrivacyRequest
    batch: PrintBatch
    file: PrintFile
    packed: Link
    rehearsal: Rehearsal
    call: OutgoingCall
    token: ApiToken
    guide: ProductGuide
    product: Product
    member: Member
    saved: SavedReply
    action: RequestedAction
    template: MessageTemplate
    tester: Tester


def seed(shop: Shop) -> Seed:
    now = clock.now()
    channel = factories.make_channel(shop)
    factories.make_channel(shop, ChannelKind.MESSENGER, status="halted", status_reason="The page token has expired")
    template = MessageTemplate.objects.create(
        channel=channel,
        asked_category="UTILITY",
        coming_category="MARKETING",
        quality="YELLOW",
        history=[{"at": now.isoformat(), "what": NASTY}],
        name="doorstep_shipped",
        language="en",
        category="UTILITY",
        body="Your order {{1}} is on its way with {{2}} now.",
        parameters=[{"name": "order", "sample": "#1001"}, {"name": "carrier", "sample": "DHL"}],
        status="approved",
    )
    saved = SavedReply.objects.create(shop=shop, name=NASTY[:60], text="Dear {{ first_name }}, " + NASTY)
    member = Member.objects.create(shop=shop, user_id="42", role="owner", joined_at=now)
    flows = install_library(shop)
    flow = next(one for one in flows if one.key == "photo_review")
    switch_on(flow, "42")
    flow.refresh_from_db()
    conversation, order = _talk(shop, channel, flow)
    action = RequestedAction.objects.create(
        shop=shop,
        conversation=conversation,
        order=order,
        kind="return",
        state="approval",
        lines=[order.lines.first().shopify_id],
        dedupe_key="message:1",
        asked_at=now,
        confirmed_at=now,
    )
    card = _touchpoints(shop)
    email = touchpoint_of(shop=shop, kind=TouchpointKind.EMAIL_BUTTON)
    shop_link(touchpoint=email)
    review = _reviews(shop, conversation, order)
    request = PrivacyRequest.objects.create(
        shop=shop,
        shop_domain=shop.domain,
        kind="data_request",
        webhook_key=f"{shop.domain}:1",
        customer_id=7001,
        export='{"orders": []}',
        requested_at=now - timedelta(days=1),
        done_at=now,
        outcome="Ready to hand on",
    )
    batch = PrintBatch.objects.create(touchpoint=card, name=NASTY[:120], quantity=3, route={"language": "de"})
    packed = Link.objects.create(
        shop=shop, touchpoint=card, batch=batch, number=1, code_hash="0" * 64, order=order, packed_at=now
    )
    file = PrintFile.objects.create(batch=batch, form="pdf", status="failed", error=NASTY[:200])
    rehearsal = rehearsals.ask(flow=flow, assumptions={}, days=90)
    stage.play_due()
    call = OutgoingCall.objects.create(
        shop=shop,
        kind="webhook",
        url="https://erp.example.com/hook",
        body={"order": 1},
        dedupe_key="c",
        status="failed",
        error=NASTY,
        created_at=now,
    )
    token, _ = make_token(shop=shop, name=NASTY)
    product = Product.objects.create(
        shop=shop,
        shopify_id=700,
        title=NASTY,
        handle="mug",
        tags=[NASTY],
        product_type=NASTY,
        metafields={"custom.material": [NASTY]},
        shopify_updated_at=now,
    )
    guide = save_guide(shop=shop, kind="product", value="700", name=NASTY, language="en", title=NASTY, text=NASTY)
    return Seed(
        shop=shop,
        channel=channel,
        order=order,
        conversation=conversation,
        flow=flow,
        card=card,
        email=email,
        review=review,
        request=request,
        batch=batch,
        file=file,
        packed=packed,
        rehearsal=rehearsal,
        call=call,
        token=token,
        guide=guide,
        product=product,
        member=member,
        saved=saved,
        action=action,
        template=template,
        tester=Tester.objects.create(shop=shop, channel=channel, user="42", expires_at=now, address="DE.1"),
    )


def _talk(shop: Shop, channel: Channel, flow: Flow) -> tuple[Conversation, Order]:
    now = clock.now()
    contact = factories.make_contact(shop)
    order = factories.make_order(shop, contact, lines=2)
    factories.make_parcel(order, ParcelState.OUT_FOR_DELIVERY)
    point = factories.make_point(contact, last_inbound_at=now - timedelta(hours=1))
    factories.bind(point, order)
    ConsentEntry.objects.create(
        shop=shop,
        contact=contact,
        point=point,
        kind=point.kind,
        purpose=Purpose.UTILITY,
        state="granted",
        method="chat_button",
        dedupe_key="grant",
        recorded_at=now,
    )
    conversation = factories.make_conversation(
        contact, order=order, unread=1, last_message_at=now, last_inbound_at=now, last_text=NASTY[:200]
    )
    run = FlowRun.objects.create(
        shop=shop,
        flow=flow,
        version=flow.live_version,
        subject_key=f"order:{order.pk}",
        order=order,
        contact=contact,
        waiting_for="the shopper to rate the order",
        started_at=now,
    )
    say: Any = factories.make_message
    say(
        conversation,
        "Thank you for your order! It is being packed.",
        point=point,
        channel=channel,
        run=run,
        status=MessageStatus.READ,
        sent_at=now,
        happened_at=now - timedelta(hours=3),
        next_attempt_at=None,
        content={"text": "", "buttons": [{"id": "1", "title": "Where is it?"}]},
    )
    inbound = say(conversation, NASTY, direction=Direction.IN, point=point, channel=channel)
    _photo(inbound)
    say(conversation, "Your parcel is out for delivery.", author=Author.ANSWER, status=MessageStatus.DELIVERED)
    say(conversation, "Happy to help!", author=Author.PERSON, author_id="42", status=MessageStatus.SENT)
    detour = "By E-mail: WhatsApp cannot be used: the shopper blocked this number"
    say(conversation, "Your parcel has been delivered.", status=MessageStatus.DELIVERED, detour=detour)
    say(
        conversation,
        "How do you like your mug?",
        run=run,
        status=MessageStatus.HELD,
        reason="Held until 09:00 in Berlin: quiet hours",
    )
    say(conversation, "Ten per cent off!", status=MessageStatus.SUPPRESSED, reason="No consent for offers")
    return conversation, order


def _photo(message: Message) -> None:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in (("mug.jpg", (800, 600)), ("mug-small.jpg", (200, 150))):
        Image.new("RGB", size, "#7a9e8f").save(folder / name)
    Attachment.objects.create(message=message, status="stored", file="mug.jpg", thumbnail="mug-small.jpg")


def _touchpoints(shop: Shop) -> Touchpoint:
    for kind in KINDS:
        touchpoint_of(shop=shop, kind=kind)
    card = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    card.first_scan_at = clock.now()
    card.save(update_fields=["first_scan_at"])
    link, _ = shop_link(touchpoint=card)
    for robot in (False, False, True):
        Scan.objects.create(link=link, touchpoint=card, scan_id=new_code(), scanned_at=clock.now(), robot=robot)
    return card


def _reviews(shop: Shop, conversation: Conversation, order: Order) -> Review:
    now = clock.now()
    shared = {"shop": shop, "order": order, "contact": conversation.contact, "author_name": "Maria L."}
    Review.objects.create(
        **shared, rating=1, text=NASTY, product_title="Linen apron", dedupe_key="low", submitted_at=now
    )
    review = Review.objects.create(
        **shared,
        rating=5,
        text="Holds exactly one big coffee.",
        product_title="Stoneware mug",
        channel_kind="whatsapp",
        incentivised=True,
        disclosure="Maria got 10% off her next order for this review, whatever she wrote.",
        dedupe_key="high",
        submitted_at=now,
    )
    photo = Attachment.objects.get(message__conversation=conversation)
    ReviewPhoto.objects.create(review=review, attachment=photo, added_at=now)
    return review
