"""Who works in a shop's inbox. Shopify names a person by an id only, so the shop's owner names them on a page."""

import re

from django.db import transaction

from post_purchase.models import Member, MemberRole
from shopapp.lib import clock
from shopapp.models import Shop

LAST_OWNER = "Somebody has to be the owner. Make another person the owner first."


def member_of(*, shop: Shop, user_id: str) -> Member:
    """The member with this id, new at their first look. The first of a shop is its owner, the others are agents."""
    found = Member.objects.filter(shop=shop, user_id=user_id).first()
    return found or _join(shop, user_id)


@transaction.atomic
def _join(shop: Shop, user_id: str) -> Member:
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # two who come at once: one owner
    role = MemberRole.AGENT if Member.objects.filter(shop=shop).exists() else MemberRole.OWNER
    member, _ = Member.objects.get_or_create(
        shop=shop, user_id=user_id, defaults={"role": role, "joined_at": clock.now()}
    )
    return member


@transaction.atomic
def change_member(*, member: Member, name: str, role: str, email: str = "") -> str:
    """Empty, or why it cannot be."""
    Shop.objects.select_for_update(no_key=True).get(pk=member.shop_id)
    others = Member.objects.filter(shop_id=member.shop_id, role=MemberRole.OWNER).exclude(pk=member.pk)
    if role != MemberRole.OWNER and member.role == MemberRole.OWNER and not others.exists():
        return LAST_OWNER
    Member.objects.filter(pk=member.pk).update(name=name, role=role, email=email)
    return ""


def named_in(text: str, members: list[Member]) -> list[Member]:
    """Whom "@Ana" means: the whole name, in whatever case; longer names first, so that @Ana Maria is not Ana."""
    found, rest = [], text
    for member in sorted(members, key=lambda one: -len(one.name)):
        if not member.name:
            continue
        pattern = re.compile(rf"(?<!\w)@{re.escape(member.name)}(?!\w)", re.IGNORECASE)
        rest, count = pattern.subn(" ", rest)
        if count:
            found.append(member)
    return found
