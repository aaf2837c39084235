"""Who works in the inbox: names for Shopify's ids, and roles."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import MemberRole
from post_purchase.services.members import change_member
from post_purchase.web.forms.inbox import MemberForm, OwnAddressForm

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
    said = form.cleaned_data
    trouble = change_member(member=member, name=said["name"].strip(), role=said["role"], email=said["email"])
    return refused(errors={"role": trouble}) if trouble else saved("Saved")


@member_required
@require_POST
def own_address(request: InboxRequest) -> HttpResponse:
    """Also who may only read says where their own mail goes."""
    form = OwnAddressForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    request.member.email = form.cleaned_data["email"]
    request.member.save(update_fields=["email"])
    return saved("Saved")
