import time

from django.db import DatabaseError

from post_purchase.services.privacy_requests import answer_request, claim_request, put_off

SECONDS = 100
TROUBLE = (ArithmeticError, AttributeError, DatabaseError, LookupError, OSError, RuntimeError, TypeError, ValueError)


def answer_privacy_requests() -> None:
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        request = claim_request()
        if request is None:
            return
        try:
            answer_request(request=request)
        except TROUBLE as error:
            put_off(request=request, error=error)
