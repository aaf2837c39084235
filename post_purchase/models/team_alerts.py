from django.db import models
from django.db.models import Q

from shopapp.models import Shop

from .conversations import Conversation
from .inbox import Member


class TeamAlert(models.Model):
    """A shopper needs a person, and the team or one of it has still to be told by mail. Several go in one mail."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="team_alerts")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="team_alerts")
    member = models.ForeignKey(Member, null=True, on_delete=models.CASCADE, related_name="+")  # None: for the team
    reason = models.CharField(max_length=255)
    dedupe_key = models.CharField(max_length=190)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)  # None: told, or not to be told any more
    attempts = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "dedupe_key"], name="team_alert_once")]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="team_alert_due"),
            models.Index(fields=["shop", "member", "-told_at"], name="team_alert_newest"),
        ]

    def __str__(self) -> str:
        return f"team alert {self.pk}"
