"""What we hold about a person: collected for an export, or erased. Numbers (ratings, scans, counts, sums) stay."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import Q

from post_purchase.models import (
    Attachment,
    ConsentSync,
    Contact,
    ContactPoint,
    Conversation,
    DeliveryAttempt,
    FlowEvent,
    FlowRun,
    HeldEvent,
    Link,
    Message,
    Note,
    Order,
    OrderBinding,
    OutgoingCall,
    Parcel,
    ParcelEvent,
    PrivacyRequest,
    ProviderStatus,
    RequestedAction,
    Review,
    RunEvent,
    RunStatus,
    TeamAlert,
    Timer,
)
from post_purchase.words import EventKind, MessageStatus
from shopapp.lib import clock
from shopapp.models import IncomingWebhook, Shop, ShopStatus, WebhookSource

from .contacts import e164
from .events import record_event
from .file_removal import remove, remove_due
from .inbox_states import forget_persons
from .print_designs import folder_of
from .publications import reviews_changed
from .suppressions import keep_stops

ERASED = "The shopper's data was erased"
PAGE = 200  # bodies read at once
GRACE = timedelta(hours=48)  # shop/redact comes 48 hours after the uninstall (Shopify, privacy law compliance)


@dataclass(frozen=True)
class Person:
    """Whom Shopify means. Any part may be missing."""

    shop: Shop
    customer_id: int | None = None
    order_ids: tuple[int, ...] = ()
    email: str = ""
    phone: str = ""
    contact_ids: tuple[int, ...] = ()


def contacts_of(person: Person) -> list[Contact]:
    """Every contact that is this person: by customer id, address, number, orders, and what was merged into them."""
    shop = person.shop
    wanted = Q(pk__in=person.contact_ids)
    if person.customer_id is not None:
        wanted |= Q(shopify_customer_id=person.customer_id)
    if person.order_ids:
        wanted |= Q(orders__shopify_id__in=person.order_ids)
        wanted |= Q(points__bindings__order__shopify_id__in=person.order_ids)
    if person.email:
        wanted |= Q(points__address=person.email.strip().lower())
    number = e164(person.phone, country=shop.country) if person.phone else ""
    if number:
        forms = (number, number.lstrip("+"))
        wanted |= Q(points__phone__in=forms) | Q(points__address__in=forms) | Q(points__aliases__address__in=forms)
    found: set[int] = set()
    new = set(Contact.objects.filter(wanted, shop=shop).values_list("pk", flat=True))
    while new:
        found |= new
        near = Q(merged_into__in=new) | Q(merged_from__in=new) | Q(points__bindings__order__contact__in=new)
        new = set(Contact.objects.filter(near, shop=shop).values_list("pk", flat=True)) - found
    return list(Contact.objects.filter(pk__in=found).order_by("pk"))


def orders_of(person: Person, contacts: list[Contact]) -> "models.QuerySet[Order]":
    wanted = Q(contact__in=contacts) | Q(shopify_id__in=person.order_ids)
    if person.email:
        wanted |= Q(email=person.email.strip().lower())
    return Order.objects.filter(wanted, shop=person.shop)


def erase_person(person: Person) -> tuple[int, int]:
    """Remove everything personal. Returns how many contacts and orders were erased. Repeating it is harmless."""
    with transaction.atomic():
        contacts = contacts_of(person)
        orders = list(orders_of(person, contacts))
        addresses = _addresses(person, contacts, orders)
        subjects = _subjects(person, contacts, orders)
        _erase_runs(contacts, orders)
        reviewed = _reviewed_products(person.shop, contacts, orders)
        remove(_erase_talk(contacts))
        _erase_orders(orders)
        for contact in contacts:
            _erase_contact(contact)
        for product_id in reviewed:
            reviews_changed(shop=person.shop, product_id=product_id)
    remove_due()
    _erase_webhooks(person.shop, subjects, addresses)
    return len(contacts), len(orders)


def erase_shop(*, shop: Shop, requested_at: datetime) -> str:
    """shop/redact: delete the shop with all its rows and files, unless it has the app again. Returns what was done."""
    if shop.status != ShopStatus.UNINSTALLED:
        sign_of_life = max(moment for moment in (shop.installed_at, shop.token_pair_saved_at) if moment)
        if sign_of_life > requested_at - GRACE:
            return f"Kept: the shop has the app (installed on {shop.installed_at:%Y-%m-%d})"
    files = _files(Attachment.objects.filter(message__shop=shop))
    with transaction.atomic():
        raw = IncomingWebhook.objects.filter(source=WebhookSource.SHOPIFY, account=shop.domain)
        raw.exclude(topic="shop/redact").delete()
        # Of the networks' news, what was read goes with the shop's own row.
        _delete_those_that_name(IncomingWebhook.objects.filter(_unclaimed()), _accounts(shop))
        PrivacyRequest.objects.filter(shop=shop).update(export="")
        FlowRun.objects.filter(shop=shop).delete()  # versions are protected while runs point at them
        remove(files, folders=[folder_of(shop.pk)])  # print runs, logos, pictures of guides
        shop.delete()
    remove_due()
    return "Erased: the shop with everything stored about it"


def _addresses(person: Person, contacts: list[Contact], orders: list[Order]) -> set[str]:
    """What finds this person in raw webhooks: their ids and addresses on any network, and their orders' ids."""
    points = ContactPoint.objects.filter(contact__in=contacts)
    found = set(points.values_list("address", flat=True)) | set(points.values_list("phone", flat=True))
    found |= set(points.values_list("aliases__address", flat=True)) - {None}
    found |= {person.email, person.phone} | {order.email for order in orders} | {order.phone for order in orders}
    found |= {str(order.shopify_id) for order in orders} | {str(each) for each in person.order_ids}
    found |= {str(contact.shopify_customer_id) for contact in contacts if contact.shopify_customer_id}
    if person.customer_id:
        found.add(str(person.customer_id))
    found |= {address.lstrip("+") for address in found}
    return {address for address in found if len(address) >= 5}


