"""Notes for the team beside a conversation."""

from post_purchase.models import Conversation, FlowRun, Note
from shopapp.lib import clock

MAX_TEXT = 4000


def write_note(
    *, conversation: Conversation, text: str, dedupe_key: str, author_id: str = "", run: FlowRun | None = None
) -> Note:
    """Repeating the key writes nothing. `author_id` empty: a flow wrote it."""
    note, _ = Note.objects.get_or_create(
        shop_id=conversation.shop_id,
        dedupe_key=dedupe_key,
        defaults={
            "conversation": conversation,
            "run": run,
            "author_id": author_id[:64],
            "text": text.strip()[:MAX_TEXT],
            "written_at": clock.now(),
        },
    )
    return note
