"""Doing what the engine wants, inside the run's transaction. Effects carry keys: doing one twice changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from post_purchase.models import (
    Attachment,
    ConsentState,
    ContactPoint,
    Conversation,
    FlowRun,
    Message,
    OutgoingCall,
    Review,
)
from post_purchase.services import (
    consent,
    conversations,
    messages,
    notes,
    outgoing_calls,
    recommendations,
    reviews,
    rewards,
    texts,
)
from post_purchase.services.events import record_event
from post_purchase.words import Author, EventKind
from shopapp.lib import clock

from . import value_names, wording
from .definition import FlowDocument
from .effects import (
    AddPhotos,
    AddReviewText,
    CallWebhook,
    CancelWaiting,
    CloseConversation,
    Effect,
    FindProducts,
    GiveConsent,
    HandOff,
    RequestReward,
    SaveReview,
    Say,
    SetField,
    StartFlow,
    Tag,
    TriggerShopifyFlow,
    Unsaid,
    WriteNote,
)


@dataclass(frozen=True)
class Scene:
    """What the effects of one advance are done with."""

    run: FlowRun
    document: FlowDocument
    facts: Mapping[str, Any]
    answers: Mapping[str, Any]
    message: Message | None = None  # what the shopper just wrote

    @property
    def reply_to(self) -> ContactPoint | None:
        return self.message.point if self.message is not None else None

    @property
    def conversation(self) -> Conversation | None:
        return conversations.conversation_for(self.run.contact) if self.run.contact else None


def tap_prefix(run_id: int) -> str:
    """Before every tap's id: it says whose question was answered, however late."""
    return f"f{run_id}:"


def perform(effect: Effect, scene: Scene) -> None:
    match effect:
        case Say():
            _say(effect, scene)
        case Unsaid():
            _say(effect.say, scene, left_out=value_names.reason(effect.missing))
        case SaveReview():
            _save_review(effect, scene)
        case AddReviewText():
            if review := _review(effect.step, scene):
                reviews.add_text(review=review, text=effect.text)
        case AddPhotos():
            _add_photos(effect, scene)
        case RequestReward():
            rewards.request_reward(
                run=scene.run,
                step_id=effect.step,
                order=scene.run.order,
                contact=scene.run.contact,
                review=Review.objects.filter(run=scene.run).order_by("pk").last(),
                dedupe_key=f"reward:{scene.run.pk}:{effect.key}",
                for_friend=effect.for_friend,
                new_customers_only=effect.new_customers_only,
            )
        case Tag():
            _tag(effect, scene)
        case HandOff():
            if conversation := scene.conversation:
                conversations.hand_off(conversation=conversation, reason=effect.reason)
        case SetField():
            _set_field(effect, scene)
        case GiveConsent():
            _give_consent(effect, scene)
        case WriteNote():
            _note(effect, scene)
        case CloseConversation():
            if conversation := scene.conversation:
                conversations.close(conversation=conversation)
        case CallWebhook():
            _call_out(effect, scene, OutgoingCall.Kind.WEBHOOK, _told_outside(scene), url=effect.url)
        case TriggerShopifyFlow():
            _call_out(effect, scene, OutgoingCall.Kind.SHOPIFY_FLOW, _told_shopify_flow(scene))
        case StartFlow():
            record_event(
                shop=scene.run.shop,
                kind=EventKind.STARTED_BY_HAND,
                key=f"start_flow:{scene.run.pk}:{effect.key}",
                order=scene.run.order,
                parcel=scene.run.parcel,
                contact=scene.run.contact,
                data={"flow": effect.flow},
            )
        case FindProducts():
            _find_products(effect, scene)
        case CancelWaiting():
            messages.cancel_waiting(run=scene.run, reason=effect.reason)


def _say(effect: Say, scene: Scene, *, left_out: str = "") -> None:
    """`left_out`: why it is kept and not sent."""
    conversation = scene.conversation
    if conversation is None:
        return  # nobody to tell; the flow's own conditions keep it from getting here
    composed = wording.compose(scene.document, effect, scene.facts, scene.answers, tap_prefix=tap_prefix(scene.run.pk))
    messages.queue_message(
        conversation=conversation,
        content=composed.content,
        purpose=effect.purpose(composed.purpose),
        dedupe_key=f"run:{scene.run.pk}:{effect.key}",
        author=Author.FLOW,
        order=scene.run.order,
        run=scene.run,
        step_id=effect.step,
        point=scene.reply_to if effect.answers_shopper else None,
        use_by_at=clock.now() + composed.useful_for if composed.useful_for else None,
        fact_key="" if left_out else composed.fact,
        left_out=left_out,
    )


def _review_key(step: str, run: FlowRun) -> str:
    return f"review:{run.pk}:{step}"


def _review(step: str, scene: Scene) -> Review | None:
    return Review.objects.filter(shop=scene.run.shop, dedupe_key=_review_key(step, scene.run)).first()


