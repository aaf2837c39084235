"""The languages of a flow: one more, one fewer, and what is still to be translated. Pure; takes broken drafts.

A new language begins as a copy. What is a copy is not sent while another language has the words: `to_translate`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from .paths import steps_of
from .reshaping import CannotReshape, messages_of

Raw = Mapping[str, Any]
MOST_LANGUAGES = 30
LEAST_SHARE = 0.02  # of the shoppers: from there on a language that a flow lacks is told


def add_language(document: Raw, language: str, source: str) -> dict[str, Any]:
    """All words of `source`, marked as still to translate. Texts for Meta are not copied: they name their language."""
    changed: dict[str, Any] = deepcopy(dict(document))
    texts = changed.setdefault("texts", {})
    if has(changed, language):
        raise CannotReshape("The flow has this language already")
    if len(texts) >= MOST_LANGUAGES:
        raise CannotReshape(f"A flow has {MOST_LANGUAGES} languages at most")
    copied = deepcopy(texts.get(source) or {})
    for wording in (copied.get("messages") or {}).values():
        wording.pop("template", None)
        wording["to_translate"] = wording.get("to_translate") or source
    texts[language] = copied
    return changed


def drop_language(document: Raw, language: str) -> dict[str, Any]:
    changed: dict[str, Any] = deepcopy(dict(document))
    texts = changed.get("texts") or {}
    if language not in texts:
        raise CannotReshape("The flow has no such language any more")
    if len(texts) == 1:
        raise CannotReshape("A flow needs one language. Add another one first.")
    del texts[language]
    return changed


def has(document: Raw, language: str) -> bool:
    return language.lower() in (str(tag).lower() for tag in document.get("texts") or {})


def copies(document: Raw, message: str) -> dict[str, str]:
    """{language: the one whose words stand there} where the message is still to be translated."""
    found = {}
    for tag, spoken in (document.get("texts") or {}).items():
        wording = ((spoken or {}).get("messages") or {}).get(message)
        if isinstance(wording, Mapping) and wording.get("to_translate"):
            found[str(tag)] = str(wording["to_translate"])
    return found


def right_as_it_is(document: Raw, message: str, language: str) -> dict[str, Any]:
    """The words need no translation."""
    changed: dict[str, Any] = deepcopy(dict(document))
    spoken = (changed.get("texts") or {}).get(language) or {}
    wording = (spoken.get("messages") or {}).get(message)
    if not isinstance(wording, dict) or not wording.pop("to_translate", ""):
        raise CannotReshape("These words are translated already")
    return changed


def unmark_changed(before: Raw, after: dict[str, Any]) -> dict[str, Any]:
    """Where the text is another one now, it is no copy any more. Changes `after`."""
    for tag, spoken in (after.get("texts") or {}).items():
        was = ((before.get("texts") or {}).get(tag) or {}).get("messages") or {}
        for message, wording in ((spoken or {}).get("messages") or {}).items():
            if wording.get("to_translate") and wording.get("text") != (was.get(message) or {}).get("text"):
                del wording["to_translate"]
    return after


def mark_new(document: dict[str, Any], step_id: str, language: str) -> dict[str, Any]:
    """A new step begins with English words, in whatever language it was added. Changes the document."""
    spoken = ((document.get("texts") or {}).get(language) or {}).get("messages") or {}
    for message in messages_of(steps_of(document)[step_id]).values():
        if language.partition("-")[0] != "en" and message in spoken:
            spoken[message]["to_translate"] = "en"
    return document


def still_open(document: Raw, language: str) -> tuple[int, int]:
    """(messages without own words in this language, all that steps send)."""
    used = {message for step in steps_of(document).values() for message in messages_of(step).values()}
    spoken = ((document.get("texts") or {}).get(language) or {}).get("messages") or {}
    open_ = [name for name in used if not spoken.get(name) or spoken[name].get("to_translate")]
    return len(open_), len(used)


def lacking(document: Raw, chosen: Iterable[str], read: Iterable[str]) -> list[str]:
    """What the flow lacks of the shop's languages (`chosen`), or of its shoppers' (`read`: one for each of them)."""
    spoken = {_base(str(tag)) for tag in document.get("texts") or {}}
    shoppers = Counter(tag for tag in map(str, read) if tag)
    total = sum(shoppers.values())
    many = [tag for tag, number in shoppers.most_common() if number > 1 and number >= LEAST_SHARE * total]
    found: dict[str, str] = {}
    for tag in (*chosen, *many):
        if _base(tag) not in spoken:
            found.setdefault(_base(tag), tag)
    return list(found.values())


def _base(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
