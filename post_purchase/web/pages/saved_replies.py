"""Texts that the team keeps for its answers."""

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from post_purchase.models import SavedReply
from post_purchase.services.composing import MOST_SAVED, VARIABLES
from post_purchase.web.forms.inbox import SavedReplyForm

from .answers import page, refused, saved
from .inbox_door import InboxRequest, agent_required, member_required

TAKEN = "There is one with this name already."


@member_required
@require_GET
def saved_replies(request: InboxRequest) -> HttpResponse:
    return page(
        request,
        "pages/saved_replies.html",
        me=request.member,
        rows=list(request.shop.saved_replies.order_by("name", "pk")[:MOST_SAVED]),
        variables=VARIABLES,
    )


@agent_required
def add(request: InboxRequest) -> HttpResponse:
    if request.shop.saved_replies.count() >= MOST_SAVED:
        return refused(f"There are {MOST_SAVED} already. Delete one that nobody uses.")
    return _save(request, SavedReply(shop=request.shop), "Added")


@agent_required
def change(request: InboxRequest, pk: int) -> HttpResponse:
    return _save(request, get_object_or_404(request.shop.saved_replies, pk=pk), "Saved")


@agent_required
def delete(request: InboxRequest, pk: int) -> HttpResponse:
    get_object_or_404(request.shop.saved_replies, pk=pk).delete()
    return saved("Deleted")


def _save(request: InboxRequest, row: SavedReply, done: str) -> HttpResponse:
    form = SavedReplyForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    row.name, row.text = form.cleaned_data["name"], form.cleaned_data["text"]
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return refused(errors={"name": TAKEN})
    return saved(done)
