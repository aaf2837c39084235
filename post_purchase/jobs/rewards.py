"""The queue's door to the discount codes."""

from post_purchase.services import rewards


def issue_rewards() -> None:
    rewards.issue_due()
