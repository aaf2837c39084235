"""What a shopper really wrote in a mail: without quoted history and signature (data/email_replies.yaml)."""

import html
import re
from functools import lru_cache

from post_purchase.channels.provider_data import load

MOST = 20_000  # characters looked at
_OPENS_WHAT_WE_DROP = re.compile(r"<(style|script|head|title)\b", re.I)
_CLOSES = {tag: re.compile(rf"</{tag}\s*>", re.I) for tag in ("style", "script", "head", "title")}
_QUOTED_HTML = re.compile(r"<(blockquote\b|div[^>]{0,200}(gmail_quote|appendonsend|divRplyFwdMsg|yahoo_quoted))", re.I)
_BREAKS = re.compile(r"<(br|/p|/div|/li|/tr|/h\d)\b[^>]{0,200}>", re.I)
_TAG = re.compile(r"<[^>]{0,2000}>")


@lru_cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in load("email_replies.yaml")[name]), re.I)


def reply_text(*, plain: str, html_body: str) -> str:
    """The new part of a mail as plain text. Where everything is quoted, "" ."""
    words = plain if plain.strip() else text_of_html(html_body)
    lines = [line.strip().lstrip("\u200e\u200f") for line in words[:MOST].replace("\r\n", "\n").split("\n")]
    kept: list[str] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _pattern("quote_starts").match(line) or _pattern("signature_starts").match(line):
            break
        joined = f"{line} {following}" if line and following and not following.startswith(">") else ""
        if joined and _pattern("quote_starts").match(joined):
            break  # "On Tue, Nov 24 ... <address>" and "wrote:" on the next line
        kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def text_of_html(body: str) -> str:
    """Enough of HTML for a person's short answer; the quoted part is cut off first."""
    body = body[: MOST * 5]
    quoted = _QUOTED_HTML.search(body)
    if quoted:
        body = body[: quoted.start()]
    body = _without_hidden_text(body)
    return html.unescape(_TAG.sub("", _BREAKS.sub("\n", body))).replace("\xa0", " ")


def _without_hidden_text(body: str) -> str:
    """Styles and scripts go with their text. An end that is missing is looked for once, not once for each "<style"."""
    kept, place = [], 0
    while opened := _OPENS_WHAT_WE_DROP.search(body, place):
        closed = _CLOSES[opened[1].lower()].search(body, opened.end())
        if closed is None:
            break
        kept.append(body[place : opened.start()])
        place = closed.end()
    return "".join([*kept, body[place:]])
