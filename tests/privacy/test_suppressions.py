"""Somebody said STOP, had everything erased, and comes back: still nothing is sent, and nothing readable was kept."""

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from post_purchase.channels.base import Inbound
from post_purchase.models import ConsentEntry, ContactPoint, Order, Suppression
from post_purchase.services import consent
from post_purchase.services.conversations import receive
from post_purchase.services.privacy import Person, erase_person, erase_shop
from shopapp.lib import clock
from shopapp.lib.crypto import keyed_hashes
from shopapp.models import Shop, ShopStatus
from tests.factories import make_channel, make_shop
from tests.shopify_door import deliver, payload

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BSUID, PHONE = "DE.1349120865530274", "4915112345678"


@pytest.fixture
def at():
    with clock.frozen(NOON) as at:
        yield at


@pytest.fixture
def shop(at) -> Shop:
    return make_shop()


def writes(channel, text: str, number: int, address: str = BSUID, aliases: tuple[str, ...] = (PHONE,)) -> ContactPoint:
    inbound = Inbound(
        account_id=channel.account_id,
        address=address,
        aliases=aliases,
        phone=f"+{PHONE}" if PHONE in aliases else "",
        profile_name="Maria",
        provider_id=f"wamid.{number}",
        text=text,
        happened_at=clock.now(),
    )
    message = receive(channel=channel, inbound=inbound)
    assert message is not None
    return message.point


def erase(shop: Shop) -> None:
    erase_person(Person(shop=shop, phone=f"+{PHONE}"))
    assert not ContactPoint.objects.filter(kind="whatsapp").exists()
    assert not ConsentEntry.objects.exists()


def states(point: ContactPoint) -> dict[str, str]:
    return {str(purpose): state for purpose, state in consent.newest_states([point])[point.pk].items()}


def test_a_stop_still_counts_when_the_address_comes_back(shop: Shop) -> None:
    channel = make_channel(shop)
    writes(channel, "STOP", 1)
    erase(shop)
    point = writes(channel, "Hello", 2)
    assert states(point) == {
        "service": "granted",  # an answer to what they have just written, as after any STOP
        "utility": "withdrawn",
        "review_request": "withdrawn",
        "marketing": "withdrawn",
    }
    assert consent.has_stopped(point)


@pytest.mark.parametrize(
    ("address", "aliases"), [(PHONE, ()), ("DE.999", (PHONE,)), (BSUID, ())], ids=["phone", "new id", "same id"]
)
def test_every_name_of_the_person_is_remembered(shop: Shop, address: str, aliases: tuple[str, ...]) -> None:
    channel = make_channel(shop)
    writes(channel, "STOP", 1)
    erase(shop)
    assert consent.has_stopped(writes(channel, "Hello", 2, address, aliases))


def test_a_name_that_is_told_later_brings_the_stop_with_it(shop: Shop) -> None:
    channel = make_channel(shop)
    writes(channel, "STOP", 1, PHONE, ())
    erase(shop)
    assert not consent.has_stopped(writes(channel, "Hello", 2, BSUID, ()))
    assert consent.has_stopped(writes(channel, "Are you there?", 3, BSUID, (PHONE,)))


def test_the_address_of_an_order_that_comes_back_stays_stopped(shop: Shop) -> None:
    deliver("orders/create", payload("order"))
    point = ContactPoint.objects.get(kind="email")
    consent.record_consent(
        point=point, purpose="marketing", state="withdrawn", method="one_click", dedupe_key="unsubscribed"
    )
    erase_person(Person(shop=shop, email="maria@example.com"))
    deliver("orders/create", payload("order", id=2, name="#1002", checkout_token="other", email="MARIA@example.com"))
    assert states(ContactPoint.objects.get(kind="email")) == {"marketing": "withdrawn"}


def test_nothing_readable_is_kept(shop: Shop) -> None:
    writes(make_channel(shop), "STOP", 1)
    erase(shop)
    rows = list(Suppression.objects.values())
    assert len(rows) == 2  # the id and the number
    assert all(PHONE not in str(row) and BSUID not in str(row) for row in rows)


def test_the_hash_needs_the_key_and_an_old_key_still_finds_it(shop: Shop, settings) -> None:
    channel = make_channel(shop)
    writes(channel, "STOP", 1)
    erase(shop)
    old, new = settings.FIELD_KEYS, [Fernet.generate_key().decode()]
    settings.FIELD_KEYS = [*new, *old]
    assert consent.has_stopped(writes(channel, "Hello", 2))
    settings.FIELD_KEYS = new
    assert not set(keyed_hashes(PHONE)) & set(_with(settings, old))


def _with(settings, keys: list[str]) -> list[str]:
    settings.FIELD_KEYS = keys
    return keyed_hashes(PHONE)


def test_start_ends_it_for_good(shop: Shop) -> None:
    channel = make_channel(shop)
    writes(channel, "STOP", 1)
    erase(shop)
    assert consent.has_stopped(writes(channel, "Hello", 2))
    assert not consent.has_stopped(writes(channel, "START", 3))
    assert Suppression.objects.count() == 0
    erase(shop)
    assert not consent.has_stopped(writes(channel, "Hello", 4))


def test_a_person_who_never_stopped_leaves_nothing(shop: Shop) -> None:
    channel = make_channel(shop)
    writes(channel, "Hello", 1)
    erase(shop)
    assert Suppression.objects.count() == 0


def test_a_stop_at_one_shop_is_none_at_another(shop: Shop) -> None:
    writes(make_channel(shop), "STOP", 1)
    erase(shop)
    other = make_channel(make_shop("other.myshopify.com"), account_id="222222")
    assert not consent.has_stopped(writes(other, "Hello", 2))


def test_the_shops_own_erasure_takes_it_along(shop: Shop) -> None:
    writes(make_channel(shop), "STOP", 1)
    erase(shop)
    Shop.objects.update(status=ShopStatus.UNINSTALLED)
    erase_shop(shop=Shop.objects.get(), requested_at=NOON)
    assert (Suppression.objects.count(), Order.objects.count()) == (0, 0)
