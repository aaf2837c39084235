"""The queue's door to the inbox."""

from post_purchase.services import inbox_states


def wake_snoozed() -> None:
    inbox_states.wake_snoozed()
