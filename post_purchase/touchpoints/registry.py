"""Every kind of touchpoint. A new one is one file in kinds/ and one line here."""

from post_purchase.words import TouchpointKind

from .base import TouchpointKindBase
from .kinds.email_button import EmailButton
from .kinds.order_status_page import OrderStatusPage
from .kinds.package_insert import PackageInsert
from .kinds.packing_slip import PackingSlip
from .kinds.storefront import Storefront
from .kinds.thank_you_page import ThankYouPage

KINDS: dict[TouchpointKind, TouchpointKindBase] = {
    kind.kind: kind
    for kind in (
        ThankYouPage(),
        OrderStatusPage(),
        EmailButton(),
        PackageInsert(),
        PackingSlip(),
        Storefront(),
    )
}


def kind_of(kind: str) -> TouchpointKindBase:
    return KINDS[TouchpointKind(kind)]
