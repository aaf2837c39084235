"""Links that open a network's app, by its own rules (messaging.md, section 1.1), for its driver's `entry_url`."""

import re
from urllib.parse import quote

IOS = "ios"
TELEGRAM_START = re.compile(r"[A-Za-z0-9_-]{1,64}")


def sms_link(*, number: str, text: str, device: str = "") -> str:
    """`number`: E.164. iOS reads the draft after `&`, Android and RFC 5724 after `?`, most of either kind after `?&`.

    Blanks are %20: a plus sign would stand in the draft as it is.
    """
    if not re.fullmatch(r"\+?[0-9]{3,15}", number):
        raise ValueError("not a telephone number")
    joint = {IOS: "&", "android": "?"}.get(device, "?&")
    return f"sms:{number}{joint}body={quote(text, safe='')}"


def telegram_link(*, origin: str, bot: str, code: str) -> str:
    """`https://t.me/<bot>?start=<code>`: the app sends `/start <code>` when the person taps Start."""
    if not code:
        return f"{origin}/{quote(bot, safe='')}"
    if not TELEGRAM_START.fullmatch(code):
        raise ValueError("Telegram takes 1 to 64 letters, digits, _ and -")
    return f"{origin}/{quote(bot, safe='')}?start={code}"


def instagram_link(*, origin: str, username: str, code: str) -> str:
    """`https://ig.me/m/<user>?ref=<code>`. Not on a desktop; a new thread keeps the ref only with ice breakers."""
    return f"{origin}/m/{quote(username, safe='')}?ref={quote(code, safe='')}"
