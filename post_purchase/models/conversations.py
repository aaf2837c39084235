from django.db import models
from django.db.models import Q

from post_purchase.words import Author, Direction, MessageStatus, Purpose
from shopapp.models import Shop

from .channels import Channel
from .contacts import Contact, ContactPoint
from .orders import Order


class ConversationState(models.TextChoices):
    """Who has to do something now. Stored, so that each list of the inbox is one index read."""

    AUTOMATIC = "automatic", "Automatic"  # nobody waits: flows and answers talk
    TEAM = "team", "Waiting for us"
    SHOPPER = "shopper", "Waiting for shopper"
    SNOOZED = "snoozed", "Snoozed"
    CLOSED = "closed", "Closed"


class Conversation(models.Model):
    """Everything said with one person, over all their channels."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="conversations")
    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="conversation")
    order = models.ForeignKey(
        Order, null=True, on_delete=models.SET_NULL, related_name="conversations"
    )  # last talked about
    state = models.CharField(
        max_length=10, choices=ConversationState.choices, default=ConversationState.AUTOMATIC
    )  # services.inbox_states writes it
    waits_since = models.DateTimeField(null=True)  # TEAM: since when the shopper waits for a person
    open_since = models.DateTimeField(null=True)  # since the team was first asked; None: solved, or never asked
    snoozed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    handed_off_at = models.DateTimeField(null=True)  # a person is asked for: flows and automatic answers pause
    hand_off_reason = models.CharField(max_length=255, blank=True)
    answer_promised_at = models.DateTimeField(null=True)  # told that a person will reply; None once one has
    assignee = models.CharField(max_length=64, blank=True)  # Shopify user id
    unread = models.PositiveIntegerField(default=0)  # inbound messages that no person has opened
    last_message_at = models.DateTimeField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    last_text = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["shop", "-last_message_at", "-id"], name="conversation_newest"),
            models.Index(fields=["shop", "state", "-last_message_at", "-id"], name="conversation_by_state"),
            models.Index(
                fields=["shop", "assignee", "-last_message_at", "-id"],
                name="conversation_by_assignee",
                condition=~Q(assignee=""),
            ),
            # services.inbox_states.wake_snoozed
            models.Index(
                fields=["snoozed_until"], name="conversation_snoozed", condition=Q(snoozed_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Message(models.Model):
    """Every message, in and out. An outbound row is the outbox: what is due is found by `next_attempt_at`."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="messages")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="messages")
    point = models.ForeignKey(ContactPoint, null=True, on_delete=models.SET_NULL, related_name="messages")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="messages")
    order = models.ForeignKey(Order, null=True, on_delete=models.SET_NULL, related_name="messages")
    direction = models.CharField(max_length=4, choices=Direction.choices)
    author = models.CharField(max_length=16, choices=Author.choices)
    author_id = models.CharField(max_length=64, blank=True)  # Shopify user id of the person
    run = models.ForeignKey("post_purchase.FlowRun", null=True, on_delete=models.SET_NULL, related_name="messages")
    step_id = models.CharField(max_length=64, blank=True)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, default=Purpose.SERVICE)
    content = models.JSONField(default=dict)  # channels.base.OutMessage / inbound parts, as JSON
    text = models.TextField(blank=True)  # what a person reads in the inbox
    status = models.CharField(max_length=16, choices=MessageStatus.choices, default=MessageStatus.QUEUED)
    reason = models.CharField(max_length=255, blank=True)  # plain words: why held, suppressed or failed
    detour = models.CharField(max_length=255, blank=True)  # why another channel, or a template
    fact_key = models.CharField(max_length=120, blank=True)  # "shipped:parcel:7": the fact that it tells
    error_code = models.CharField(max_length=32, blank=True)
    dedupe_key = models.CharField(max_length=190)
    ref = models.CharField(max_length=32)  # random; travels with the message and comes back in callbacks
    provider_id = models.CharField(max_length=255, blank=True)  # wamid, mid, Message-ID
    fixed_point = models.BooleanField(default=False)  # reply: goes to `point` or nowhere

    next_attempt_at = models.DateTimeField(
        null=True
    )  # due when reached; a claim pushes it forward (lease); None: not waiting
    attempts = models.PositiveSmallIntegerField(default=0)
    use_by_at = models.DateTimeField(null=True)  # after this it is no longer true or useful, and is suppressed
    happened_at = models.DateTimeField()  # inbound: by the network's clock; outbound: when it was queued
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "dedupe_key"], name="message_once"),
            models.UniqueConstraint(fields=["ref"], name="message_ref_unique"),
            models.UniqueConstraint(
                fields=["channel", "provider_id"], name="message_once_per_provider", condition=~Q(provider_id="")
            ),
        ]
        indexes = [
            # services.messages.claim_due and the sweep over SENDING rows
            models.Index(
                fields=["next_attempt_at", "id"], name="message_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(
                fields=["conversation", "id"], name="message_in_order", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["conversation", "-id"], name="message_newest"),
            models.Index(
                fields=["contact", "purpose", "-sent_at"], name="message_caps", condition=Q(sent_at__isnull=False)
            ),
            # services.fallbacks
            models.Index(
                fields=["shop", "sent_at"],
                name="message_silent",
                condition=Q(status=MessageStatus.SENT, purpose=Purpose.UTILITY, fixed_point=False),
            ),
            models.Index(fields=["contact", "fact_key"], name="message_fact", condition=~Q(fact_key="")),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class DeliveryAttempt(models.Model):
    """One call to a network. A row without `finished_at` after its lease means: nobody knows whether it was taken."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"
        REFUSED = "refused"
        UNKNOWN = "unknown"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="delivery_attempts")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL)
    point = models.ForeignKey(ContactPoint, null=True, on_delete=models.SET_NULL)
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    decided = models.CharField(max_length=20, blank=True)  # channels.base.Outcome of a refusal: what follows from it
    error_code = models.CharField(max_length=32, blank=True)
    error = models.CharField(max_length=255, blank=True)
    file_sent = models.BooleanField(default=False)  # the picture went as a message of its own, the words did not
    provider_id = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="attempt_once")]

    def __str__(self) -> str:
        return f"attempt {self.number} of message {self.message_id}"


class ProviderStatus(models.Model):
    """A status that a network reported. Kept though its message is not known yet: it may overtake the send's answer."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    provider_id = models.CharField(max_length=255)
    ref = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16, choices=MessageStatus.choices)
    error_code = models.CharField(max_length=32, blank=True)
    error = models.CharField(max_length=255, blank=True)
    decided = models.CharField(max_length=20, blank=True)  # channels.base.Outcome of a failure
    happened_at = models.DateTimeField()
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="provider_statuses")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "provider_id", "status"], name="provider_status_once")
        ]
        indexes = [
            # services.statuses.attach_left_over
            models.Index(fields=["happened_at"], name="provider_status_left_over", condition=Q(message__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.status} of {self.provider_id[:12]}"


class AttachmentStatus(models.TextChoices):
    WAITING = "waiting"
    STORED = "stored"
    REFUSED = "refused"  # not an image, too large, a bomb: `reason` says which


class Attachment(models.Model):
    """A photo that a shopper sent: fetched, sniffed, re-encoded without EXIF, stored privately."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    source = models.JSONField(default=dict)  # how the driver fetches it: {"media_id": ...} or {"url": ...}
    claimed_type = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=16, choices=AttachmentStatus.choices, default=AttachmentStatus.WAITING)
    reason = models.CharField(max_length=255, blank=True)
    file = models.CharField(max_length=255, blank=True)  # path below MEDIA_ROOT
    thumbnail = models.CharField(max_length=255, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    bytes = models.PositiveIntegerField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="attachment_once")]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="attachment_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"attachment {self.pk}"


class Note(models.Model):
    """For the team only, beside the conversation."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="notes")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    run = models.ForeignKey("post_purchase.FlowRun", null=True, on_delete=models.SET_NULL, related_name="notes")
    author_id = models.CharField(max_length=64, blank=True)  # Shopify user id; empty: a flow
    text = models.TextField()
    mentions = models.JSONField(default=list)  # Shopify user ids of the members who are named in it
    dedupe_key = models.CharField(max_length=190)
    written_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "dedupe_key"], name="note_once")]
        indexes = [models.Index(fields=["conversation", "-written_at"], name="note_newest")]

    def __str__(self) -> str:
        return f"note {self.pk}"
