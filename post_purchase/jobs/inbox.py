"""The queue's door to the inbox."""

from post_purchase.services import inbox_states, presence, team_alerts, team_digest


def wake_snoozed() -> None:
    inbox_states.wake_snoozed()


def tell_teams() -> None:
    team_alerts.tell_teams()


def send_digests() -> None:
    team_digest.send_digests()


def show_presence() -> None:
    presence.show_due()
