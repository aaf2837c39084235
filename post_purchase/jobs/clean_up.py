"""What is kept no longer than it is needed. Terms: raw news 30 days (it names people), finished work 90 days."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from post_purchase.models import (
    CheckoutConsent,
    CodeGuess,
    ControlLink,
    FirstWord,
    FlowEvent,
    PrivacyRequest,
    SavedReply,
    Timer,
    WebPhoto,
)
from post_purchase.services import composing, print_files, rehearsals
from shopapp.lib import clock
from shopapp.models import IncomingWebhook

RAW_NEWS = timedelta(days=30)
FINISHED_WORK = timedelta(days=90)
GUESSES = timedelta(days=1)  # the limits look back one hour
WEB_PHOTOS = timedelta(days=1)  # made safe and stored long before
EXPORTS = timedelta(days=30)
FIRST_WORDS = timedelta(days=2)  # counted over 24 hours
BATCH = 1000


def clean_up() -> None:
    now = clock.now()
    _delete(IncomingWebhook.objects.filter(received_at__lt=now - RAW_NEWS, next_attempt_at=None))
    _delete(FlowEvent.objects.filter(done_at__lt=now - FINISHED_WORK, next_attempt_at=None))
    _delete(Timer.objects.filter(due_at__lt=now - FINISHED_WORK, next_attempt_at=None, run__paused_at=None))
    _delete(CodeGuess.objects.filter(guessed_at__lt=now - GUESSES))
    _delete(FirstWord.objects.filter(said_at__lt=now - FIRST_WORDS))
    _delete(WebPhoto.objects.filter(received_at__lt=now - WEB_PHOTOS))
    _delete(SavedReply.objects.filter(deleted_at__lt=now - composing.KEPT))
    _delete(ControlLink.objects.filter(expires_at__lt=now))
    print_files.forget_old()
    rehearsals.forget_old()
    _delete(CheckoutConsent.objects.filter(recorded_at__lt=now - FINISHED_WORK, order=None))
    PrivacyRequest.objects.filter(done_at__lt=now - EXPORTS).exclude(export="").update(export="")


def _delete(rows: QuerySet[Any]) -> None:
    """In batches: one long transaction would keep every writer waiting on SQLite."""
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=pks).delete()
