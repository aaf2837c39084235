"""Files that shoppers send: fetched from the network, made safe, stored; and the short-lived addresses that show them.

When every file of a message is settled the flows hear MEDIA_STORED with the photos that were kept, perhaps none.
Voice messages, videos and PDFs are for the team.
"""

import contextlib
import logging
import time
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import F

from post_purchase.channels.base import ChannelError, Outcome
from post_purchase.channels.registry import driver_for
from post_purchase.models import (
    Attachment,
    AttachmentStatus,
    Channel,
    Conversation,
    Message,
    Review,
    ReviewPhoto,
)
from post_purchase.words import Direction, EventKind
from shopapp.lib import clock, stored_files
from shopapp.lib.queue import Job, wake

from . import file_safety, photo_files
from .events import record_event
from .file_removal import remove, remove_due
from .messages import queue_answer
from .photo_safety import Fault, PhotoRefused, SafePhoto, make_safe, sniff
from .phrases import load
from .talk_language import language_of

log = logging.getLogger("post_purchase.media")
LEASE = timedelta(minutes=5)
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
MAX_ATTEMPTS = 24  # with these waits about 16 hours; WhatsApp keeps a file for 7 days
MAX_DEATHS = 3  # tries that never came back: the file may be what stops our workers
SECONDS = 100.0
URL_HOURS = 2  # an address is good for one to two hours, and the same within an hour, so that pages do not flicker
GONE = (Outcome.BUG, Outcome.OTHER_CHANNEL, Outcome.SUPPRESS_PURPOSE, Outcome.SUPPRESS_ADDRESS)
NEEDED = ("shop", "channel", "contact", "conversation", "point")
UNINSTALLED = "the app is no longer installed in this shop"
ANSWERS = {
    Fault.NOT_A_PHOTO: "not_a_photo",
    Fault.DAMAGED: "not_a_photo",
    Fault.UNKNOWN: "not_a_photo",
    Fault.FILE_DAMAGED: "not_fetched",
    Fault.TOO_LARGE: "too_large",
    Fault.FILE_TOO_LARGE: "file_too_large",
    Fault.TOO_MANY_PIXELS: "too_many_pixels",
    Fault.TOO_SMALL: "",  # a dot or a logo in a mail: the shopper did not know that they sent it
}
_signer = Signer(salt="post_purchase.media")
_public_signer = Signer(salt="post_purchase.media.public")


def fetch_due() -> int:
    """Settle every due attachment, oldest first. Returns how many were tried."""
    stop_at = time.monotonic() + SECONDS
    tried = 0
    while time.monotonic() < stop_at:
        attachment = _claim()
        if attachment is None:
            return tried
        _settle(attachment)
        tried += 1
    wake(Job.FETCH_MEDIA)
    return tried


def _claim() -> Attachment | None:
    """The next one, ours for LEASE. Its `reason` is empty while somebody works at it."""
    now = clock.now()
    due = Attachment.objects.filter(status=AttachmentStatus.WAITING, next_attempt_at__lte=now)
    while (found := due.order_by("next_attempt_at", "pk").first()) is not None:
        mine = Attachment.objects.filter(
            pk=found.pk, status=AttachmentStatus.WAITING, next_attempt_at=found.next_attempt_at, attempts=found.attempts
        )
        died = found.attempts >= MAX_DEATHS and not found.reason
        if mine.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1, reason=""):
            attachment = Attachment.objects.select_related(*(f"message__{name}" for name in NEEDED)).get(pk=found.pk)
            if not died:
                return attachment
            _refuse(attachment, Fault.DAMAGED.value, answer="not_a_photo")
    return None


