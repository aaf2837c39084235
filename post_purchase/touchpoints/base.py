"""The face that every kind of touchpoint has: its name, and what the merchant copies or downloads to place it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from post_purchase.words import TouchpointKind


@dataclass(frozen=True)
class Placing:
    """What a kind needs to tell the merchant what to do.

    `link_url` is the address of the shop-wide link (`https://host/c/CODE`), `link_key` is ShopSettings.link_key.
    """

    app_url: str
    link_url: str
    link_key: str
    shop_name: str
    color: str = "#1f6f5c"
    text: str = ""  # the merchant's own words on the button or the card; empty: the kind's
    texts: Mapping[str, str] = field(default_factory=dict)  # by language, for a kind that chooses when it is shown


@dataclass(frozen=True)
class Snippet:
    """Something to copy. `steps` are the merchant's, in order, in plain words."""

    code: str
    language: str  # liquid, html
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Download:
    name: str  # file name
    media_type: str
    data: bytes


class TouchpointKindBase(ABC):
    kind: ClassVar[TouchpointKind]
    default_name: ClassVar[str]
    help: ClassVar[str]  # one sentence for the merchant
    made_with_shop: ClassVar[bool] = True
    blocks: ClassVar[tuple[str, ...]] = ()  # at Shopify, each of which places it: see web/pages/home.Block
    shop_wide: ClassVar[bool] = False  # one printed code for everybody, not one per order

    @abstractmethod
    def steps(self) -> tuple[str, ...]:
        """How the merchant places it."""

    def snippet(self, placing: Placing) -> Snippet | None:
        """What to copy, where there is something to copy."""
        return None

    def downloads(self, placing: Placing) -> tuple[str, ...]:
        """The formats that `download` makes."""
        return ()

    def download(self, placing: Placing, form: str) -> Download:
        """A file to print. Raises KeyError for a format that `downloads` does not name."""
        raise KeyError(form)
