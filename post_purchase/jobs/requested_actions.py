"""The queue's door to what shoppers want done with their orders."""

from post_purchase.services import action_carrying, policies


def carry_out_actions() -> None:
    action_carrying.carry_out_due()


def read_policies() -> None:
    """What answers about returns name."""
    policies.read_due()
