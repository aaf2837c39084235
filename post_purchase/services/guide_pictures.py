"""The merchant's own pictures of guides: made safe like any photo, in the shop's folder, shown at a lasting address.

Networks fetch them from there; whoever has the address sees the picture.
"""

import hashlib

from django.conf import settings
from django.core.signing import BadSignature, Signer

from post_purchase.models import ProductGuide
from shopapp.lib import clock, stored_files
from shopapp.models import Shop

from . import file_removal
from .photo_safety import make_safe
from .print_designs import folder_of

_signer = Signer(salt="post_purchase.guide_pictures")
PATH = "/pictures/"


def address_of(guide: ProductGuide) -> str:
    """Of the uploaded picture, else the address that the merchant typed; "" where there is none."""
    if not guide.picture_file:
        return guide.picture_url
    return f"{settings.APP_URL}{PATH}{_signer.sign(f'{guide.shop_id}.{guide.picture_file}')}"


def keep(*, guide: ProductGuide, content: bytes) -> None:
    """Raises PhotoRefused, and OSError where the disk has no room; the guide then has what it had."""
    photo = make_safe(content)
    digest = hashlib.sha256(photo.jpeg).hexdigest()[:32]
    name = _name(guide.shop_id, digest)
    file_removal.keep(name)
    stored_files.save(name, photo.jpeg)
    _set(guide, digest)


def take_away(*, guide: ProductGuide) -> None:
    _set(guide, "")


def _set(guide: ProductGuide, digest: str) -> None:
    before, guide.picture_file, guide.updated_at = guide.picture_file, digest, clock.now()
    guide.save(update_fields=["picture_file", "updated_at"])
    forget(shop_id=guide.shop_id, digest=before)


def forget(*, shop_id: int, digest: str) -> None:
    """The file goes with the last guide that shows it: languages may share one picture."""
    if digest and not ProductGuide.objects.filter(shop=shop_id, picture_file=digest).exists():
        file_removal.remove([_name(shop_id, digest)])
        file_removal.remove_due()


def read(signed: str) -> str | None:
    """The name of the stored file. None: forged, taken away, or the shop has left."""
    try:
        number, digest = _signer.unsign(signed).split(".")
    except (BadSignature, ValueError):
        return None
    shop = Shop.objects.filter(pk=int(number)).first()
    if shop is None or not shop.is_installed:
        return None
    return _name(shop.pk, digest)


def _name(shop_id: int, digest: str) -> str:
    return f"{folder_of(shop_id)}/guide-{digest}.jpg"
