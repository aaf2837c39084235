"""The Bot API: one way in. The token stands in the address (Telegram's own choice), so no address is ever logged."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from post_purchase.channels.provider_data import ErrorTable
from post_purchase.channels.reading import mapping, text
from shopapp.lib import http
from shopapp.lib.crypto import same

ERRORS = ErrorTable("telegram_errors.yaml", "Telegram")
TOKEN = re.compile(r"(?P<bot>[0-9]{3,20}):[A-Za-z0-9_-]{30,80}")
LONGEST_WAIT = 86400  # seconds


def bot_of(token: str) -> str:
    """The bot's id is the part before the colon; "" where this is no token."""
    found = TOKEN.fullmatch(token)
    return found["bot"] if found else ""


def call(
    method: str,
    *,
    token: str,
    json: Any = None,
    data: Mapping[str, str] | None = None,
    files: Mapping[str, Any] | None = None,
    on_leaving: Callable[[], None] | None = None,
) -> Any:
    """The `result` of one method. With `on_leaving` (SendContext.leaving) a lost answer is UNKNOWN, not a retry."""
    sends = on_leaving is not None
    if not bot_of(token):
        raise ERRORS.error(code=401)
    url = f"{settings.TELEGRAM_API_ORIGIN}/bot{token}/{method}"
    try:
        reply = http.request("POST", url, json=json, data=data, files=files, on_leaving=on_leaving)
    except http.HttpError as error:
        raise ERRORS.no_answer(unknown=sends and error.maybe_taken) from error
    answer = mapping(reply.json())
    if answer.get("ok") is True:
        return answer.get("result")
    if answer.get("ok") is False:
        code = answer.get("error_code")
        raise ERRORS.error(
            code=code if isinstance(code, int) else reply.status,
            text=text(answer.get("description"), 300),
            status=reply.status,
            asked=_wait(mapping(answer.get("parameters")).get("retry_after")),
        )
    if reply.status in (429, 503):
        raise ERRORS.no_answer(unknown=False)
    if reply.status < 300 or reply.status >= 500:  # a gateway spoke, not Telegram: it may have gone through
        raise ERRORS.no_answer(unknown=sends)
    raise ERRORS.error(code=reply.status, status=reply.status)


def _wait(seconds: Any) -> timedelta | None:
    known = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0
    return timedelta(seconds=min(seconds, LONGEST_WAIT)) if known else None


def secret_for(bot: str) -> str:
    """What Telegram sends along with each update of this bot. Made from our own key: the door asks no database."""
    return hmac.new(f"telegram:{settings.SECRET_KEY}".encode(), bot.encode(), hashlib.sha256).hexdigest()


def secret_is_right(*, bot: str, header: str) -> bool:
    return bot.isascii() and bot.isdigit() and same(header, secret_for(bot))
