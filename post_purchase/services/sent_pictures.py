"""Pictures that the team sends: made safe like a shopper's, stored as privately, shown in the thread."""

import contextlib

from django.conf import settings
from django.db import transaction

from post_purchase.channels.pictures import is_address
from post_purchase.channels.registry import driver_for
from post_purchase.models import Attachment, AttachmentStatus, Message
from shopapp.lib import stored_files

from . import photo_files
from .media import signed_media_url
from .photo_safety import SafePhoto


def put_beside(*, message: Message, photo: SafePhoto) -> None:
    """In the transaction that queues the message, so that it never goes without. Raises OSError: no room."""
    attachment, created = Attachment.objects.get_or_create(message=message, position=0)
    if not created:
        return
    whole, small = names = [photo_files.name_for(attachment.pk, part=part) for part in ("whole", "thumbnail")]
    try:
        stored_files.save(whole, photo.jpeg)
        stored_files.save(small, photo.thumbnail)
        with transaction.atomic():
            Attachment.objects.filter(pk=attachment.pk).update(
                status=AttachmentStatus.STORED,
                file=whole,
                thumbnail=small,
                width=photo.width,
                height=photo.height,
                bytes=len(photo.jpeg),
            )
            message.content = message.content | {"image_path": whole}
            message.save(update_fields=["content"])
    except Exception:
        with contextlib.suppress(OSError):  # the caller's transaction rolls back, so nothing can be written down
            stored_files.delete(names)
        raise


def for_network(*, message: Message, kind: str, image_path: str) -> str:
    """The file itself; where the network fetches it, its signed address, good for one to two hours."""
    if not image_path or is_address(image_path) or not driver_for(kind).fetches_pictures:
        return image_path
    stored = message.attachments.filter(status=AttachmentStatus.STORED, file=image_path).first()
    return f"{settings.APP_URL}{signed_media_url(stored)}" if stored else image_path
