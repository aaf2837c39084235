"""Who works in the inbox: names for Shopify's ids, and roles."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from post_purchase.models import MemberRole
from post_purchase.services.members import change_member
from post_purchase.web.forms.inbox import MemberForm

from .answers import page, refused, saved
from .inbox_door import InboxRequest, member_required, owner_required


@member_required
@require_GET
def team(request: InboxRequest) -> HttpResponse:
    return page(
        request,
        "pages/team.html",
        me=request.member,
        members=list(request.shop.members.order_by("joined_at", "pk")),
        roles=MemberRole.choices,
        may_change=request.member.role == MemberRole.OWNER,
    )


@owner_required
def change(request: InboxRequest, pk: int) -> HttpResponse:
    member = get_object_or_404(request.shop.members, pk=pk)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    trouble = change_member(member=member, name=form.cleaned_data["name"].strip(), role=form.cleaned_data["role"])
    return refused(errors={"role": trouble}) if trouble else saved("Saved")
