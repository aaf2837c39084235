"""The queue's door to what flows tell other systems."""

from post_purchase.services import outgoing_calls


def call_out() -> None:
    outgoing_calls.call_due()
