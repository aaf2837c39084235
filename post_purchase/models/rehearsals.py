from django.db import models
from django.db.models import Q

from post_purchase.words import ChannelKind, Purpose
from shopapp.lib.ordered_json import OrderedJSONField
from shopapp.models import Shop

from .contacts import Contact
from .flows import Flow
from .orders import Order


class RehearsalStatus(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Rehearsal(models.Model):
    """A draft played over the shop's own past. It holds no names: people are ids, and vanish with their rows."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="rehearsals")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="rehearsals")
    document = OrderedJSONField()  # the draft as it was
    versions = models.JSONField(default=dict)  # {flow pk: version pk} of the flows that were on
    assumptions = models.JSONField(default=dict)  # flows.rehearsal.assumptions
    seed = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    until = models.DateTimeField()
    status = models.CharField(max_length=12, choices=RehearsalStatus.choices, default=RehearsalStatus.WAITING)
    done = models.PositiveIntegerField(default=0)  # people
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)  # flows.rehearsal.tally
    error = models.CharField(max_length=255, blank=True)
    asked_by = models.CharField(max_length=64, blank=True)  # Shopify user id
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # services.rehearsals.claim
            models.Index(
                fields=["next_attempt_at", "id"], name="rehearsal_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["flow", "-id"], name="rehearsal_newest"),
        ]

    def __str__(self) -> str:
        return f"rehearsal {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in (RehearsalStatus.WAITING, RehearsalStatus.RUNNING)


class RehearsedMessage(models.Model):
    """A message that would have gone out, or would not. Its words are made anew when somebody looks."""

    class Outcome(models.TextChoices):
        SENT = "sent", "Sent"
        WAITING = "waiting", "Still waiting"
        NOT_SENT = "not_sent", "Not sent"

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.CASCADE, related_name="messages")
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE, related_name="+")
    flow_key = models.CharField(max_length=64)
    message = models.CharField(max_length=64)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    language = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, blank=True, choices=ChannelKind.choices)
    template = models.BooleanField(default=False)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    held = models.BooleanField(default=False)
    reason = models.CharField(max_length=255, blank=True)  # why not, or why it was held first
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["rehearsal", "queued_at", "id"], name="rehearsed_in_order")]

    def __str__(self) -> str:
        return f"rehearsed message {self.pk}"
