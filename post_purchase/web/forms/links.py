"""The button with a link of a message: to a page that we know, or to an address of the merchant's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from post_purchase.flows.describing import readable

MOST = 500  # characters of an address
OWN = "own"
# Not the order's own status page: it logs its buyer in, and a card in the parcel is no proof (services/answers).
LINKS: Mapping[str, str] = {
    "": "No button",
    "{{ parcel.tracking_url }}": "Where the parcel is: the carrier's page",
    "{{ shop.url }}/account": "Their orders: your shop's account page",
    "{{ products[0].url }}": "The product that a step before has found",
    "{{ products[0].cart_url | default: products[0].url }}": "A cart with that product",
    "{{ guide.video_url }}": "The guide's video",
    "{{ shop.url }}": "Your shop",
    OWN: "An address of yours",
}


@dataclass
class LinkInput:
    name: str  # of the choice; the address of one's own: name + ".own"
    options: list[tuple[str, str, bool]]  # (value, words, chosen)
    own: str = ""


def input_of(message: str, url: str) -> LinkInput:
    chosen = url if url in LINKS else OWN if url.startswith("https://") else url
    known = dict(LINKS) if chosen in LINKS else {**LINKS, url: readable(url)}
    options = [(value, words, value == chosen) for value, words in known.items()]
    return LinkInput(f"messages.{message}.url", options, url if chosen == OWN else "")


def read(spec: dict[str, Any], link: LinkInput, data: Mapping[str, str]) -> dict[str, str]:
    """Puts what was chosen into the message; what is wrong with it, by field."""
    chosen = data.get(link.name)
    if chosen is None or chosen not in [value for value, _, _ in link.options]:
        return {}
    url = data.get(f"{link.name}.own", "").strip() if chosen == OWN else chosen
    if chosen == OWN and (why := why_unfit(url)):
        return {f"{link.name}.own": why}
    if url:
        spec["url"] = url
    else:
        spec.pop("url", None)
    return {}


def why_unfit(url: str) -> str:
    """ "" where a shopper can be sent there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "Write an address like https://your-shop.com/page."
    plain = url.isprintable() and not any(char in url for char in " {}<>\"'\\") and len(url) <= MOST
    if parts.scheme != "https" or "." not in host or "@" in parts.netloc or not plain:
        return "Write an address like https://your-shop.com/page."
    return ""
