"""Who may do what in the inbox. A read-only member sees everything and changes nothing."""

from functools import wraps

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from post_purchase.models import Member, MemberRole
from post_purchase.services.members import member_of
from shopapp.web.embedded import ShopRequest, View, shop_required

from .answers import refused


class InboxRequest(ShopRequest):
    member: Member
    members: list[Member]  # everybody of the shop's team, by name


def member_required(view: View) -> View:
    """@shop_required, and `request.member`: made at their first look."""

    @shop_required
    @wraps(view)
    def guarded(request: InboxRequest, *args: object, **kwargs: object) -> HttpResponse:
        request.members = list(request.shop.members.order_by("name", "pk"))
        mine = next((member for member in request.members if member.user_id == request.shop_user), None)
        if mine is None:
            mine = member_of(shop=request.shop, user_id=request.shop_user)
            request.members.append(mine)
        request.member = mine
        return view(request, *args, **kwargs)

    return guarded


def agent_required(view: View) -> View:
    """A POST by somebody who may write."""

    @wraps(view)
    def guarded(request: InboxRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.member.may_write:
            return refused(
                "You can read here, and not write. Ask the owner of the inbox to change your role.", status=403
            )
        return view(request, *args, **kwargs)

    return member_required(require_POST(guarded))


def owner_required(view: View) -> View:
    """A POST by somebody who says who is what."""

    @wraps(view)
    def guarded(request: InboxRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.member.role != MemberRole.OWNER:
            return refused("Only an owner of the inbox can change this.", status=403)
        return view(request, *args, **kwargs)

    return member_required(require_POST(guarded))
