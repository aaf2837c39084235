"""Whoever names a sender address must read its mailbox: a code goes there before anything is sent from it.

Nothing is stored: the code is made of the shop, the address and the hour, so it is good for one to two hours.
"""

from uuid import uuid4

from shopapp.lib import clock, queue
from shopapp.lib.crypto import derived_code, grouped, normalise_code, same
from shopapp.models import Shop

from . import team_mail

LENGTH = 8  # characters of 5 bits
HOUR = 3600  # seconds
CODES = 5  # for one shop in an hour, and for one address, whoever asks
GUESSES = 20  # in an hour


class NotAsked(Exception):
    """In plain words: why no code went, and what to do."""


def ask(*, shop: Shop, address: str) -> None:
    """Send the code. Raises NotAsked."""
    address = address.lower()
    for key in (f"sender_code:{shop.pk}", f"sender_code:{address}"):
        if not queue.within_limit(key, most=CODES, seconds=HOUR):
            raise NotAsked(
                f"{CODES} codes were sent in an hour. Look into that mailbox, also for spam; or wait an hour."
            )
    facts = {"shop": shop.name or shop.domain, "domain": shop.domain, "code": code_for(shop, address)}
    try:
        team_mail.send(
            addresses=[address],
            subject="Your code for Doorstep",
            template="email/sender_code.txt",
            facts=facts,
            known_as=uuid4().hex,
        )
    except team_mail.TROUBLE as error:
        raise NotAsked(
            "The mail server did not take the mail with the code. Check the address, and try again."
        ) from error


def is_right(*, shop: Shop, address: str, code: str) -> bool:
    """The code of this hour or the last one."""
    address = address.lower()
    if not queue.within_limit(f"sender_guess:{shop.pk}:{address}", most=GUESSES, seconds=HOUR):
        return False
    typed = normalise_code(code)
    return any(same(typed, normalise_code(code_for(shop, address, hours_ago=ago))) for ago in (0, 1))


def code_for(shop: Shop, address: str, *, hours_ago: int = 0) -> str:
    hour = int(clock.now().timestamp()) // HOUR - hours_ago
    return grouped(derived_code("sender", str(shop.pk), address.lower(), str(hour))[:LENGTH])
