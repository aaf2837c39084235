"""Starting one flow because somebody asked: a person, Shopify Flow, or the merchant's own system.

The event is recorded; jobs.flows starts the run. What cannot work is refused here, with words for whoever asked.
"""

from django.db.models.fields.json import KeyTextTransform, KeyTransform

from post_purchase.models import Contact, Flow, FlowEvent, FlowRun, FlowStatus, Order, Parcel
from post_purchase.services.events import record_event
from post_purchase.words import EventKind, ParcelState
from shopapp.models import Shop

from .definition import DocumentError
from .versions import document_of


class CannotStart(Exception):
    """Why not, and what to do."""


def ask_to_start(
    *,
    shop: Shop,
    flow_key: str,
    kind: EventKind,
    dedupe_key: str,
    order: Order | None = None,
    contact: Contact | None = None,
) -> FlowEvent:
    """Repeating `dedupe_key` returns the first event, whatever has changed since. Raises CannotStart.

    `order` and `contact` are the shop's own.
    """
    key = f"{kind}:{dedupe_key}"
    if asked := FlowEvent.objects.filter(shop=shop, key=key).first():
        return asked
    flow = shop.flows.filter(key=flow_key).first()
    if flow is None:
        raise CannotStart("There is no flow with this key. The list of flows shows each key.")
    if flow.status != FlowStatus.ON or flow.live_version_id is None:
        raise CannotStart(f"The flow “{flow.name}” is switched off. Switch it on in Doorstep first.")
    parcel = _check(flow, order, contact)
    return record_event(
        shop=shop,
        kind=kind,
        key=key,
        order=order,
        parcel=parcel,
        contact=contact or (order.contact if order else None),
        data={"flow": flow.key},
    )


def startable(shop: Shop) -> list[Flow]:
    """Flows that a person may start, by name."""
    subject = KeyTextTransform("subject", KeyTransform("trigger", "live_version__document"))  # not the whole document
    flows = shop.flows.filter(status=FlowStatus.ON, live_version__isnull=False).annotate(subject=subject)
    by_name = flows.only("key", "name").order_by("name", "pk")
    return [flow for flow in by_name if (flow.subject or "order") in ("order", "parcel", "contact")]


def _subject(flow: Flow) -> str:
    try:
        return str(document_of(flow.live_version_id or 0).trigger.subject)
    except DocumentError:
        return ""


def _check(flow: Flow, order: Order | None, contact: Contact | None) -> Parcel | None:
    """The parcel that the flow is about, where it is about one."""
    match _subject(flow):
        case "order":
            if order is None:
                raise CannotStart(f"The flow “{flow.name}” is about an order: name one.")
            _refuse_again(flow, f"order:{order.pk}")
        case "parcel":
            parcel = order.parcels.exclude(state=ParcelState.CANCELLED).order_by("-pk").first() if order else None
            if parcel is None:
                raise CannotStart(f"The flow “{flow.name}” is about a parcel: name an order that has one.")
            _refuse_again(flow, f"parcel:{parcel.pk}")
            return parcel
        case "contact":
            person = contact or (order.contact if order else None)
            if person is None:
                raise CannotStart(f"The flow “{flow.name}” is about a person: name a customer, or an order of theirs.")
            if person.redacted_at is not None:
                raise CannotStart("The data of this person was erased.")
            _refuse_again(flow, f"contact:{person.pk}")
        case "review":
            raise CannotStart(f"The flow “{flow.name}” begins with a review. It cannot be started otherwise.")
        case _:
            raise CannotStart(f"The flow “{flow.name}” has a problem. Open it in Doorstep to see what.")
    return None


def _refuse_again(flow: Flow, subject_key: str) -> None:
    again = document_of(flow.live_version_id or 0).trigger.again_after
    if again is None and FlowRun.objects.filter(flow=flow, subject_key=subject_key).exists():
        raise CannotStart(f"The flow “{flow.name}” has run for this already, and is set to run once.")
