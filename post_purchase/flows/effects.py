"""What the engine wants done. Data only; flows/performing.py does it. A key makes doing it twice harmless."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from post_purchase.words import Purpose


class _Effect(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Say(_Effect):
    """Send the document's message `message`; its words are chosen and filled in when it is queued."""

    kind: Literal["say"] = "say"
    key: str  # "<step id>:<visit>:<n>"
    step: str
    message: str
    choices: tuple[str, ...] = ()  # ids of the taps offered
    parcel: int | None = None
    parcels: tuple[int, ...] = ()  # all that this message tells of, where it gathers several
    answers_shopper: bool = False  # goes back to where the shopper just wrote
    asked_for: bool = False  # the shopper has just asked to be asked for a review

    def purpose(self, written: Purpose) -> Purpose:
        """What it goes out as: the review question to who asks for it is an answer. An offer stays one."""
        return Purpose.SERVICE if self.asked_for and written == Purpose.REVIEW_REQUEST else written


class SaveReview(_Effect):
    kind: Literal["save_review"] = "save_review"
    key: str
    step: str
    rating: int
    disclosure: str = ""  # id of the word in the document that stands beside the review
    incentivised: bool = False


class AddReviewText(_Effect):
    kind: Literal["add_review_text"] = "add_review_text"
    step: str
    text: str


class AddPhotos(_Effect):
    kind: Literal["add_photos"] = "add_photos"
    step: str
    attachments: tuple[int, ...]


class RequestReward(_Effect):
    """A reward cannot see a rating: there is no field for one."""

    kind: Literal["request_reward"] = "request_reward"
    key: str
    step: str
    for_friend: bool = False
    new_customers_only: bool = False


class Tag(_Effect):
    kind: Literal["tag"] = "tag"
    tag: str


class HandOff(_Effect):
    kind: Literal["hand_off"] = "hand_off"
    reason: str


class Unsaid(_Effect):
    """A message that would have had a hole: it is kept with the reason and not sent. See flows.holes."""

    kind: Literal["unsaid"] = "unsaid"
    say: Say
    missing: tuple[str, ...]


class Skip(_Effect):
    """A message was left out: something that it needs is not known, or it is no longer so. `message`: where known."""

    kind: Literal["skip"] = "skip"
    step: str
    message: str
    reason: str


class GoalReached(_Effect):
    kind: Literal["goal_reached"] = "goal_reached"
    name: str


class SetField(_Effect):
    """Remember something about the contact: a size, a taste."""

    kind: Literal["set_field"] = "set_field"
    name: str
    value: str


class GiveConsent(_Effect):
    """Add the shopper's yes to the ledger. `question` is the message whose words they agreed to."""

    kind: Literal["give_consent"] = "give_consent"
    key: str
    step: str
    purpose: str
    question: str


class WriteNote(_Effect):
    """For the team, beside the conversation. `text` is Liquid."""

    kind: Literal["write_note"] = "write_note"
    key: str
    step: str
    text: str


class CloseConversation(_Effect):
    kind: Literal["close_conversation"] = "close_conversation"


class CallWebhook(_Effect):
    """POST to an address of the merchant's, signed, tried again until it is taken."""

    kind: Literal["call_webhook"] = "call_webhook"
    key: str
    step: str
    url: str


class TriggerShopifyFlow(_Effect):
    kind: Literal["trigger_shopify_flow"] = "trigger_shopify_flow"
    key: str
    step: str


class StartFlow(_Effect):
    kind: Literal["start_flow"] = "start_flow"
    key: str
    flow: str


class FindProducts(_Effect):
    """Look for what fits what was bought. PRODUCTS_FOUND answers, also when nothing was found."""

    kind: Literal["find_products"] = "find_products"
    key: str
    step: str
    by: str
    limit: int


class CancelWaiting(_Effect):
    kind: Literal["cancel_waiting"] = "cancel_waiting"
    reason: str


class End(_Effect):
    kind: Literal["end"] = "end"
    reason: str


class Park(_Effect):
    """The document is broken at this place; a person must look."""

    kind: Literal["park"] = "park"
    problem: str


Effect = (
    Say
    | Skip
    | Unsaid
    | SaveReview
    | AddReviewText
    | AddPhotos
    | RequestReward
    | Tag
    | SetField
    | GiveConsent
    | WriteNote
    | HandOff
    | CloseConversation
    | CallWebhook
    | TriggerShopifyFlow
    | StartFlow
    | FindProducts
    | GoalReached
    | CancelWaiting
    | End
    | Park
)
_ADAPTER: TypeAdapter[Effect] = TypeAdapter(Annotated[Effect, Field(discriminator="kind")])


def to_json(effect: Effect) -> dict[str, Any]:
    return effect.model_dump(mode="json", exclude_defaults=True) | {"kind": effect.kind}


def from_json(value: dict[str, Any]) -> Effect:
    return _ADAPTER.validate_python(value)
