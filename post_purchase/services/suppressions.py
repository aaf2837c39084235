"""A STOP outlives the erasure of the person who said it: as a keyed hash of each address, and nothing readable."""

from collections.abc import Iterable

from post_purchase.models import ConsentEntry, ConsentState, ContactPoint, Suppression
from post_purchase.words import Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import keyed_hashes

METHOD = "kept_stop"  # ConsentEntry.method of a line that came back with the address


def keep_stops(points: Iterable[ContactPoint]) -> int:
    """Before the points and their ledger are erased. Returns how many of them had withdrawn something."""
    kept = 0
    for point in points:
        lines = ConsentEntry.objects.filter(point=point).order_by("recorded_at", "pk")
        newest = dict(lines.values_list("purpose", "state"))
        withdrawn = sorted(purpose for purpose, state in newest.items() if state == ConsentState.WITHDRAWN)
        forget_stop(point)  # what they took back since counts no more
        if not withdrawn:
            continue
        kept += 1
        for name in _names(point):
            Suppression.objects.update_or_create(
                shop_id=point.shop_id,
                address_hash=keyed_hashes(name)[0],
                defaults={"purposes": withdrawn, "withdrawn_at": clock.now()},
            )
    return kept


def restore_stop(point: ContactPoint, *, also: Iterable[str] = ()) -> bool:
    """An address has come (again): write what its owner had withdrawn back into the ledger. `also`: its other names."""
    found = Suppression.objects.filter(shop_id=point.shop_id, address_hash__in=_hashes(point, also))
    withdrawn = {purpose for purposes in found.values_list("purposes", flat=True) for purpose in purposes}
    for purpose in sorted(withdrawn & set(Purpose.values)):
        ConsentEntry.objects.get_or_create(
            shop_id=point.shop_id,
            dedupe_key=f"{METHOD}:{point.pk}:{purpose}",
            defaults={
                "contact_id": point.contact_id,
                "point": point,
                "kind": point.kind,
                "purpose": purpose,
                "state": ConsentState.WITHDRAWN,
                "method": METHOD,
                "recorded_at": clock.now(),
            },
        )
    return bool(withdrawn)


def forget_stop(point: ContactPoint) -> None:
    """They wrote START."""
    Suppression.objects.filter(shop_id=point.shop_id, address_hash__in=_hashes(point)).delete()


def _hashes(point: ContactPoint, also: Iterable[str] = ()) -> list[str]:
    """Under every key: a key that was rotated still finds what was written with it."""
    return [one for name in _names(point, also) for one in keyed_hashes(name)]


def _names(point: ContactPoint, also: Iterable[str] = ()) -> list[str]:
    """Every way to write to this person on this network. Phones are one name with and without the plus."""
    aliases = point.aliases.values_list("address", flat=True)
    addresses = {_plain(address) for address in (point.address, point.phone, *aliases, *also) if address}
    return sorted(f"{point.shop_id}\0{point.kind}\0{point.account_id}\0{address}" for address in addresses)


def _plain(address: str) -> str:
    return address.strip().lower().removeprefix("+")
