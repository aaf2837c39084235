"""Where free text cannot go: the approved templates that fit, one tap each, and a search over the rest."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from post_purchase.channels.base import OutMessage, TemplateUse
from post_purchase.flows.offered import Offered, filled, offered
from post_purchase.models import Conversation
from post_purchase.services import composing, conversations
from post_purchase.services.messages import queue_message
from post_purchase.services.texts import is_rtl
from post_purchase.web.forms.replies import TemplateForm
from post_purchase.words import Author, Mode, Purpose
from shopapp.lib import clock
from shopapp.lib.crypto import new_code

from .answers import page, refused, saved
from .conversation_rows import conversation_of
from .inbox_door import InboxRequest, agent_required, member_required
from .reply_ways import ReplyWay, reply_ways

MOST_OFFERED = 3
MOST_FOUND = 12
LONGEST_VALUE = 200


@dataclass(frozen=True)
class Offers:
    """For the first way that takes only templates: what fits, and how many others there are."""

    way: ReplyWay
    fitting: tuple[Offered, ...]
    others: tuple[Offered, ...]


def offers_for(request: InboxRequest, conversation: Conversation, ways: list[ReplyWay]) -> Offers | None:
    way = next((way for way in ways if way.capability.mode == Mode.TEMPLATE), None)
    if way is None:
        return None
    known = composing.known_by_name(conversation, request.member)
    found = offered(conversation=conversation, point=way.point, channel=way.channel, known=known)
    fitting = tuple(each for each in found if each.fits)[:MOST_OFFERED]
    return Offers(way=way, fitting=fitting, others=tuple(each for each in found if each not in fitting))


def _offers_now(request: InboxRequest, conversation: Conversation) -> Offers | None:
    return offers_for(request, conversation, reply_ways(request, conversation, clock.now()))


@member_required
@require_GET
def templates(request: InboxRequest, pk: int) -> HttpResponse:
    """By the words that the shopper will read; without `all` those that the page does not show already."""
    conversation = conversation_of(request, pk)
    offers, words = _offers_now(request, conversation), request.GET.get("q", "")[:80].casefold().split()
    others = (*(offers.fitting if request.GET.get("all") else ()), *offers.others) if offers else ()
    found = [each for each in others if all(word in each.text.casefold() for word in words)]
    return page(
        request,
        "parts/offered_templates.html",
        offers=found[:MOST_FOUND],
        more=len(found) > MOST_FOUND,
        words=words,
        conversation=conversation,
        reply_key=new_code(),
    )


@agent_required
def send_template(request: InboxRequest, pk: int) -> HttpResponse:
    """What is true is judged again: the parcel may have moved since the page was drawn."""
    conversation = conversation_of(request, pk)
    form = TemplateForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    offers = _offers_now(request, conversation)
    there = (*offers.fitting, *offers.others) if offers else ()
    one = next((each for each in there if each.template.pk == form.cleaned_data["template"]), None)
    if offers is None or one is None:
        return refused("This template cannot be sent to this shopper now. Nothing was sent.")
    names = [f"value_{one.template.pk}_{place}" for place in range(len(one.gaps))]
    values = [
        " ".join(request.POST.get(name, gap.value).split())[:LONGEST_VALUE]
        for name, gap in zip(names, one.gaps, strict=True)
    ]
    missing = [name for name, value in zip(names, values, strict=True) if not value]
    if missing:
        return refused(errors=dict.fromkeys(missing, "Say this, then send it."))
    language = one.template.language.replace("_", "-")
    queue_message(
        conversation=conversation,
        content=OutMessage(
            text=filled(one.template.body, values),
            language=language,
            rtl=is_rtl(language),
            template=TemplateUse(name=one.template.name, language=one.template.language, parameters=values),
        ),
        # News of the order that a person sends is their answer; an offer stays one.
        purpose=Purpose.SERVICE if one.purpose == Purpose.UTILITY else one.purpose,
        author=Author.PERSON,
        author_id=request.shop_user,
        point=offers.way.point,
        order=conversation.order,
        dedupe_key=f"reply:{conversation.pk}:{form.cleaned_data['key']}",
    )
    conversations.mark_answered(conversation=conversation)
    return saved("The template is on its way")
