"""What helps while an answer is written: the draft, saved replies, products, and taking it back."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from post_purchase.services import composing, presence
from post_purchase.web.forms.inbox import DraftForm
from post_purchase.words import Author

from .answers import page, refused, saved
from .conversation_rows import conversation_of
from .inbox_door import InboxRequest, agent_required, member_required

NO_PRODUCT = "No product is known that can be bought now."


@agent_required
def draft(request: InboxRequest, pk: int) -> HttpResponse:
    """Saved while it is typed. Answers with the names of others who are writing here."""
    conversation = conversation_of(request, pk)
    form = DraftForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    point = conversation.contact.points.filter(pk=form.cleaned_data["point"] or 0).first()
    composing.save_draft(member=request.member, conversation=conversation, text=form.cleaned_data["text"], point=point)
    if form.cleaned_data["text"].strip():
        presence.show(conversation=conversation, point=point, typing=True)
    drafts = composing.drafts_of(conversation)
    return JsonResponse({"writing": composing.others_writing(drafts, member=request.member)})


@agent_required
def take_back(request: InboxRequest, pk: int, message: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    row = get_object_or_404(conversation.messages.filter(author=Author.PERSON), pk=message)
    if not composing.take_back(message=row, member=request.member):
        return refused("It is too late: it has gone already.")
    again = " Choose its picture again." if row.attachments.exists() else ""
    return saved(f"Taken back. The text is in the field again.{again}")


@member_required
@require_GET
def saved_replies(request: InboxRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    texts = composing.saved_replies(shop=request.shop, conversation=conversation, member=request.member)
    return page(
        request,
        "parts/insertable.html",
        texts=texts,
        none="None is kept yet. Conversations has a page for them.",
    )


@member_required
@require_GET
def products(request: InboxRequest, pk: int) -> HttpResponse:
    """What can be bought now: one tap puts its card beside the answer."""
    conversation_of(request, pk)
    search = request.GET.get("q", "")[:80].strip()
    rows = composing.products_that_sell(shop=request.shop, search=search)
    none = f"No product that can be bought now has “{search}” in its name." if search else NO_PRODUCT
    return page(request, "parts/products.html", products=rows, none=none)
