"""The queue's door to the inbox."""

from post_purchase.services import inbox_states, team_alerts


def wake_snoozed() -> None:
    inbox_states.wake_snoozed()


def tell_teams() -> None:
    team_alerts.tell_teams()
