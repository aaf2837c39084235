"""Pictures and PDFs that the team sends: made safe like a shopper's, stored as privately, shown in the thread."""

import contextlib
import re
from typing import Any

from django.conf import settings
from django.db import transaction

from post_purchase.channels.pictures import is_address
from post_purchase.channels.registry import driver_for
from post_purchase.models import Attachment, AttachmentStatus, Message
from shopapp.lib import stored_files

from . import photo_files
from .file_safety import TYPES, SafeFile
from .media import signed_media_url
from .photo_safety import SafePhoto


def put_beside(*, message: Message, file: SafePhoto | SafeFile, name: str = "") -> None:
    """In the transaction that queues the message, so that it never goes without. Raises OSError: no room.

    `name`: of a document, as it was chosen.
    """
    attachment, created = Attachment.objects.get_or_create(message=message, position=0)
    if not created:
        return
    parts, fields, content = _laid_out(attachment, file, name)
    try:
        for path, part in parts.items():
            stored_files.save(path, part)
        with transaction.atomic():
            Attachment.objects.filter(pk=attachment.pk).update(status=AttachmentStatus.STORED, **fields)
            message.content = message.content | content
            message.save(update_fields=["content"])
    except Exception:
        with contextlib.suppress(OSError):  # the caller's transaction rolls back, so nothing can be written down
            stored_files.delete(parts)
        raise


def _laid_out(
    attachment: Attachment, file: SafePhoto | SafeFile, name: str
) -> tuple[dict[str, bytes], dict[str, Any], dict[str, str]]:
    """(files, the row's fields, what the message says of it)"""
    if isinstance(file, SafeFile):
        path = photo_files.name_for(attachment.pk, part="whole", suffix=file.suffix)
        said = {"document_path": path, "document_name": document_name(name)}
        return (
            {path: file.content},
            {"file": path, "bytes": len(file.content), "claimed_type": TYPES[file.suffix]},
            said,
        )
    whole, small = (photo_files.name_for(attachment.pk, part=part) for part in ("whole", "thumbnail"))
    fields = {"file": whole, "thumbnail": small, "width": file.width, "height": file.height, "bytes": len(file.jpeg)}
    return {whole: file.jpeg, small: file.thumbnail}, fields, {"image_path": whole}


def document_name(name: str) -> str:
    """What a shopper may be shown: "Return label.pdf". No folder, no second ending, nothing that steers a terminal."""
    stem = name.replace("\\", "/").rpartition("/")[2].strip()
    stem = re.sub(r"\.pdf$", "", stem, flags=re.IGNORECASE)
    words = " ".join("".join(char if char.isalnum() or char in "-_()#" else " " for char in stem).split())
    return f"{words[:60].strip() or 'Document'}.pdf"


def for_network(*, message: Message, kind: str, image_path: str) -> str:
    """The file itself; where the network fetches it, its signed address, good for one to two hours."""
    if not image_path or is_address(image_path) or not driver_for(kind).fetches_pictures:
        return image_path
    stored = message.attachments.filter(status=AttachmentStatus.STORED, file=image_path).first()
    return f"{settings.APP_URL}{signed_media_url(stored)}" if stored else image_path
