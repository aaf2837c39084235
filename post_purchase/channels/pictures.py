"""Pictures that go out as a file of ours, read from MEDIA_ROOT."""

import mimetypes

from django.conf import settings

from .base import ChannelError, Outcome


def is_address(image_path: str) -> bool:
    """Public already: the network fetches it itself."""
    return image_path.startswith(("https://", "http://"))


def read(image_path: str, *, network: str, most: int, types: tuple[str, ...] = ()) -> tuple[str, bytes, str]:
    """(name, content, type). `most`: bytes; `types`: what the network shows, all where empty. Raises ChannelError."""
    path = settings.MEDIA_ROOT / image_path
    kind = mimetypes.guess_type(path.name)[0] or "image/jpeg"
    if types and kind not in types:
        raise ChannelError(f"{network} shows only JPEG and PNG pictures", outcome=Outcome.BUG)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ChannelError("The picture of this message cannot be read", outcome=Outcome.BUG) from error
    if len(content) > most:
        raise ChannelError(f"{network} takes pictures of at most {most // 1_000_000} MB", outcome=Outcome.BUG)
    return path.name, content, kind
