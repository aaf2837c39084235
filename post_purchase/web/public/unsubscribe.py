"""GET shows a page and changes nothing, because mail scanners open links; POST stops the e-mails (RFC 8058).

The mail provider posts without a cookie, a token or a person, and follows no redirect.
"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from post_purchase.services import one_click
from post_purchase.services.shops import settings_of
from post_purchase.services.unsubscribe import Unsubscribe, read_code
from post_purchase.touchpoints.texts import accepted, pick_language, texts_in

from .pages import public_page


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, code: str) -> HttpResponse:
    asked = read_code(code[:200])
    browser = accepted(request.headers.get("Accept-Language", ""))
    if asked is None:
        language = pick_language(*browser)
        return public_page("stop", status=404, language=language, text=texts_in(language)["stop_unknown_text"])
    language = pick_language(asked.point.contact.language, *browser)
    page = {"language": language, **_brand(asked)}
    if request.method != "POST":
        return public_page("stop", status=200, stop_action=request.path, **page)
    texts = texts_in(language)
    one_click.unsubscribe(asked=asked, wording=f"{texts['stop_button']}: {texts['stop_text']}", language=language)
    return public_page("stopped", status=200, **page)


def _brand(asked: Unsubscribe) -> dict[str, str]:
    settings = settings_of(asked.point.shop)
    return {"shop_name": settings.display_name, "color": settings.brand_color}
