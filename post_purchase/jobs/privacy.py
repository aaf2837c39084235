import time

from post_purchase.services.privacy_requests import answer_request, claim_request

SECONDS = 100


def answer_privacy_requests() -> None:
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        request = claim_request()
        if request is None:
            return
        answer_request(request=request)
