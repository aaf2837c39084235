"""What a message template is known by: to Meta its name and language, to us its words. Pure.

Words that Meta has approved stay as they are: other words are another template, under a name of their own.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence

READING = "Meta is reading this text"  # why a message waits; services.templates wakes it by these words
LONGEST_NAME = 190
_MOST_NAMES = 6
_PLACE = re.compile(r"\{\{(\d+)\}\}")


def meta_language(language: str) -> str:
    """Meta writes "pt_BR" and "en"; Shopify "pt-BR"."""
    base, _, region = language.replace("_", "-").partition("-")
    return f"{base.lower()}_{region.upper()}" if len(region) == 2 else base.lower()


def numbered(body: str) -> tuple[str, list[int]]:
    """(the body as Meta wants it: values numbered as they stand, each once; which of ours stands at each place)

    A language may need {{2}} before {{1}}, or one value twice.
    """
    order = [int(place) for place in _PLACE.findall(body)]
    places = iter(range(1, len(order) + 1))
    return _PLACE.sub(lambda _: f"{{{{{next(places)}}}}}", body.strip()), order


def digest_of(body: str) -> str:
    """A short name of the words: as the database makes it of a saved body, which is numbered."""
    return hashlib.md5(numbered(body)[0].encode(), usedforsecurity=False).hexdigest()


def names_for(name: str, body: str) -> Iterator[str]:
    """The plain name, then names that the words themselves give it, for where others have the plain one."""
    yield name
    own = f"{name[: LONGEST_NAME - 12]}_{digest_of(body)[:8]}"
    yield own
    for number in range(2, _MOST_NAMES):
        yield f"{own}_{number}"


def free_name(name: str, body: str, taken: Collection[str]) -> str:
    """Empty where all are taken."""
    return next((each for each in names_for(name, body) if each not in taken), "")


def next_name(name: str, body: str, taken: Collection[str]) -> str:
    """The free one that comes after this one. Empty where there is none."""
    names = list(names_for(name.partition(f"_{digest_of(body)[:8]}")[0], body))
    later = names[names.index(name) + 1 :] if name in names else names
    return next((each for each in later if each not in taken), "")


def filled(body: str, parameters: Sequence[str]) -> str:
    """As the phone shows it."""
    values = {str(place): " ".join(value.split()) or "–" for place, value in enumerate(parameters, 1)}
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), body)


def state_key(language: str, category: str, body: str) -> tuple[str, str, str]:
    """By which the state of a text at Meta is found: (Meta's language, category, digest)."""
    return meta_language(language), category.upper(), digest_of(body)
