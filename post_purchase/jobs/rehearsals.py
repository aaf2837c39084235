"""The queue's door to rehearsals."""

from post_purchase.flows.rehearsal import stage


def rehearse() -> None:
    stage.play_due()
