from post_purchase.services import delivery, fallbacks, outcomes, statuses
from shopapp.lib import clock


def send_messages() -> None:
    delivery.send_due()


def reconcile_messages() -> None:
    outcomes.settle_left_over(now=clock.now(), max_crashes=delivery.MAX_CRASHES)
    statuses.attach_left_over(now=clock.now())
    fallbacks.go_on_after_silence(now=clock.now())