def _settle(attachment: Attachment) -> None:
    message = attachment.message
    if not message.shop.is_installed:
        _refuse(attachment, UNINSTALLED, answer="")
        return
    if message.channel is None:
        _refuse(attachment, "the channel that it came by is no longer connected", answer="")
        return
    try:
        content = driver_for(message.channel.kind).fetch_media(
            channel=message.channel, source=attachment.source, max_bytes=file_safety.MAX_BYTES
        )
        kept = make_safe(content) if sniff(content) else file_safety.make_safe(content)
    except ChannelError as error:
        large = "file_too_large" if file_safety.is_claimed(attachment.claimed_type) else "too_large"
        answer = large if error.code == "too_large" else "not_fetched"
        if error.outcome in GONE:
            _refuse(attachment, str(error), answer=answer)
        else:
            _try_again(attachment, str(error), error.retry_after)
        return
    except PhotoRefused as refused:
        _refuse(attachment, refused.fault.value, answer=ANSWERS[refused.fault])
        return
    if isinstance(kept, SafePhoto):
        names = [photo_files.name_for(attachment.pk, part=part) for part in ("whole", "thumbnail")]
        size = {"width": kept.width, "height": kept.height}
        _store(attachment, dict(zip(names, (kept.jpeg, kept.thumbnail), strict=True)), thumbnail=names[1], **size)
    else:
        _store(attachment, {photo_files.name_for(attachment.pk, part="whole", suffix=kept.suffix): kept.content})


def _store(attachment: Attachment, files: dict[str, bytes], **fields: object) -> None:
    """Files first, then the row: a row never names a file that is not there. The first is the whole one."""
    names = list(files)
    try:
        for name, content in files.items():
            stored_files.save(name, content)
    except OSError as error:
        with contextlib.suppress(OSError):
            stored_files.delete(names)
        _try_again(attachment, f"There is no place for photos: {error.strerror}", None)
        return
    fields |= {"status": AttachmentStatus.STORED, "file": names[0], "bytes": len(files[names[0]])}
    with transaction.atomic():
        kept = _finish(attachment, **fields)
    if kept:
        log.info("media.stored", extra={"attachment": attachment.pk, "attempt": attachment.attempts})
        _forget(attachment)
    elif not Attachment.objects.filter(pk=attachment.pk, file=names[0]).exists():
        remove(names)  # erased while we worked
        remove_due()


@transaction.atomic
def take_back(*, channel: Channel, provider_id: str) -> bool:
    """The shopper has unsent this message: its words and photos go; that there was one stays. False: not known.

    Photos of a review stay with the review, which the shopper gave and can have taken down.
    """
    mine = Message.objects.filter(shop_id=channel.shop_id, channel=channel, direction=Direction.IN)
    message = mine.select_for_update(of=("self",)).filter(provider_id=provider_id).first()
    if message is None:
        return False
    message.text, message.content = "", {"kind": "unsupported", "taken_back": True}
    message.save(update_fields=["text", "content"])
    Conversation.objects.filter(pk=message.conversation_id, last_message_at__lte=message.created_at).update(
        last_text=""
    )
    gone = message.attachments.exclude(pk__in=ReviewPhoto.objects.values("attachment"))
    files = [name for row in gone.values_list("file", "thumbnail") for name in row if name]
    gone.delete()
    remove(files)
    transaction.on_commit(remove_due)
    return True


def _forget(attachment: Attachment) -> None:
    channel = attachment.message.channel
    if channel is None:
        return
    try:
        driver_for(channel.kind).forget_media(channel=channel, source=attachment.source)
    except ChannelError as error:  # it is here; that it is also there is written down and nothing more
        log.warning("media.not_forgotten", extra={"attachment": attachment.pk, "code": error.code})


@transaction.atomic
def _refuse(attachment: Attachment, reason: str, *, answer: str) -> None:
    if not _finish(attachment, status=AttachmentStatus.REFUSED, reason=reason[:255]):
        return
    log.info("media.refused", extra={"attachment": attachment.pk, "attempt": attachment.attempts})
    message = attachment.message
    if not answer or message.point is None or message.conversation.handed_off_at is not None:
        return
    language = language_of(message.contact, message.order)
    queue_answer(
        conversation=message.conversation,
        text=_sentence(answer, language),
        language=language,
        point=message.point,
        order=message.order,
        dedupe_key=f"photo_refused:{message.pk}",  # one word for all files of a message
    )


