"""Reviews, high and low alike. One is hidden only for a stated reason that has nothing to do with its rating."""

from django.db.models import Avg, Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from post_purchase.models import AttachmentStatus, Review
from post_purchase.services.media import signed_media_url
from post_purchase.services.publications import PRODUCT_SCOPE, look_again, standing
from post_purchase.services.reviews import hide_review, show_review
from post_purchase.web.forms.reviews import HIDE_REASONS, HideForm
from post_purchase.words import ChannelKind
from shopapp.shopify.errors import AdminApiError
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, paged, refused, saved


@shop_required
@require_GET
def reviews(request: ShopRequest) -> HttpResponse:
    rating = request.GET.get("rating", "")
    rating = rating if rating in ("1", "2", "3", "4", "5") else ""
    photo = request.GET.get("photo") == "1"
    search = request.GET.get("q", "").strip()[:80]
    everything = request.shop.reviews.all()
    rows = everything.select_related("order", "contact__conversation").prefetch_related("photos__attachment")
    if rating:
        rows = rows.filter(rating=int(rating))
    if photo:
        rows = rows.filter(photos__isnull=False).distinct()
    if search:
        rows = rows.filter(text__icontains=search)
    shown = paged(request, rows.order_by("-submitted_at", "-pk"))
    return page(
        request,
        "pages/reviews.html",
        rows=shown,
        cards=[(review, photos_of(review), channel_of(review)) for review in shown],
        totals=everything.exclude(order__test=True).aggregate(count=Count("pk"), average=Avg("rating")),
        any=bool(shown.paginator.count) or everything.exists(),
        rating=rating,
        photo=photo,
        search=search,
        filtered=bool(rating or photo or search),
        reasons=HIDE_REASONS,
        standing=standing(request.shop),
        scope=PRODUCT_SCOPE,
        editor=f"https://{request.shop.domain}/admin/themes/current/editor?template=product",
    )


def photos_of(review: Review) -> list[tuple[str, str]]:
    stored = [one.attachment for one in review.photos.all() if one.attachment.status == AttachmentStatus.STORED]
    return [(signed_media_url(one), signed_media_url(one, thumbnail=True)) for one in stored]


def channel_of(review: Review) -> str:
    return ChannelKind(review.channel_kind).label if review.channel_kind in ChannelKind.values else ""


@shop_required
@require_POST
def hide(request: ShopRequest, pk: int) -> HttpResponse:
    review = get_object_or_404(request.shop.reviews, pk=pk)
    form = HideForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    hide_review(review=review, reason=dict(HIDE_REASONS)[form.cleaned_data["reason"]])
    return saved("Hidden. The reason is kept with the review.")


@shop_required
@require_POST
def show(request: ShopRequest, pk: int) -> HttpResponse:
    if not show_review(review=get_object_or_404(request.shop.reviews, pk=pk)):
        return refused("A review of a test order stays hidden: nobody has bought anything.")
    return saved("Published again")


@shop_required
@require_POST
def publish(request: ShopRequest) -> HttpResponse:
    """The merchant has answered Shopify's question, or wants another try."""
    try:
        allowed = look_again(shop=request.shop)
    except AdminApiError:
        return refused("Shopify did not answer. Press the button again in a minute.")
    if not allowed:
        return refused("Shopify has not allowed it yet. Press the button again, and accept in Shopify's window.")
    return saved("Your reviews are on their way to your product pages")
