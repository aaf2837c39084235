"""What the unsubscribe link of an e-mail does (RFC 8058): no more offers and review requests to this address."""

from django.db import transaction

from post_purchase.models import ConsentState
from post_purchase.words import EventKind, Purpose
from shopapp.lib import clock

from .consent import record_consent, withdrawn_purposes
from .events import record_event
from .unsubscribe import Unsubscribe

PURPOSES = (Purpose.MARKETING, Purpose.REVIEW_REQUEST)  # the page says both


@transaction.atomic
def unsubscribe(*, asked: Unsubscribe, wording: str, language: str) -> None:
    """Record it in the ledger and tell the flows. Repeating the call adds nothing until a yes comes between."""
    point = asked.point
    now = clock.now()
    stopped = withdrawn_purposes(point)
    fresh = [purpose for purpose in dict.fromkeys((asked.purpose, *PURPOSES)) if purpose not in stopped]
    for purpose in fresh:
        record_consent(
            point=point,
            purpose=purpose,
            state=ConsentState.WITHDRAWN,
            method="one_click",
            wording=wording,
            language=language,
            dedupe_key=f"one_click:{point.pk}:{purpose}:{now.isoformat()}",
        )
    if fresh:
        record_event(
            shop=point.shop,
            kind=EventKind.OPTED_OUT,
            key=f"opted_out:one_click:{point.pk}:{now.isoformat()}",
            contact=point.contact,
            data={"point": point.pk, "purposes": [str(purpose) for purpose in fresh]},
        )
