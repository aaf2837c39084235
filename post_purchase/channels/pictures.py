"""Pictures and PDFs that go out as a file of ours."""

import mimetypes

from shopapp.lib import stored_files

from .base import ChannelError, Outcome, OutMessage


def is_address(image_path: str) -> bool:
    """Public already: the network fetches it itself."""
    return image_path.startswith(("https://", "http://"))


def read(image_path: str, *, network: str, most: int, types: tuple[str, ...] = ()) -> tuple[str, bytes, str]:
    """(name, content, type). `most`: bytes; `types`: what the network shows, all where empty. Raises ChannelError."""
    kind = mimetypes.guess_type(image_path)[0] or "image/jpeg"
    if types and kind not in types:
        raise ChannelError(f"{network} shows only JPEG and PNG pictures", outcome=Outcome.BUG)
    content = stored(image_path)
    if len(content) > most:
        raise ChannelError(f"{network} takes pictures of at most {most // 1_000_000} MB", outcome=Outcome.BUG)
    return image_path.rpartition("/")[2], content, kind


def read_document(message: OutMessage, *, network: str, most: int) -> tuple[str, bytes, str]:
    """(name, content, type). Raises ChannelError."""
    content = stored(message.document_path)
    if len(content) > most:
        raise ChannelError(f"{network} takes documents of at most {most // 1_000_000} MB", outcome=Outcome.BUG)
    return message.document_name or "document.pdf", content, "application/pdf"


def stored(image_path: str) -> bytes:
    """Raises ChannelError: for a picture that is not there, and to try again where its place does not answer."""
    try:
        content = stored_files.read(image_path)
    except OSError as error:
        raise ChannelError("The file of this message cannot be read now", outcome=Outcome.RETRY_AFTER) from error
    if content is None:
        raise ChannelError("The file of this message cannot be read", outcome=Outcome.BUG)
    return content
