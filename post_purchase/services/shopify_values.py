"""What Shopify writes in many places, as values that our columns take: ids, money, quantities, languages, addresses."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict

from shopapp.lib.storable import FromOutside

_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")

# Far more than anybody buys, and what a column takes: a payload beyond it is kept, cut down, and stops nothing.
MAX_MONEY = Decimal("999999999999.99")
MAX_QUANTITY = 1_000_000
MAX_NUMBER = 2**63 - 1


def _money(amount: Decimal) -> Decimal:
    return max(-MAX_MONEY, min(amount, MAX_MONEY)).quantize(Decimal("0.01"))


Money = Annotated[Decimal, AfterValidator(_money)]
Quantity = Annotated[int, AfterValidator(lambda count: max(0, min(count, MAX_QUANTITY)))]


class ShopifyData(FromOutside):
    model_config = ConfigDict(extra="ignore", frozen=True)


def gid_number(gid: str) -> int:
    """gid://shopify/Order/42?x=y -> 42"""
    return int(gid.rsplit("/", 1)[-1].split("?")[0])


def language(tag: str | None) -> str:
    """A BCP 47 tag as the checkout had it ("pt-BR"), or "" where it is none."""
    if not tag or not _LANGUAGE.match(tag):
        return ""
    first, *rest = tag.replace("_", "-").split("-")
    return "-".join([first.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])[:16]


def web_address(url: str | None) -> str:
    """Only http and https, and not longer than its column: it becomes a link in messages and pages."""
    return url if url and url.startswith(("https://", "http://")) and len(url) <= 500 else ""


def count_of(value: Any) -> int:
    return max(0, min(int(value or 0), MAX_QUANTITY))


def decimal_of(value: Any) -> Decimal:
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def presentment(bag: dict[str, Any] | None, otherwise: Any = None) -> Decimal:
    """`presentmentMoney` (GraphQL) or `presentment_money` (REST) of a money bag."""
    money = (bag or {}).get("presentmentMoney") or (bag or {}).get("presentment_money")
    return decimal_of(money["amount"] if money else otherwise)
