"""The opposite of a short sentence about an order or a shopper: "it was not bought in the store". Pure."""

import re

_OWN_WAY = {
    "there is something to ship": "there is nothing to ship",
    "there is a product to review": "there is no product to review",
    "there is a guide for what was bought": "there is no guide for what was bought",
    "the parcel holds only a part": "the parcel holds the whole order",
    "we know who the shopper is": "we do not know who the shopper is",
    "a person looks after the shopper": "no person looks after the shopper",
    "the shopper wants offers": "the shopper does not want offers",
    "a person has answered in this talk": "no person has answered in this talk",
    "your team asks how it was": "your team does not ask how it was",
}
_VERB = re.compile(r" (is|was|has) ")


def negated(said: str) -> str:
    """Of what is no such sentence: "not: ..."."""
    if said in _OWN_WAY:
        return _OWN_WAY[said]
    return _VERB.sub(r" \1 not ", said, count=1) if _VERB.search(said) else f"not: {said}"
