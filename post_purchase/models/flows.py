from django.db import models
from django.db.models import Q

from post_purchase.words import EventKind
from shopapp.lib.ordered_json import OrderedJSONField
from shopapp.models import Shop

from .contacts import Contact
from .conversations import Conversation, Message
from .orders import Order, Parcel


class FlowStatus(models.TextChoices):
    OFF = "off"
    ON = "on"


class Flow(models.Model):
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="flows")
    key = models.CharField(max_length=64)  # the library file's name, or a slug of the merchant's own
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=FlowStatus.choices, default=FlowStatus.OFF)
    live_version = models.ForeignKey("FlowVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    # A share of new runs gets this version first; then it becomes the live one, or is taken back.
    canary_version = models.ForeignKey("FlowVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    canary_share = models.PositiveSmallIntegerField(default=0)  # per cent
    draft = OrderedJSONField(default=dict)  # flows.definition.FlowDocument as JSON; what the editor works on
    draft_saved_at = models.DateTimeField(null=True)
    draft_saved_by = models.CharField(max_length=64, blank=True)  # Shopify user id
    draft_place = models.PositiveIntegerField(default=0)  # where in its history the draft stands
    watched_at = models.DateTimeField(null=True)  # flows.watching has told of all that time alone brought until then
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "key"], name="flow_once_per_shop")]

    def __str__(self) -> str:
        return f"flow {self.key}"


class FlowDraft(models.Model):
    """One change of a draft, for undo and redo: flows.drafts. The newest ones are kept."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="drafts")
    place = models.PositiveIntegerField()
    document = OrderedJSONField()
    what = models.CharField(max_length=160, blank=True)  # plain words: "Moved “Receipt”"
    part = models.CharField(max_length=190, blank=True)  # typing in one part is one change
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "place"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft {self.place} of flow {self.flow_id}"


class FlowVersion(models.Model):
    """A published document. Never changed: runs that entered it finish with it."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = OrderedJSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=64, blank=True)
    same_as = models.PositiveIntegerField(null=True)  # the number of the version that was rolled back to

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="version_once")]

    def __str__(self) -> str:
        return f"version {self.number} of flow {self.flow_id}"


class RunStatus(models.TextChoices):
    ACTIVE = "active"  # being advanced, or waiting for something nameable in `state`
    ENDED = "ended"
    PARKED = "parked"  # its version is broken; the error says where; a person moves it on


class FlowRun(models.Model):
    """One order's way through one version of a flow."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="runs")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(FlowVersion, on_delete=models.PROTECT, related_name="runs")
    subject_key = models.CharField(max_length=96)  # "order:123", "contact:4@<event>": once for each
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="runs")
    parcel = models.ForeignKey(Parcel, null=True, on_delete=models.SET_NULL)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE, related_name="runs")
    state = models.JSONField(default=dict)  # flows.definition.RunState as JSON
    status = models.CharField(max_length=8, choices=RunStatus.choices, default=RunStatus.ACTIVE)
    waiting_for = models.CharField(max_length=120, blank=True)  # plain words
    at_steps = models.CharField(max_length=255, blank=True)  # step ids that it waits at, divided by blanks: to count by
    ended_reason = models.CharField(max_length=255, blank=True)
    sequence = models.PositiveIntegerField(default=0)  # events applied so far
    started_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)  # by a person; what happens meanwhile is kept: flows.pausing
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "subject_key"], name="run_once_per_subject")]
        indexes = [
            models.Index(fields=["contact", "status"], name="run_of_contact"),
            models.Index(fields=["order", "status"], name="run_of_order"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class RunMove(models.Model):
    """A merchant's wish to move the runs under way to another version. Done in batches: flows.moving."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="moves")
    to_version = models.ForeignKey(FlowVersion, on_delete=models.CASCADE, related_name="+")
    plan = models.JSONField(default=dict)  # {version pk: flows.moving.Plan as JSON}
    asked_by = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    cursor = models.BigIntegerField(default=0)  # runs up to this one have been looked at
    moved = models.PositiveIntegerField(default=0)
    stayed = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        indexes = [
            # flows.moving.handle_due
            models.Index(fields=["next_attempt_at", "id"], name="move_due", condition=Q(next_attempt_at__isnull=False)),
            models.Index(fields=["id"], name="move_parked", condition=Q(parked_at__isnull=False)),  # /health/ready
        ]

    def __str__(self) -> str:
        return f"move {self.pk} of flow {self.flow_id}"


class HeldEvent(models.Model):
    """What happened to a run while it was paused. Applied in this order when it goes on."""

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="held_events")
    event_key = models.CharField(max_length=190)
    event = models.JSONField()
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "event_key"], name="held_event_once")]

    def __str__(self) -> str:
        return f"held event {self.pk} of run {self.run_id}"


class RunEvent(models.Model):
    """The recorded log of a run: replayed, it gives the same state. The same event key is applied once."""

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="log")
    sequence = models.PositiveIntegerField()
    event_key = models.CharField(max_length=190)
    event = models.JSONField()
    facts = models.JSONField(default=dict)  # what the engine saw
    effects = models.JSONField(default=list)
    happened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "event_key"], name="run_event_once"),
            models.UniqueConstraint(fields=["run", "sequence"], name="run_event_in_order"),
        ]

    def __str__(self) -> str:
        return f"event {self.sequence} of run {self.run_id}"


class Timer(models.Model):
    """Wakes a run at `due_at`. Leased: a claim pushes `next_attempt_at` forward; done rows are cleaned up."""

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="timers")
    key = models.CharField(max_length=96)  # "<step id>:<visit>": the same wait is set once
    due_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    parked_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="timer_once")]
        indexes = [
            # flows.timers.claim_due
            models.Index(
                fields=["next_attempt_at", "id"], name="timer_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["id"], name="timer_parked", condition=Q(parked_at__isnull=False)),  # /health/ready
        ]

    def __str__(self) -> str:
        return f"timer {self.key}"


class FlowEvent(models.Model):
    """What happened, recorded in the transaction that made it true; jobs.flows hands each to the flows it concerns."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    kind = models.CharField(max_length=32, choices=EventKind.choices)
    key = models.CharField(max_length=190)  # the same fact is recorded once
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE)
    parcel = models.ForeignKey(Parcel, null=True, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE)
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.CASCADE)
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE)
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "key"], name="event_once")]
        indexes = [
            # jobs.flows.handle_events
            models.Index(
                fields=["next_attempt_at", "id"], name="event_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["id"], name="event_parked", condition=Q(parked_at__isnull=False)),  # /health/ready
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class OutgoingCall(models.Model):
    """What a flow tells another system, or Shopify Flow. The row is the truth; tried again until it is taken."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        SHOPIFY_FLOW = "shopify_flow"

    class Status(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        FAILED = "failed"

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="outgoing_calls")
    run = models.ForeignKey(FlowRun, null=True, on_delete=models.SET_NULL, related_name="outgoing_calls")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE)
    step_id = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    url = models.URLField(max_length=500, blank=True)
    body = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=190)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "dedupe_key"], name="call_once")]
        indexes = [
            # services.outgoing_calls
            models.Index(fields=["next_attempt_at", "id"], name="call_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"outgoing call {self.pk}"
