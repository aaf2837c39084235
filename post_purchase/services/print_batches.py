"""Print runs in which every code is different, and the cards of the print action, each for one order."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from post_purchase.models import Link, Order, PrintBatch, PrintFile, PrintForm, PrintStatus, Touchpoint
from post_purchase.printing.sheets import PrintRefused, sheet_for, write_pdf
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from shopapp.lib.crypto import derived_code, hash_code, new_code
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

from .links import link_for_order, link_url, renew, touchpoint_of
from .print_designs import check_design, default_words, design_of, languages_of, sample_url, snapshot
from .products import collections_with

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MOST = 50_000  # codes a batch
MOST_OPEN = 5  # files of one shop that wait or are being made
MOST_ORDERS = 250  # of one print action; Shopify's lists select 50 to 250
NOWHERE: Mapping[int, set[int]] = {}
AT_ONCE = 1000  # rows in one transaction


@dataclass(frozen=True)
class Inserts:
    """What the print action shows. `missing`: order ids that are not here (yet)."""

    pdf: bytes
    printed: int
    missing: tuple[str, ...]


@transaction.atomic
def create_batch(
    *,
    touchpoint: Touchpoint,
    quantity: int,
    name: str,
    form: str,
    language: str = "",
    paper: str = "",
    marks: bool = False,
) -> PrintBatch:
    """Order a print run and its first file. `language`: of its words; empty: the shop's own.

    Raises PrintRefused where the card would not be read in that language, cannot be cut, or too many are being made.
    """
    if not 1 <= quantity <= MOST:
        raise PrintRefused(f"A batch has 1 to {MOST:,} cards.")
    language = language or languages_of(touchpoint)[0]
    checked = check_design(touchpoint, language=language)
    if not checked.passed:
        raise PrintRefused(" ".join(checked.problems))
    sheet_for(design_of(touchpoint).layout, paper=paper, marks=marks)
    batch = PrintBatch.objects.create(
        touchpoint=touchpoint,
        name=name,
        quantity=quantity,
        secret=new_code() + new_code(),
        design=snapshot(touchpoint, language=language),
    )
    order_file(batch=batch, form=form, paper=paper, marks=marks)
    return batch


@transaction.atomic
def order_file(*, batch: PrintBatch, form: str, paper: str = "", marks: bool = False) -> PrintFile:
    """Have a batch made as a file; one that is there, or being made, is not made again.

    Raises PrintRefused where the shop has too many under way: others wait for their cards too.
    """
    shop = Shop.objects.select_for_update(no_key=True).get(pk=batch.touchpoint.shop_id)
    plain = form != PrintForm.PDF  # pictures and lists know no sheets
    file, _ = PrintFile.objects.get_or_create(
        batch=batch, form=form, paper="" if plain else paper, marks=False if plain else marks
    )
    if file.status != PrintStatus.READY and file.next_attempt_at is None:
        waiting = PrintFile.objects.filter(batch__touchpoint__shop=shop, next_attempt_at__isnull=False).exclude(
            pk=file.pk
        )
        if waiting.count() >= MOST_OPEN:
            raise PrintRefused(f"{MOST_OPEN} files are being made already. Wait until one is ready, or stop one.")
        PrintFile.objects.filter(pk=file.pk).update(
            status=PrintStatus.WAITING, next_attempt_at=clock.now(), error="", attempts=0
        )
        file.refresh_from_db()
    wake(Job.MAKE_PRINTS)
    return file


def cancel_file(*, file: PrintFile) -> bool:
    """Stop: whoever makes it sees this at the next card. What is there of the batch's codes stays."""
    return bool(
        PrintFile.objects.filter(pk=file.pk, status__in=(PrintStatus.WAITING, PrintStatus.MAKING)).update(
            status=PrintStatus.CANCELLED, next_attempt_at=None
        )
    )


def resume_file(*, file: PrintFile) -> PrintFile:
    """Go on where it stopped: codes that are made are made, and so are the cards that are in the file."""
    return order_file(batch=file.batch, form=file.form, paper=file.paper, marks=file.marks)


def code_of(batch: PrintBatch, number: int) -> str:
    return derived_code("print", str(number), key=batch.secret)


def urls_of(batch: PrintBatch) -> Iterator[str]:
    return (link_url(code_of(batch, number)) for number in range(1, batch.quantity + 1))


def make_codes(batch: PrintBatch) -> bool:
    """The next rows of the batch; False when all are there. Two workers at once make each row once."""
    first = batch.made + 1
    last = min(batch.quantity, batch.made + AT_ONCE)
    if first > last:
        return False
    rows = [
        Link(
            shop_id=batch.touchpoint.shop_id,
            touchpoint=batch.touchpoint,
            batch=batch,
            number=number,
            code_hash=hash_code(code_of(batch, number)),
        )
        for number in range(first, last + 1)
    ]
    with transaction.atomic():
        Link.objects.bulk_create(rows, ignore_conflicts=True)
        PrintBatch.objects.filter(pk=batch.pk, made__lt=last).update(made=last)
    batch.made = last
    return last < batch.quantity


