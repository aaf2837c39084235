"""What the shopper reads, in a phone: from what is typed now, for a real order or one of which little is known."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from post_purchase.channels.sms_length import segments, sms_words
from post_purchase.flows import paths
from post_purchase.flows.definition import DocumentError
from post_purchase.flows.preview import PreviewMessage, preview
from post_purchase.words import ChannelKind
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import draw
from .flow_editor import PHONES, flow_names, typed
from .flow_texts import order_of
from .flows import flow_of


@shop_required
@require_POST
def preview_step(request: ShopRequest, pk: int, step: str) -> HttpResponse:
    """The phone, drawn from what is typed now. Nothing is saved, nothing is sent."""
    row = flow_of(request, pk)
    language, kind = request.POST.get("language", "en")[:16], request.POST.get("phone", "")
    kind = kind if kind in dict(PHONES) else ChannelKind.WHATSAPP.value
    if step in paths.steps_of(row.draft):
        row.draft, _ = typed(row.draft, step, request.POST, language, flow_names(row))
    sparse, trouble = request.POST.get("known") == "little", ""
    try:
        messages = preview(row, language, order_of(request), step=step, sparse=sparse, channel=kind)
    except DocumentError as error:
        messages, trouble = [], str(error.problems[0])
    return HttpResponse(draw(
        request, "parts/flow_phone.html", messages=messages, trouble=trouble,
        phone=kind, dark=request.POST.get("light") == "dark",
        name=request.shop.name or request.shop.domain, segments=[segments(sms_text(one)) for one in messages],
    ))  # fmt: skip


def sms_text(message: PreviewMessage) -> str:
    """As a network without buttons would write it: numbered lines."""
    return sms_words(message.text, message.buttons)
