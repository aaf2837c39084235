"""Messages, all in one place for callers: the outbox, its delivery, and what the networks report."""

from .delivery import send_due
from .outbox import cancel_waiting, queue_answer, queue_message
from .statuses import reconcile_unknown, record_status

__all__ = ["cancel_waiting", "queue_answer", "queue_message", "reconcile_unknown", "record_status", "send_due"]
