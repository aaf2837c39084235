"""Finding the shop's own conversation."""

from django.shortcuts import get_object_or_404

from post_purchase.models import Conversation
from shopapp.web.embedded import ShopRequest


def conversation_of(request: ShopRequest, pk: int) -> Conversation:
    rows = request.shop.conversations.select_related("contact", "order", "shop__settings")
    return get_object_or_404(rows, pk=pk)
