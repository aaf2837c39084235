"""New flows: from the library, from scratch, from a file; and a flow as a file."""

from typing import Any

from django.http import HttpResponse
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from post_purchase.flows import describing, files, message_rules, reshaping, shelf
from post_purchase.flows.definition import DocumentError
from post_purchase.flows.editing import add_flow
from shopapp.web.embedded import ShopRequest, shop_required

from .answers import page, refused, saved
from .flows import flow_of

MOST_FLOWS = 200


@shop_required
@require_GET
def new(request: ShopRequest) -> HttpResponse:
    ready = [(key, document["name"], document.get("description", "")) for key, document in shelf.library().items()]
    return page(request, "pages/flow_new.html", ready=ready, news=describing.NEWS.items())


@shop_required
@require_POST
def add(request: ShopRequest) -> HttpResponse:
    if request.shop.flows.count() >= MOST_FLOWS:
        return refused(f"A shop can have {MOST_FLOWS} flows. Delete or reuse one of them.")
    start = request.POST.get("from", "")
    if start == "library":
        document = shelf.library().get(request.POST.get("key", ""))
        if document is None:
            return refused("Choose one of the ready flows.", errors={"key": "Choose one of these."})
    elif start == "file":
        upload = request.FILES.get("file")
        text = request.POST.get("text", "")
        if upload:  # an empty choice of file comes as nothing
            text = upload.read(files.MAX_FILE + 1).decode("utf-8", "replace")
        try:
            document = files.read(text)
        except DocumentError as error:
            told = [str(problem) for problem in error.problems[:10]]
            return refused(told[0], errors={"text": "\n".join(told)})
    elif start == "scratch":
        name = " ".join(request.POST.get("name", "").split())[:120]
        news = request.POST.get("news", "")
        if not name:
            return refused(errors={"name": "Give it a name."})
        if news not in describing.NEWS:
            return refused(errors={"news": "Choose what starts it."})
        document = scratch(name, news)
    else:
        return refused("Choose how to begin.")
    row = add_flow(request.shop, document, user=request.shop_user)
    return saved(f"{row.name} is there as a draft, and off.", go=f"/app/flows/{row.pk}")


def scratch(name: str, news: str) -> dict[str, Any]:
    document = {
        "schema": 1,
        "key": slugify(name).replace("-", "_")[:40] or "flow",
        "name": name,
        "trigger": {"news": [news], "subject": "contact" if news in ("contact_silent", "date_reached") else "order"},
        "start": "hello",
        "steps": {"hello": {"kind": "send", "message": "hello", "next": None}},
        "messages": {"hello": {"purpose": "utility"}},
        "texts": {"en": {"messages": {"hello": {"text": reshaping.HELLO}}}},
    }
    return message_rules.first_purposes(document, "hello")


@shop_required
@require_GET
def export(request: ShopRequest, pk: int) -> HttpResponse:
    row = flow_of(request, pk)
    response = HttpResponse(files.write(row.draft), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slugify(row.key) or "flow"}.yaml"'
    return response
