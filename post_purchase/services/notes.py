"""Notes for the team beside a conversation."""

from django.db import transaction

from post_purchase.models import Conversation, FlowRun, Member, Note
from shopapp.lib import clock

from .inbox_states import mark_unread
from .members import named_in
from .team_alerts import alert_member

MAX_TEXT = 4000


@transaction.atomic
def write_note(
    *, conversation: Conversation, text: str, dedupe_key: str, author_id: str = "", run: FlowRun | None = None
) -> Note:
    """Repeating the key writes nothing. `author_id` empty: a flow wrote it.

    Members whom it names ("@Ana") find the conversation among their unread ones.
    """
    members = (
        list(Member.objects.filter(shop_id=conversation.shop_id).exclude(user_id=author_id)) if "@" in text else []
    )
    named = named_in(text, members)
    note, created = Note.objects.get_or_create(
        shop_id=conversation.shop_id,
        dedupe_key=dedupe_key,
        defaults={
            "conversation": conversation,
            "run": run,
            "author_id": author_id[:64],
            "text": text.strip()[:MAX_TEXT],
            "mentions": [member.user_id for member in named],
            "written_at": clock.now(),
        },
    )
    if created and named:
        told = Member.objects.filter(pk__in=[member.pk for member in named])
        mark_unread(conversation_id=conversation.pk, members=told, mentioned=True)
        author = Member.objects.filter(shop_id=conversation.shop_id, user_id=author_id).first()
        reason = f"{author.display_name if author else 'A flow'} names you in a note"
        for member in named:
            alert_member(conversation=conversation, member=member, reason=reason, key=f"note:{note.pk}")
    return note
