"""Messages that name a discount code of their own: none goes before Shopify has made its code.

Message and reward carry the same dedupe key. The message waits without a due time; the reward, which is tried until it
is made or given up, lets it go or takes it back.
"""

from typing import Any

from django.db.models import QuerySet

from post_purchase.models import Message, Reward
from post_purchase.words import MessageStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from .inbox_states import tell_team, waits_for_team
from .messages import WAITING

WAITS = "Goes when Shopify has made its discount code"


def hold(message: Message) -> None:
    """In the transaction that queued it."""
    mine = Message.objects.filter(pk=message.pk, status=MessageStatus.QUEUED, attempts=0)
    mine.update(status=MessageStatus.HELD, reason=WAITS, next_attempt_at=None)


def let_go(reward: Reward) -> None:
    if _waiting(reward).update(status=MessageStatus.QUEUED, reason="", next_attempt_at=clock.now()):
        wake(Job.SEND_MESSAGES)
        tell_team(shop_id=reward.shop_id)


def give_up(reward: Reward, why: str) -> None:
    """The team has to say it another way."""
    message = _waiting(reward).first()
    if message is None:
        return
    reason = f"The discount code could not be made. {why}"[:255]
    _waiting(reward).update(status=MessageStatus.SUPPRESSED, reason=reason)
    waits_for_team(conversation_id=message.conversation_id)
    tell_team(shop_id=reward.shop_id)


def rename_code(reward: Reward, code: str) -> None:
    """Somebody else's discount has the first code: the message names the next one."""
    for message in _waiting(reward):
        content = _with_code(message.content, reward.code, code)
        _waiting(reward).update(content=content, text=message.text.replace(reward.code, code))


def was_taken_back(reward: Reward) -> bool:
    """Its message will not go, so nobody needs the code."""
    mine = Message.objects.filter(shop_id=reward.shop_id, dedupe_key=reward.dedupe_key)
    return mine.exists() and not mine.filter(status__in=WAITING).exists()


def _waiting(reward: Reward) -> QuerySet[Message]:
    return Message.objects.filter(
        shop_id=reward.shop_id, dedupe_key=reward.dedupe_key, status=MessageStatus.HELD, next_attempt_at=None
    )


def _with_code(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_code(each, old, new) for key, each in value.items()}
    return value.replace(old, new) if isinstance(value, str) else value
