"""Meta's Graph API: one way in for WhatsApp, Messenger, Instagram. Tokens travel in the header, never in an address."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from post_purchase.models import MessageTemplate
from shopapp.lib import http
from shopapp.lib.crypto import same

from .base import ChannelError, Outcome, TemplateReceipt, TemplateUpdate
from .provider_data import ErrorTable
from .reading import mapping, mappings, text


def signature_is_right(*, body: bytes, header: str, instagram: bool = False) -> bool:
    """X-Hub-Signature-256 over the bytes as they came (Meta, "Validating payloads"). False without META_APP_SECRET.

    `instagram`: its login signs with the secret that it has of its own, where it is set.
    """
    secrets = [settings.META_APP_SECRET, settings.INSTAGRAM_APP_SECRET if instagram else ""]
    digests = [hmac.new(each.encode(), body, hashlib.sha256).hexdigest() for each in secrets if each]
    return bool(settings.META_APP_SECRET) and any(same(header, f"sha256={each}") for each in digests)


def call(
    method: str,
    path: str,
    *,
    token: str,
    table: ErrorTable,
    json: Any = None,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    files: Mapping[str, Any] | None = None,
    attempt: int = 1,
    origin: str = "",
    on_leaving: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Ask the Graph API. With `on_leaving` (SendContext.leaving) it puts a message on somebody's phone.

    A lost answer to that is UNKNOWN, not a retry. `origin`: Instagram has a host of its own.
    """
    sends = on_leaving is not None
    if not token:
        raise table.error(code=190)
    url = f"{origin or settings.META_GRAPH_ORIGIN}/{settings.META_GRAPH_VERSION}/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        reply = http.request(
            method, url, headers=headers, params=params, json=json, data=data, files=files, on_leaving=on_leaving
        )
    except http.HttpError as error:
        raise table.no_answer(unknown=sends and error.maybe_taken) from error
    answer = reply.json()
    if reply.status < 300 and isinstance(answer, dict):
        return answer
    refusal = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(refusal, dict):
        raise error_from(refusal, table=table, status=reply.status, attempt=attempt)
    if reply.status in (429, 503):
        raise table.no_answer(unknown=False)
    if reply.status < 300 or reply.status >= 500:  # a gateway spoke, not Meta: it may have gone through
        raise table.no_answer(unknown=sends)
    raise table.error(code=0 if reply.status == 401 else reply.status, status=reply.status)


def token_for(code: str, *, table: ErrorTable) -> str:
    """The business token behind the code of an Embedded Signup: once, within seconds. By GET, as Meta wants it."""
    asked = {"client_id": settings.META_APP_ID, "client_secret": settings.META_APP_SECRET, "code": code}
    url = f"{settings.META_GRAPH_ORIGIN}/{settings.META_GRAPH_VERSION}/oauth/access_token"
    try:
        answer = http.request("GET", url, params=asked).json()
    except http.HttpError as error:
        raise table.no_answer(unknown=False) from error
    token = text(mapping(answer).get("access_token"), 2000)
    if not token:
        raise ChannelError(
            "Meta did not take the confirmation of this sign-up any more: start it once again",
            outcome=Outcome.HALT_ACCOUNT,
            code="code",
        )
    return token


def error_from(error: Mapping[str, Any], *, table: ErrorTable, status: int = 400, attempt: int = 1) -> ChannelError:
    """Meta's error object, as it comes in answers and in status callbacks. Total."""
    details = error.get("error_data")
    words = details.get("details") if isinstance(details, dict) else ""
    return table.error(
        code=_whole(error.get("code"), -1),
        subcode=_whole(error.get("error_subcode"), 0),
        text=str(words or error.get("message") or error.get("title") or ""),
        status=status,
        attempt=attempt,
    )


def submit_template(template: MessageTemplate, *, account_id: str, token: str, table: ErrorTable) -> TemplateReceipt:
    """New, or edited where Meta has given it an id (one edit a day, ten a month)."""
    body: dict[str, Any] = {"type": "BODY", "text": template.body}
    samples = [text(mapping(each).get("sample")) or "–" for each in template.parameters]
    if samples:
        body["example"] = {"body_text": [samples]}
    request: dict[str, Any] = {"category": template.category, "components": [body]}
    path = template.provider_id
    if not path:
        request |= {"name": template.name, "language": template.language, "parameter_format": "POSITIONAL"}
        path = f"{account_id}/message_templates"
    answer = call("POST", path, token=token, table=table, json=request)
    return TemplateReceipt(
        provider_id=text(answer.get("id"), 64) or template.provider_id,
        status=text(answer.get("status"), 30) or "PENDING",
        category=text(answer.get("category"), 20),
    )


def list_templates(*, account_id: str, token: str, table: ErrorTable) -> list[TemplateUpdate]:
    """Every template of the account, page by page: at most 250, or 6,000 where the business is verified (Meta)."""
    found: list[TemplateUpdate] = []
    params = {"fields": "id,name,language,status,category,rejected_reason,quality_score,components", "limit": "200"}
    for _ in range(40):
        answer = call("GET", f"{account_id}/message_templates", token=token, table=table, params=params)
        found += [_template(account_id, each) for each in mappings(answer.get("data"))]
        paging = mapping(answer.get("paging"))
        after = text(mapping(paging.get("cursors")).get("after"), 500)
        if not after or not paging.get("next"):
            break
        params = params | {"after": after}
    return found


def _template(account_id: str, row: dict[str, Any]) -> TemplateUpdate:
    reason = text(row.get("rejected_reason"), 200)
    bodies = [each for each in mappings(row.get("components")) if text(each.get("type")).upper() == "BODY"]
    return TemplateUpdate(
        account_id=account_id,
        name=text(row.get("name"), 190),
        language=text(row.get("language"), 16),
        status=text(row.get("status"), 30),
        category=text(row.get("category"), 20),
        reason="" if reason == "NONE" else reason,
        provider_id=text(row.get("id"), 64),
        body=text(bodies[0].get("text")) if bodies else "",
        quality=text(mapping(row.get("quality_score")).get("score"), 12).upper(),
    )


def _whole(value: Any, otherwise: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return otherwise
