from django.db import models
from django.db.models import Q

from shopapp.lib.crypto import EncryptedTextField
from shopapp.models import Shop

from .contacts import ContactPoint
from .conversations import Conversation
from .orders import Order


class ActionKind(models.TextChoices):
    CANCEL = "cancel", "Cancel the order"
    ADDRESS = "address", "Change the address"
    RETURN = "return", "Return"
    EXCHANGE = "exchange", "Exchange"


class ActionState(models.TextChoices):
    ASKED = "asked", "Asked, not confirmed"  # the shopper has been asked whether it is meant
    APPROVAL = "approval", "Waiting for you"  # confirmed; a person of the team decides
    CONFIRMED = "confirmed", "Being carried out"
    DONE = "done", "Done"
    FAILED = "failed", "Could not be done"
    DECLINED = "declined", "Declined"
    DROPPED = "dropped", "Not wanted after all"
    UNDOING = "undoing", "Being taken back"
    UNDONE = "undone", "Taken back"


class RequestedAction(models.Model):
    """What a shopper wants done with an order. Carried out at Shopify by services/action_carrying."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="requested_actions")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="requested_actions")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="requested_actions")
    point = models.ForeignKey(ContactPoint, null=True, on_delete=models.SET_NULL, related_name="requested_actions")
    kind = models.CharField(max_length=12, choices=ActionKind.choices)
    state = models.CharField(max_length=12, choices=ActionState.choices, default=ActionState.ASKED)
    language = models.CharField(max_length=16, blank=True)
    lines = models.JSONField(
        default=list
    )  # return, exchange: OrderLine.shopify_id of what is meant; empty: not said yet
    address = EncryptedTextField(blank=True)  # JSON of services.postal.Address: the new one
    address_before = EncryptedTextField(blank=True)  # Shopify's MailingAddressInput as JSON, to take it back
    question_key = models.CharField(max_length=190, blank=True)  # Message.dedupe_key of what the shopper was asked last
    dedupe_key = models.CharField(max_length=190)
    return_gid = models.CharField(max_length=128, blank=True)
    error = models.CharField(max_length=255, blank=True)
    decided_by = models.CharField(max_length=64, blank=True)  # Shopify user id; empty: by the merchant's rule
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)  # when Shopify was last told to do it, committed before it is told
    done_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "dedupe_key"], name="requested_action_once")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="requested_action_due", condition=Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["conversation", "-id"], name="requested_action_newest"),
        ]

    def __str__(self) -> str:
        return f"requested action {self.pk}"
