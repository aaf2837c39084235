"""Texts that the team keeps for its answers."""

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from post_purchase.models import SavedReply
from post_purchase.services.composing import KEPT, MOST_SAVED, VARIABLES
from post_purchase.web.forms.inbox import SavedReplyForm
from shopapp.lib import clock

from .answers import page, refused, saved
from .inbox_door import InboxRequest, agent_required, member_required

TAKEN = "There is one with this name already."


@member_required
@require_GET
def saved_replies(request: InboxRequest) -> HttpResponse:
    rows = list(request.shop.saved_replies.filter(Q(deleted_at=None) | Q(deleted_at__gt=clock.now() - KEPT)))
    rows.sort(key=lambda row: (row.name, row.pk))
    return page(
        request,
        "pages/saved_replies.html",
        me=request.member,
        rows=[row for row in rows if row.deleted_at is None],
        deleted=[row for row in rows if row.deleted_at is not None],
        variables=VARIABLES,
    )


@agent_required
def add(request: InboxRequest) -> HttpResponse:
    if request.shop.saved_replies.filter(deleted_at=None).count() >= MOST_SAVED:
        return refused(f"There are {MOST_SAVED} already. Delete one that nobody uses.")
    return _save(request, SavedReply(shop=request.shop), "Added")


@agent_required
def change(request: InboxRequest, pk: int) -> HttpResponse:
    return _save(request, get_object_or_404(request.shop.saved_replies, pk=pk, deleted_at=None), "Saved")


@agent_required
def delete(request: InboxRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(request.shop.saved_replies, pk=pk)
    row.deleted_at = row.deleted_at or clock.now()
    row.save(update_fields=["deleted_at"])
    return saved(f"Deleted. For {KEPT.days} days you can bring it back at the end of this page.")


@agent_required
def restore(request: InboxRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(request.shop.saved_replies, pk=pk)
    row.deleted_at = None
    try:
        with transaction.atomic():
            row.save(update_fields=["deleted_at"])
    except IntegrityError:
        return refused("There is a new one with this name. Give that another name first.")
    return saved("It is back")


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
