from django.db import models
from django.db.models import Q

from shopapp.lib.fulltext import WordIndex
from shopapp.models import Shop

from .contacts import ContactPoint
from .conversations import Conversation, Message

WORDS_OF_MESSAGES = WordIndex("post_purchase_message", ("text",))
WORDS_OF_CONTACTS = WordIndex("post_purchase_contact", ("first_name", "last_name"))
WORDS_OF_ORDERS = WordIndex("post_purchase_order", ("name",))
WORD_INDEXES = (WORDS_OF_MESSAGES, WORDS_OF_CONTACTS, WORDS_OF_ORDERS)


class MemberRole(models.TextChoices):
    OWNER = "owner", "Owner"  # may also say who is what
    AGENT = "agent", "Agent"
    READER = "reader", "Read-only"


class Member(models.Model):
    """A person of the shop's staff who has opened the inbox. Shopify tells us their id, and nothing else."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="members")
    user_id = models.CharField(max_length=64)  # `sub` of the ID token
    name = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)  # where they want to hear that something is theirs; empty: nowhere
    role = models.CharField(max_length=8, choices=MemberRole.choices, default=MemberRole.AGENT)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "user_id"], name="member_once")]

    def __str__(self) -> str:
        return f"member {self.pk}"

    @property
    def display_name(self) -> str:
        return self.name or f"Team member …{self.user_id[-4:]}"

    @property
    def may_write(self) -> bool:
        return self.role != MemberRole.READER


class Unread(models.Model):
    """This member has not opened the conversation since the shopper wrote, or since they were named in a note."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="unread")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="unread_by")
    since_at = models.DateTimeField()
    mentioned = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "conversation"], name="unread_once")]

    def __str__(self) -> str:
        return f"unread {self.conversation_id} of {self.member_id}"


class Draft(models.Model):
    """What a member has begun to write. While it changes, the others are told that somebody is writing."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="drafts")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    point = models.ForeignKey(ContactPoint, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "conversation"], name="reply_draft_once")]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class PresenceSign(models.Model):
    """The shopper is to see that we have read, or are writing. The newest for each address; old ones mean nothing."""

    point = models.OneToOneField(ContactPoint, on_delete=models.CASCADE, related_name="presence_sign")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")  # their newest
    typing = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # services.presence
            models.Index(fields=["next_attempt_at"], name="presence_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"presence sign {self.pk}"


class SavedReply(models.Model):
    """A text that the team uses again and again. {{ name }} and the like are filled in when it is chosen."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="saved_replies")
    name = models.CharField(max_length=60)
    text = models.TextField()
    deleted_at = models.DateTimeField(null=True)  # can be brought back for a while: jobs.clean_up

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "name"], name="saved_reply_name", condition=Q(deleted_at=None))
        ]

    def __str__(self) -> str:
        return f"saved reply {self.pk}"
