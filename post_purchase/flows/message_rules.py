"""What a message is for, and whether its words are an offer: a draft in, a draft out. Pure; takes broken drafts."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from post_purchase.words import EventKind, Purpose

from . import window
from .offer_lint import findings, is_unasked
from .paths import steps_of
from .reshaping import CannotReshape, messages_of

Raw = Mapping[str, Any]
OFFER_NAME = "_offer"  # Meta keeps the category of a template: another one needs another name
# Nothing of an order is told where one of these begins a flow.
_OF_NO_ORDER = {EventKind.CONTACT_SILENT, EventKind.DATE_REACHED, EventKind.PURCHASE_AGED, EventKind.CONSENT_GIVEN}


def set_purpose(document: Raw, message: str, purpose: str) -> dict[str, Any]:
    """The template goes along: an offer's is of the category MARKETING."""
    if purpose not in Purpose:
        raise CannotReshape("Choose what the message is for")
    changed, spec = with_message(document, message)
    if spec.get("purpose") == purpose:
        return changed
    was, spec["purpose"] = spec.get("purpose"), purpose
    if purpose == Purpose.MARKETING:
        spec.pop("no_offer", None)
    if Purpose.MARKETING in (was, purpose) and isinstance(spec.get("template"), dict):
        _recategorise(spec["template"], category_for(purpose))
    return changed


def category_for(purpose: str) -> str:
    return "MARKETING" if purpose == Purpose.MARKETING else "UTILITY"


def _recategorise(template: dict[str, Any], category: str) -> None:
    if str(template.get("category") or "UTILITY") == category:
        return
    name = str(template.get("name") or "")
    template["name"] = name.removesuffix(OFFER_NAME) if category == "UTILITY" else f"{name[:90]}{OFFER_NAME}"
    template["category"] = category


def say_no_offer(document: Raw, message: str, *, by: str, at: str) -> tuple[dict[str, Any], list[str]]:
    """(draft, the words). These sentences are no offer, says somebody by name; a change of them is asked anew."""
    found = findings(document).get(message)
    if found is None or not found.marks:
        raise CannotReshape("There is no word of an offer in it any more")
    changed, spec = with_message(document, message)
    said = [*((spec.get("no_offer") or {}).get("said") or ()), *found.marks]
    spec["no_offer"] = {"by": by[:64], "at": at, "said": list(dict.fromkeys(said))[-400:]}
    return changed, found.words or [found.value]


def first_purposes(document: Raw, step_id: str) -> dict[str, Any]:
    """A new step's messages with the purpose that its place suggests: an answer where the shopper has just answered."""
    changed: dict[str, Any] = deepcopy(dict(document))
    step = steps_of(changed).get(step_id) or {}
    news = (changed.get("trigger") or {}).get("news") or ()
    for name, message in messages_of(step).items():
        spec = (changed.get("messages") or {}).get(message)
        if name != "message" or not isinstance(spec, dict):
            continue
        soon = window.silences(changed).get(step_id, window.LATE) <= window.OPEN_FOR
        if soon and not is_unasked(changed, step_id):
            spec["purpose"] = Purpose.SERVICE.value
        elif news and all(one in _OF_NO_ORDER for one in news):
            spec["purpose"] = Purpose.MARKETING.value
    return changed


def with_message(document: Raw, message: str) -> tuple[dict[str, Any], dict[str, Any]]:
    changed: dict[str, Any] = deepcopy(dict(document))
    spec = (changed.get("messages") or {}).get(message)
    if not isinstance(spec, dict):
        raise CannotReshape("This message is not there any more")
    return changed, spec