def insert_for_orders(shop: Shop, order_gids: Sequence[str]) -> Inserts:
    """One card a page for these orders, each in its shopper's language, with the code bound to the order.

    Raises PrintRefused where a card would not be read. Repeating it prints the same codes.
    """
    here, missing, groups = _grouped(shop, order_gids)
    pages: dict[int, tuple[PdfDocument, list[int]]] = {}
    for card, language, members in groups:
        _check(card, language)
        _print_group(card, language, members, pages)
    return Inserts(_joined(pages), len(here), missing)


def check_for_orders(shop: Shop, order_gids: Sequence[str]) -> None:
    """Raises PrintRefused where `insert_for_orders` would."""
    for card, language, _ in _grouped(shop, order_gids)[2]:
        _check(card, language)


def _check(card: Touchpoint, language: str) -> None:
    checked = check_design(card, language=language)
    if not checked.passed:
        raise PrintRefused(f"{card.name}: {' '.join(checked.problems)}")


Group = tuple[Touchpoint, str, list[tuple[int, Order]]]  # the card, its language, (place, order)


def _grouped(shop: Shop, order_gids: Sequence[str]) -> tuple[list[Order], tuple[str, ...], list[Group]]:
    """(the orders that are here, the others, what is printed together)"""
    wanted = list(dict.fromkeys(order_gids))
    if len(wanted) > MOST_ORDERS:
        raise PrintRefused(f"At most {MOST_ORDERS} orders can be printed at once.")
    numbers = {gid: _number(gid) for gid in wanted}
    found = Order.objects.filter(shop=shop, shopify_id__in=[n for n in numbers.values() if n], redacted_at=None)
    orders = {order.shopify_id: order for order in found.prefetch_related("lines")}
    here = [orders[number] for number in numbers.values() if number in orders]
    missing = tuple(gid for gid, number in numbers.items() if number not in orders)
    cards = list(Touchpoint.objects.filter(shop=shop, kind=TouchpointKind.PACKAGE_INSERT, archived_at=None))
    cards = sorted(cards, key=lambda card: card.pk) or [touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)]
    bought = {line.product_id for order in here for line in order.lines.all() if line.product_id}
    named = any(card.options.get("collection_id") for card in cards)
    collections = collections_with(shop=shop, shopify_ids=bought) if named else {}
    groups: dict[tuple[int, str], list[tuple[int, Order]]] = {}
    for place, order in enumerate(here):
        card = card_for(order, cards, collections)
        groups.setdefault((card.pk, _language(card, order)), []).append((place, order))
    by_pk = {card.pk: card for card in cards}
    return here, missing, [(by_pk[pk], language, members) for (pk, language), members in groups.items()]


def card_for(order: Order, cards: Sequence[Touchpoint], collections: Mapping[int, set[int]] = NOWHERE) -> Touchpoint:
    """The card of a product in the order, else of a collection, else the first that is for all, else the first.

    `collections`: product -> the collections that it is in.
    """
    products = {line.product_id for line in order.lines.all() if line.product_id}
    for card in cards:
        if card.options.get("product_id") in products:
            return card
    inside = {collection for product in products for collection in collections.get(product, ())}
    for card in cards:
        if not card.options.get("product_id") and card.options.get("collection_id") in inside:
            return card
    for_all = (card for card in cards if not card.options.get("product_id") and not card.options.get("collection_id"))
    return next(for_all, cards[0])


def _language(card: Touchpoint, order: Order) -> str:
    """The order's own where the card has words in it: the shop's languages, or ours where nobody has written any."""
    spoken = order.language.lower()
    ours = languages_of(card)
    if not card.options.get("texts"):
        ours = [*ours, *default_words()]
    return next((tag for tag in (spoken, spoken.split("-")[0]) if tag in ours), ours[0])


def _print_group(
    card: Touchpoint,
    language: str,
    members: list[tuple[int, Order]],
    pages: dict[int, tuple["PdfDocument", list[int]]],
) -> None:
    from pypdfium2 import PdfDocument  # noqa: PLC0415 - megabytes that only printing needs

    addresses = []
    for _, order in members:
        link, code = link_for_order(touchpoint=card, order=order)
        renew(link)
        addresses.append(link_url(code))
    out = io.BytesIO()
    design = design_of(card, language=language)
    notes = {url: order.name for url, (_, order) in zip(addresses, members, strict=True)}
    write_pdf(out, design, addresses, sample_url=sample_url(), alone=True, title=card.name, notes=notes)
    document = PdfDocument(out.getvalue())
    sides = len(document) // len(members)
    for at, (place, _) in enumerate(members):
        pages[place] = document, list(range(at * sides, (at + 1) * sides))


def _joined(pages: dict[int, tuple["PdfDocument", list[int]]]) -> bytes:
    """The pages in the order in which the orders were asked for."""
    from pypdfium2 import PdfDocument  # noqa: PLC0415 - megabytes that only printing needs

    if not pages:
        return b""
    whole = PdfDocument.new()
    for place in sorted(pages):
        document, numbers = pages[place]
        whole.import_pages(document, numbers)
    out = io.BytesIO()
    whole.save(out)
    return out.getvalue()


def _number(gid: str) -> int:
    digits = gid.rsplit("/", 1)[-1]
    return int(digits) if digits.isdigit() and len(digits) < 19 else 0
