"""What a person does with a conversation: answer, take over, give back, close."""

from datetime import datetime

from django.http import HttpResponse

from post_purchase.models import Conversation
from post_purchase.services import composing, conversations, file_safety, product_cards
from post_purchase.services.file_safety import SafeFile
from post_purchase.services.photo_safety import Fault, PhotoRefused, SafePhoto, make_safe, sniff
from post_purchase.web.forms.inbox import send_at
from post_purchase.web.forms.replies import ReplyForm
from shopapp.lib import clock

from .answers import refused, saved, zone_of
from .conversation_rows import conversation_of
from .inbox_door import InboxRequest, agent_required
from .reply_ways import ReplyWay, reply_ways


@agent_required
def reply(request: InboxRequest, pk: int) -> HttpResponse:
    """The window is judged again: it may have closed meanwhile. Then nothing is sent and the text stays."""
    conversation = conversation_of(request, pk)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    ways = reply_ways(request, conversation, clock.now())
    way = next((way for way in ways if way.point.pk == form.cleaned_data["point"]), None)
    if way is None:
        return refused("This shopper cannot be reached there any more. Choose another channel.")
    if not way.free:
        return refused(f"{way.capability.reason or 'Free text cannot be sent now.'} Nothing was sent.")
    typed, choice = request.POST.get("later", "")[:40], request.POST.get("when", "")[:20]
    field = "later" if typed.strip() else "when"
    try:
        later = send_at(choice=choice, typed=typed, zone=zone_of(request.shop))
    except ValueError as error:
        return refused(errors={field: str(error)})
    if later and way.capability.until and later > way.capability.until:
        return refused(errors={field: "By then free text cannot be sent any more. Choose an earlier time."})
    try:
        if form.cleaned_data["product"]:
            _send_card(request, conversation, way, form, not_before=composing.due_at(later=later))
        else:
            _send_text(request, conversation, way, form, not_before=composing.due_at(later=later))
    except CannotSend as refusal:
        return refused(str(refusal))
    except product_cards.CannotGive as refusal:
        return refused(errors={"percentage": str(refusal)})
    except PhotoRefused as refusal:
        return refused(f"Nothing was sent: {refusal}. Choose another file, or none.")
    except OSError:
        return refused("There is no room for files just now. Nothing was sent; try again later.", status=503)
    composing.save_draft(member=request.member, conversation=conversation, text="", point=None)
    if later:
        return saved("It goes at the time that you chose")
    if form.cleaned_data["percentage"]:
        return saved("It goes as soon as Shopify has made the code. Until then you can take it back.")
    return saved("It goes in a few seconds. Until then you can take it back.")


def _send_text(
    request: InboxRequest, conversation: Conversation, way: ReplyWay, form: ReplyForm, *, not_before: datetime
) -> None:
    """Raises CannotSend, PhotoRefused, OSError."""
    text = form.cleaned_data["text"]
    conversations.reply_as_person(
        conversation=conversation,
        text=text,
        user_id=request.shop_user,
        dedupe_key=_key(conversation, form),
        point=way.point,
        not_before=not_before,
        file=file_of(request, way, text),
        file_name=getattr(request.FILES.get("picture"), "name", None) or "",
    )


def _send_card(
    request: InboxRequest, conversation: Conversation, way: ReplyWay, form: ReplyForm, *, not_before: datetime
) -> None:
    """Raises CannotSend, product_cards.CannotGive."""
    chosen = form.cleaned_data
    if request.FILES.get("picture"):
        raise CannotSend("A product has a picture of its own. Send the file and the product in two answers.")
    product = composing.product_that_sells(shop=request.shop, pk=chosen["product"])
    if product is None:
        raise CannotSend("This product cannot be bought now. Choose another one.")
    product_cards.send_card(
        conversation=conversation,
        product=product,
        words=chosen["text"],
        discount=product_cards.Discount(chosen["percentage"], chosen["days"]) if chosen["percentage"] else None,
        user_id=request.shop_user,
        dedupe_key=_key(conversation, form),
        point=way.point,
        not_before=not_before,
        with_picture=way.pictures,
    )
    conversations.mark_answered(conversation=conversation)


def _key(conversation: Conversation, form: ReplyForm) -> str:
    return f"reply:{conversation.pk}:{form.cleaned_data['key']}"


class CannotSend(Exception):
    """This way takes no such file, or not with so many words, or the product is gone: what to do."""


def file_of(request: InboxRequest, way: ReplyWay, text: str) -> SafePhoto | SafeFile | None:
    """The chosen picture or PDF, made safe. Raises CannotSend, PhotoRefused."""
    upload = request.FILES.get("picture")
    if upload is None:
        return None
    if not way.pictures:
        raise CannotSend(f"{way.label} takes no pictures here. Take the picture out, or choose another channel.")
    if way.caption and len(text) > way.caption:
        raise CannotSend(
            f"Beside a file {way.label} takes {way.caption} letters. Shorten the text, or send two answers."
        )
    if (upload.size or 0) > file_safety.MAX_BYTES:
        raise PhotoRefused(Fault.FILE_TOO_LARGE)
    content = upload.read()
    if sniff(content):
        return make_safe(content)
    try:
        document = file_safety.make_safe(content)
    except PhotoRefused as refusal:
        raise PhotoRefused(Fault.NOT_SENDABLE if refusal.fault == Fault.UNKNOWN else refusal.fault) from refusal
    if document.suffix != ".pdf":
        raise PhotoRefused(Fault.NOT_SENDABLE)
    if not way.documents:
        raise CannotSend(f"{way.label} takes pictures and no PDFs. Take the file out, or choose another channel.")
    return document


@agent_required
def take_over(request: InboxRequest, pk: int) -> HttpResponse:
    conversations.hand_off(conversation=conversation_of(request, pk), reason="Taken over by the team", by_team=True)
    return saved("You have taken over. Flows and automatic answers pause.")


@agent_required
def give_back(request: InboxRequest, pk: int) -> HttpResponse:
    conversations.take_back(conversation=conversation_of(request, pk))
    return saved("Given back. Automatic answers go on.")


@agent_required
def close(request: InboxRequest, pk: int) -> HttpResponse:
    asks = request.POST.get("ask") == "1"
    conversations.close(conversation=conversation_of(request, pk), ask=asks)
    more = " Where you have answered, the shopper is asked how the help was." if asks else ""
    return saved(f"Closed. It opens again when the shopper writes.{more}")


@agent_required
def reopen(request: InboxRequest, pk: int) -> HttpResponse:
    conversations.reopen(conversation=conversation_of(request, pk))
    return saved("Opened again")
