"""A member of staff's own chat becomes the place for tests: they send a code from their phone to the shop's account.

The message with the code, "test", and taps on tests are taken here, before anything is stored. All else that the same
person writes is treated like any shopper's, so that they can try the real thing too.
"""

import re
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from post_purchase.channels.base import Inbound
from post_purchase.channels.registry import driver_for
from post_purchase.models import Channel, ChannelStatus, Tester
from post_purchase.words import ChannelKind
from shopapp.lib import clock
from shopapp.lib.crypto import derived_code, hash_code, new_code
from shopapp.models import Shop

KINDS = (ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.INSTAGRAM, ChannelKind.TELEGRAM, ChannelKind.SMS)
GOOD_FOR = timedelta(minutes=15)
TAP = "test:"  # before the id of each tap of a test
AGAIN = "test"  # the word that opens a network's 24 hours anew
_CODE = re.compile(r"\bTEST-([0-9A-Z]{5})-([0-9A-Z]{5})\b", re.IGNORECASE | re.ASCII)


def channels_for_tests(shop: Shop) -> QuerySet[Channel]:
    return shop.channels.filter(kind__in=KINDS, status=ChannelStatus.ACTIVE).order_by("kind", "pk")


@transaction.atomic
def ask_for_code(*, channel: Channel, user: str) -> Tester:
    """A new code for this member of staff; a chat that was connected here before is forgotten."""
    Tester.objects.filter(channel=channel, user=user).delete()
    tester = Tester(shop_id=channel.shop_id, channel=channel, user=user, seed=new_code())
    tester.code_hash, tester.expires_at = hash_code(code_of(tester)), clock.now() + GOOD_FOR
    tester.save()
    return tester


def code_of(tester: Tester) -> str:
    code = derived_code("tester", tester.seed)
    return f"TEST-{code[:5]}-{code[5:10]}"


def link_of(tester: Tester) -> str:
    """What opens the chat with the code, where the network has such links."""
    code = code_of(tester)
    return driver_for(tester.channel.kind).entry_url(channel=tester.channel, code=code, text=code)


def forget(*, tester: Tester) -> None:
    tester.delete()


def take(*, channel: Channel, inbound: Inbound) -> bool:
    """Is this message a tester's code, or their answer to a test? It is then done with: nothing of it is stored."""
    if channel.kind not in KINDS:
        return False
    found = _CODE.search(inbound.entry_code) or _CODE.search(inbound.text[:300])
    if found:
        return _bind(channel, inbound, "".join(("TEST", *found.groups())))
    if not inbound.button_id.startswith(TAP) and inbound.text.strip().casefold() != AGAIN:
        return False
    mine = Tester.objects.filter(channel=channel, address__in=[inbound.address, *inbound.aliases])
    return bool(mine.exclude(address="").update(last_inbound_at=inbound.happened_at))


def _bind(channel: Channel, inbound: Inbound, code: str) -> bool:
    """The first chat that sends the code; it may come twice. Late, or from another chat: not ours."""
    tester = Tester.objects.filter(channel=channel, code_hash=hash_code(code)).first()
    if tester is None or not inbound.address:
        return False
    if tester.address:
        return tester.address == inbound.address
    if tester.expires_at < clock.now():
        return False
    try:
        with transaction.atomic():
            Tester.objects.filter(channel=channel, address=inbound.address).exclude(pk=tester.pk).delete()
            return bool(
                Tester.objects.filter(pk=tester.pk, address="").update(
                    address=inbound.address[:190],
                    profile_name=inbound.profile_name[:120],
                    last_inbound_at=inbound.happened_at,
                )
            )
    except IntegrityError:  # the same callback, handled by two workers at once
        return True