def _save_review(effect: SaveReview, scene: Scene) -> None:
    product = scene.facts.get("review") or {}
    language, words = scene.facts["language"], ""
    if effect.disclosure:
        language, words = wording.disclosure(scene.document, effect.disclosure, scene.facts)
    reviews.save_review(
        run=scene.run,
        order=scene.run.order,
        contact=scene.run.contact,
        rating=effect.rating,
        text="",
        product_id=product.get("product_id"),
        language=language,
        channel_kind=scene.reply_to.kind if scene.reply_to else "",
        incentivised=effect.incentivised,
        disclosure=words,
        dedupe_key=_review_key(effect.step, scene.run),
    )


def _add_photos(effect: AddPhotos, scene: Scene) -> None:
    review = _review(effect.step, scene)
    if review is None:
        return
    photos = Attachment.objects.filter(pk__in=effect.attachments, message__shop=scene.run.shop)
    for attachment in photos.order_by("position", "pk"):
        reviews.add_photo(review=review, attachment=attachment)


def _tag(effect: Tag, scene: Scene) -> None:
    contact = scene.run.contact
    if contact is not None and effect.tag not in contact.tags:
        contact.tags = [*contact.tags, effect.tag]
        contact.save(update_fields=["tags"])


def _set_field(effect: SetField, scene: Scene) -> None:
    contact = scene.run.contact
    if contact is not None and contact.fields.get(effect.name) != effect.value:
        contact.fields = {**contact.fields, effect.name: effect.value}
        contact.save(update_fields=["fields"])


def _give_consent(effect: GiveConsent, scene: Scene) -> None:
    point, message = scene.reply_to, scene.message
    if point is None or message is None:
        return
    asked_on = message.channel.kind if message.channel is not None else ""
    say = Say(key="", step="", message=effect.question)
    question = wording.compose(scene.document, say, scene.facts, {}, channel=asked_on)
    consent.record_consent(
        point=point,
        purpose=effect.purpose,
        state=ConsentState.GRANTED,
        method="answer_in_chat",
        wording=question.content.text,
        language=question.content.language,
        proof={"message": message.pk, "run": scene.run.pk, "version": scene.run.version_id},
        dedupe_key=f"run:{scene.run.pk}:{effect.key}:{point.pk}",
    )
    record_event(
        shop=scene.run.shop,
        kind=EventKind.CONSENT_GIVEN,
        key=f"{EventKind.CONSENT_GIVEN}:{scene.run.pk}:{effect.key}",
        contact=scene.run.contact,
        data={"point": point.pk, "purpose": effect.purpose},
    )


def _note(effect: WriteNote, scene: Scene) -> None:
    conversation = scene.conversation
    if conversation is None:
        return
    values = wording.variables(scene.facts, scene.answers, None, {})
    language = scene.facts["default_language"]
    text = texts.render(effect.text, values, language=language, timezone=scene.facts["timezone"])
    notes.write_note(
        conversation=conversation, text=text, run=scene.run, dedupe_key=f"note:{scene.run.pk}:{effect.key}"
    )


def _call_out(
    effect: CallWebhook | TriggerShopifyFlow,
    scene: Scene,
    kind: OutgoingCall.Kind,
    body: dict[str, Any],
    *,
    url: str = "",
) -> None:
    outgoing_calls.queue_call(
        shop=scene.run.shop,
        kind=kind,
        url=url,
        body=body,
        run=scene.run,
        contact=scene.run.contact,
        step_id=effect.step,
        dedupe_key=f"call:{scene.run.pk}:{effect.key}",
    )


def _told_outside(scene: Scene) -> dict[str, Any]:
    """What a merchant's own system learns: ids to look things up by, and the answers. No name, address or number."""
    order, contact = scene.run.order, scene.run.contact
    customer = contact.shopify_customer_id if contact else None
    return {
        "flow": scene.run.flow.key,
        "run": scene.run.pk,
        "shop": scene.run.shop.domain,
        "order": {"id": order.gid, "name": order.name} if order else None,
        "customer": f"gid://shopify/Customer/{customer}" if customer else None,
        "answers": {name: value for name, value in scene.answers.items() if name != "reward"},
        "tags": list(contact.tags) if contact else [],
        "at": clock.now().isoformat(),
    }


def _told_shopify_flow(scene: Scene) -> dict[str, Any]:
    """The fields of extensions/flow-trigger: references by id, the rest as text and number."""
    order, contact = scene.run.order, scene.run.contact
    told: dict[str, Any] = {"Flow": scene.run.flow.key, "Rating": int(scene.answers.get("rating") or 0)}
    if order:
        told["order_id"] = order.shopify_id
    if contact and contact.shopify_customer_id:
        told["customer_id"] = contact.shopify_customer_id
    return told


def _find_products(effect: FindProducts, scene: Scene) -> None:
    code = str((scene.answers.get("reward") or {}).get("code") or "")
    found = recommendations.find(
        by=effect.by, order=scene.run.order, contact=scene.run.contact, limit=effect.limit, code=code
    )
    record_event(
        shop=scene.run.shop,
        kind=EventKind.PRODUCTS_FOUND,
        key=f"products_found:{scene.run.pk}:{effect.key}",
        order=scene.run.order,
        contact=scene.run.contact,
        data={"run": scene.run.pk, "for": effect.key, "products": found},
    )