def _sentence(name: str, language: str) -> str:
    sentences: dict[str, str] = load("photo_answers")[name]
    return sentences.get(language.split("-")[0].lower()) or sentences["en"]


def _try_again(attachment: Attachment, reason: str, retry_after: timedelta | None) -> None:
    if attachment.attempts >= MAX_ATTEMPTS:
        _refuse(attachment, reason, answer="not_fetched")
        return
    pause = min(FIRST_WAIT * 2 ** min(attachment.attempts - 1, 10), LONGEST_WAIT)
    until = clock.now() + max(pause, retry_after or timedelta(0))
    Attachment.objects.filter(pk=attachment.pk, status=AttachmentStatus.WAITING).update(
        next_attempt_at=until, reason=reason[:255]
    )
    log.warning("media.waits", extra={"attachment": attachment.pk, "attempt": attachment.attempts})


def _finish(attachment: Attachment, **fields: object) -> bool:
    """In a transaction: settle this one; tell the flows if it was its message's last. False: no longer ours."""
    message = Message.objects.select_for_update().filter(pk=attachment.message_id).first()  # the last two may meet here
    waiting = Attachment.objects.filter(message_id=attachment.message_id, status=AttachmentStatus.WAITING)
    if message is None or not waiting.filter(pk=attachment.pk).update(next_attempt_at=None, **fields):
        return False
    if not waiting.exists() and not message.content.get("unproved"):
        stored = message.attachments.filter(status=AttachmentStatus.STORED).exclude(thumbnail="")
        record_event(
            shop=message.shop,
            kind=EventKind.MEDIA_STORED,
            key=f"{EventKind.MEDIA_STORED}:{message.pk}",
            order=message.order,
            contact=message.contact,
            conversation=message.conversation,
            message=message,
            data={"attachments": list(stored.order_by("position", "pk").values_list("pk", flat=True))},
        )
    return True


def signed_media_url(attachment: Attachment, thumbnail: bool = False) -> str:
    """Where the page may show this photo from, for one to two hours. Whoever has the address sees the photo."""
    hour = int(clock.now().timestamp()) // 3600
    part = "t" if thumbnail else "w"
    return f"/media/{_signer.sign(f'{attachment.pk}.{part}.{hour + URL_HOURS}')}"


def read_signed(signed: str) -> str | None:
    """The name of the stored file behind such an address. None: forged, out of date, erased, or the shop has left."""
    try:
        number, part, last_hour = _signer.unsign(signed).split(".")
    except (BadSignature, ValueError):
        return None
    if clock.now().timestamp() >= int(last_hour) * 3600:
        return None
    stored = Attachment.objects.filter(pk=int(number), status=AttachmentStatus.STORED)
    attachment = stored.select_related("message__shop").first()
    if attachment is None or not attachment.message.shop.is_installed:
        return None
    return attachment.thumbnail if part == "t" else attachment.file


def public_photo_url(attachment: Attachment, thumbnail: bool = False) -> str:
    """Where the shop's own pages show this photo from, for as long as its review is published."""
    part = "t" if thumbnail else "w"
    return f"{settings.APP_URL}/photos/{_public_signer.sign(f'{attachment.pk}.{part}')}"


def read_public(signed: str) -> str | None:
    """The stored file behind such an address. None: forged, erased, its review is hidden, or the shop has left."""
    try:
        number, part = _public_signer.unsign(signed).split(".")
    except (BadSignature, ValueError):
        return None
    shown = ReviewPhoto.objects.filter(
        attachment=int(number), attachment__status=AttachmentStatus.STORED, review__status=Review.Status.PUBLISHED
    )
    photo = shown.select_related("attachment", "review__shop").first()
    if photo is None or not photo.review.shop.is_installed:
        return None
    return photo.attachment.thumbnail if part == "t" else photo.attachment.file
