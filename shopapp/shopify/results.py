"""What the Admin API gives, as types: `class GetShop(Result)`, then `AdminApi(shop).run("GetShop", result=GetShop)`.

Fields are written as in Python (`currency_code`) and read as Shopify writes them (`currencyCode`). Fields that are not
named are ignored. What this app may not be allowed to read (protected customer data) must be `| None`.
"""

from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from shopapp.lib.storable import FromOutside

SHOWN = 3  # of the places that do not fit


class Result(FromOutside):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class PageInfo(Result):
    has_next_page: bool
    end_cursor: str | None = None


def misfits(error: ValidationError) -> str:
    """`shop.name: Input should be a valid string`. Places and rules, never the values: they may be personal."""
    places = [
        f"{'.'.join(str(part) for part in each['loc']) or 'data'}: {each['msg']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return "; ".join(places[:SHOWN]) + more