def _erase_runs(contacts: list[Contact], orders: list[Order]) -> None:
    now = clock.now()
    runs = FlowRun.objects.filter(Q(contact__in=contacts) | Q(order__in=orders))
    RunEvent.objects.filter(run__in=runs).update(event={}, facts={}, effects=[])
    Timer.objects.filter(run__in=runs).delete()
    HeldEvent.objects.filter(run__in=runs).delete()
    calls = OutgoingCall.objects.filter(Q(contact__in=contacts) | Q(run__in=runs))
    calls.filter(status=OutgoingCall.Status.PENDING).update(
        status=OutgoingCall.Status.FAILED, next_attempt_at=None, finished_at=now, error=ERASED
    )
    calls.update(body={})
    runs.filter(status=RunStatus.ACTIVE).update(status=RunStatus.ENDED, ended_reason=ERASED, ended_at=now)
    runs.update(state={}, waiting_for="")
    FlowEvent.objects.filter(Q(contact__in=contacts) | Q(order__in=orders)).update(data={}, next_attempt_at=None)


def _erase_talk(contacts: list[Contact]) -> list[str]:
    """Messages become empty rows, photos go. Returns the files to delete after the commit."""
    messages = Message.objects.filter(contact__in=contacts)
    attachments = Attachment.objects.filter(message__in=messages)
    files = _files(attachments)
    attachments.delete()
    messages.filter(status__in=(MessageStatus.QUEUED, MessageStatus.HELD)).update(
        status=MessageStatus.SUPPRESSED, reason=ERASED
    )
    Note.objects.filter(conversation__contact__in=contacts).update(text="")
    ProviderStatus.objects.filter(message__in=messages).delete()
    DeliveryAttempt.objects.filter(message__in=messages).update(provider_id="", error="")
    for message in messages.only("pk"):  # a dedupe key may hold the network's id, and that id may hold the number
        Message.objects.filter(pk=message.pk).update(dedupe_key=f"erased:{message.pk}")
    messages.filter(status=MessageStatus.FAILED).update(reason=ERASED)  # it held the network's own words
    messages.update(content={}, text="", provider_id="", detour="", next_attempt_at=None)
    Conversation.objects.filter(contact__in=contacts).update(
        last_text="", hand_off_reason="", handed_off_at=None, answer_promised_at=None, unread=0, closed_at=clock.now()
    )
    TeamAlert.objects.filter(conversation__contact__in=contacts).delete()
    RequestedAction.objects.filter(conversation__contact__in=contacts).delete()
    forget_persons(conversations=Conversation.objects.filter(contact__in=contacts))
    Review.objects.filter(contact__in=contacts).update(author_name="", text="", contact=None)
    return files


def _reviewed_products(shop: Shop, contacts: list[Contact], orders: list[Order]) -> set[int]:
    """Whose pages show words or photos of this person."""
    theirs = Review.objects.filter(Q(contact__in=contacts) | Q(order__in=orders), shop=shop).exclude(product_id=None)
    return {product_id for product_id in theirs.values_list("product_id", flat=True) if product_id}


def _erase_orders(orders: list[Order]) -> None:
    rows = Order.objects.filter(pk__in=[order.pk for order in orders])
    rows.update(
        email="",
        phone="",
        shipping_city="",
        shipping_zip="",
        status_url="",
        confirmation_number="",
        checkout_token_hash="",
        redacted_at=clock.now(),
    )
    Parcel.objects.filter(order__in=rows).update(tracking_number="", tracking_url="")
    ParcelEvent.objects.filter(parcel__order__in=rows).update(message="", city="")
    OrderBinding.objects.filter(order__in=rows).delete()
    RequestedAction.objects.filter(order__in=rows).delete()  # also asked by somebody else; it may name an address
    Link.objects.filter(order__in=rows).update(expires_at=clock.now())
    Review.objects.filter(order__in=rows).update(author_name="", text="")


def _erase_contact(contact: Contact) -> None:
    """All that is left of their addresses is an unreadable trace of a STOP: otherwise the next order undoes it."""
    keep_stops(contact.points.all())
    contact.consent_entries.all().delete()
    contact.choices.all().delete()
    if contact.shopify_customer_id is not None:
        ConsentSync.objects.filter(shop_id=contact.shop_id, customer_id=contact.shopify_customer_id).delete()
    contact.points.all().delete()
    Contact.objects.filter(pk=contact.pk).update(
        shopify_customer_id=None,
        first_name="",
        last_name="",
        language="",
        country="",
        province="",
        timezone="",
        chosen_language="",
        preferred_kind="",
        quiet_from=None,
        quiet_until=None,
        tags=[],
        fields={},
        redacted_at=contact.redacted_at or clock.now(),
    )
    record_event(
        shop=contact.shop,
        kind=EventKind.CONTACT_REDACTED,
        key=f"{EventKind.CONTACT_REDACTED}:{contact.pk}",
        contact=contact,
    )


def _subjects(person: Person, contacts: list[Contact], orders: list[Order]) -> set[str]:
    """As jobs.webhooks writes them beside Shopify's news."""
    numbers = {order.shopify_id for order in orders} | set(person.order_ids)
    customers = {contact.shopify_customer_id for contact in contacts} | {person.customer_id}
    return {f"order:{number}" for number in numbers} | {f"customer:{number}" for number in customers if number}


def _erase_webhooks(shop: Shop, subjects: set[str], addresses: set[str]) -> None:
    """Raw news that has been read and names the person. Shopify's is found by its subject, without reading a body;
    the networks' only among the shop's own. A network's may hold other people too, but it is read already.
    """
    IncomingWebhook.objects.filter(
        source=WebhookSource.SHOPIFY, account=shop.domain, subject__in=subjects, next_attempt_at=None
    ).delete()
    needles = [address.lower().encode() for address in addresses]  # mails say Maria@Example.com, we keep it small
    parked = Q(parked_at__isnull=False, source=WebhookSource.SHOPIFY, account=shop.domain, subject="")
    for rows in (Q(shop=shop), parked, _unclaimed()):
        _delete_those_that_name(IncomingWebhook.objects.filter(rows, next_attempt_at=None), needles)


def _unclaimed() -> Q:
    """The networks' news whose row does not say whose it is: parked before it was understood, or a mail."""
    networks = ~Q(source=WebhookSource.SHOPIFY) & Q(shop=None)
    return networks & (Q(parked_at__isnull=False) | Q(source=WebhookSource.EMAIL))


def _accounts(shop: Shop) -> list[bytes]:
    """What names a channel of this shop in the networks' news."""
    names = shop.channels.values_list("account_id", "options__waba_id")
    return [str(name).lower().encode() for row in names for name in row if name and len(str(name)) >= 5]


def _delete_those_that_name(rows: "models.QuerySet[IncomingWebhook]", needles: list[bytes]) -> None:
    last = 0
    while True:
        page = list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "body")[:PAGE])
        if not page:
            return
        last = page[-1][0]
        named = [pk for pk, body in page if _names_one_of(bytes(body).lower(), needles)]
        IncomingWebhook.objects.filter(pk__in=named).delete()


def _names_one_of(body: bytes, needles: list[bytes]) -> bool:
    return any(needle in body for needle in needles)


def _files(attachments: "models.QuerySet[Attachment]") -> list[str]:
    return [path for pair in attachments.values_list("file", "thumbnail") for path in pair if path]
