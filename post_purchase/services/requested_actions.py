"""Cancel, another address, return, exchange: asked back with the facts, confirmed by the shopper, then done or decided.

The order must be bound to who asks. Only the person who was asked can confirm, on the network where they were asked.
"""

import json
from dataclasses import dataclass

from django.db import transaction

from post_purchase.channels.base import Button
from post_purchase.models import ActionKind, ActionState, Message, Order, OrderLine, RequestedAction
from post_purchase.words import Direction
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake

from . import bindings, postal
from .action_rules import BEFORE_IT_LEAVES, SCOPES, Mode, Rule, obstacle, rule_of
from .action_words import facts_of, said, say
from .inbox_states import waits_for_team
from .phrases import load, plain
from .shops import settings_of
from .talk_language import language_of
from .team_alerts import alert_team
from .threads import hand_off
from .understanding import Understanding

PREFIX = "act"
INTENTS = {"cancel": ActionKind.CANCEL, "change_address": ActionKind.ADDRESS, "return_exchange": ActionKind.RETURN}
OPEN = (ActionState.APPROVAL, ActionState.CONFIRMED, ActionState.UNDOING)
MOST_LINES = 8  # items to choose from by a tap


@dataclass(frozen=True)
class Reply:
    """`intent`: what it answers. `hand_off`: a person has to know, and why."""

    intent: str
    text: str
    order: Order
    buttons: tuple[Button, ...] = ()
    action: RequestedAction | None = None
    hand_off: str = ""


def ask_back(*, message: Message, heard: Understanding) -> Reply | None:
    """What to say to a wish that the merchant's rules allow; None: it is for a person, who is told elsewhere."""
    wanted = [name for name in INTENTS if name in heard.names]
    if len(wanted) != 1 or message.point is None:
        return None
    intent = wanted[0]
    kind = INTENTS[intent]
    if kind == ActionKind.RETURN and _means_exchange(message.text):
        kind = ActionKind.EXCHANGE
    rule = rule_of(settings_of(message.shop), kind)
    if rule.mode == Mode.OFF:
        return None
    order, why_not = _order_for(message, heard, kind, rule)
    if order is None:
        return None
    language = language_of(message.contact, order)
    open_one = RequestedAction.objects.filter(order=order, kind=kind, state__in=OPEN).order_by("pk").last()
    if open_one is not None:
        name = "to_team" if open_one.state == ActionState.APPROVAL else "noted"
        return Reply(intent, said(name, language, order=order.name), order)
    if why_not:
        reason = f"{ActionKind(kind).label}, {order.name}: {why_not}"
        return Reply(intent, said("person", language, order=order.name), order, hand_off=reason)
    action, _ = RequestedAction.objects.get_or_create(
        shop=message.shop,
        dedupe_key=f"message:{message.pk}",
        defaults={
            "conversation": message.conversation,
            "order": order,
            "point": message.point,
            "kind": kind,
            "language": language,
            "asked_at": clock.now(),
        },
    )
    if kind == ActionKind.ADDRESS:
        example = postal.sample(order.shipping_country)
        if not example:
            RequestedAction.objects.filter(pk=action.pk).delete()
            return None
        text = said("ask_address", language, order=order.name, sample=example)
        return Reply(intent, text, order, action=action)
    if kind == ActionKind.CANCEL:
        return Reply(intent, *_confirmation(action), action=action)
    lines = _lines(order)
    if not lines or len(lines) > MOST_LINES:
        RequestedAction.objects.filter(pk=action.pk).delete()
        return None
    if len(lines) == 1:
        _choose(action, [lines[0].shopify_id])
        return Reply(intent, *_confirmation(action), action=action)
    choices = [Button(id=f"{PREFIX}:{action.pk}:line:{line.shopify_id}", title=line.title[:80]) for line in lines]
    choices.append(Button(id=f"{PREFIX}:{action.pk}:all", title=said("all_items", language)))
    return Reply(intent, said("which_item", language, order=order.name), order, tuple(choices), action)


def asked(action: RequestedAction, message: Message) -> None:
    """This message holds the question: what is typed right after it is its answer."""
    RequestedAction.objects.filter(pk=action.pk).update(question_key=message.dedupe_key)


def heard_tap(*, message: Message, button_id: str) -> bool:
    """True: the tap was on a question of ours. Anybody else's, and a tap too many, changes nothing."""
    prefix, _, rest = button_id.partition(":")
    number, _, verb = rest.partition(":")
    if prefix != PREFIX or not number.isdecimal() or len(number) > 18:
        return False
    action = _own(message, pk=int(number))
    if action is not None:
        _act(action, verb, message)
    return True


def heard_reply(*, message: Message) -> bool:
    """What is typed right after our question: yes, no, the item, the address. False: it is about something else."""
    last = (
        Message.objects.filter(conversation_id=message.conversation_id, direction=Direction.OUT, pk__lt=message.pk)
        .order_by("-pk")
        .first()
    )
    if last is None or last.point_id != message.point_id:
        return False
    action = _own(message, question_key=last.dedupe_key)
    if action is None or not last.dedupe_key:
        return False
    if action.state == ActionState.ASKED and action.kind == ActionKind.ADDRESS and not action.address:
        return _take_address(action, message)
    verb = _verb(action, message, list((last.content or {}).get("buttons") or []))
    if verb:
        _act(action, verb, message)
    return bool(verb)


@transaction.atomic
def decide(*, action: RequestedAction, approved: bool, user_id: str) -> bool:
    """A person of the team has decided. False: somebody was faster."""
    now = clock.now()
    waiting = RequestedAction.objects.filter(pk=action.pk, state=ActionState.APPROVAL)
    by_hand = action.kind == ActionKind.EXCHANGE
    news = {"decided_at": now, "decided_by": user_id}
    if not approved:
        if not waiting.update(state=ActionState.DECLINED, **news):
            return False
        say(action, "declined", key="declined")
    elif by_hand:
        if not waiting.update(state=ActionState.DONE, done_at=now, **news):
            return False
        say(action, "approved", key="approved")
    else:
        if not waiting.update(state=ActionState.CONFIRMED, next_attempt_at=now, attempts=0, error="", **news):
            return False
        wake(Job.CARRY_OUT_ACTIONS)
    return True


def _order_for(message: Message, heard: Understanding, kind: str, rule: Rule) -> tuple[Order | None, str]:
    """(the order that is meant, why it cannot be done): the named one, else the newest for which it can be done."""
    assert message.point is not None
    named = bindings.named_orders(message.point, heard.slots.get("order_numbers", ()))
    orders = named[:1] or list(bindings.bound_orders(message.point)[: bindings.MOST_LOOKED_AT])
    judged = [(order, obstacle(kind, order, rule=rule, now=clock.now())) for order in orders]
    return next((pair for pair in judged if not pair[1]), judged[0] if judged else (None, ""))


def _own(message: Message, **which: object) -> RequestedAction | None:
    """Locked, so that two taps at once are one. Only of the point that was asked, and whose order is still its own."""
    if message.point is None:
        return None
    rows = RequestedAction.objects.select_for_update(no_key=True, of=("self",)).select_related("order", "shop")
    action = rows.filter(shop_id=message.shop_id, point_id=message.point_id, **which).order_by("pk").last()
    if action is None or not bindings.bound_orders(message.point).filter(pk=action.order_id).exists():
        return None
    return action


def _act(action: RequestedAction, verb: str, message: Message) -> None:
    if verb == "undo":
        _undo(action)
    elif action.state != ActionState.ASKED:
        return
    elif verb == "no":
        RequestedAction.objects.filter(pk=action.pk).update(state=ActionState.DROPPED, address="")
        say(action, "kept", key="kept")
    elif verb == "yes":
        _confirm(action)
    else:
        lines = [line.shopify_id for line in _lines(action.order)]
        chosen = [each for each in lines if verb in ("all", f"line:{each}")]
        if chosen and action.kind in (ActionKind.RETURN, ActionKind.EXCHANGE):
            _choose(action, chosen)
            _ask_again(action, key=f"confirm:{message.pk}")


def _confirm(action: RequestedAction) -> None:
    """By the rule of this moment: the merchant may have changed it, the parcel may have left."""
    if (action.kind == ActionKind.ADDRESS and not action.address) or (
        action.kind in (ActionKind.RETURN, ActionKind.EXCHANGE) and not action.lines
    ):
        return
    now = clock.now()
    rule = rule_of(settings_of(action.shop), action.kind)
    why_not = (
        "it is no longer offered" if rule.mode == Mode.OFF else obstacle(action.kind, action.order, rule=rule, now=now)
    )
    if why_not:
        fail(action, why_not)
        return
    scope = SCOPES.get(ActionKind(action.kind))
    at_once = rule.mode == Mode.AT_ONCE and scope is not None and scope in action.shop.scope_set
    rows = RequestedAction.objects.filter(pk=action.pk)
    if at_once:
        rows.update(state=ActionState.CONFIRMED, confirmed_at=now, next_attempt_at=now)
        wake(Job.CARRY_OUT_ACTIONS)
        return
    rows.update(state=ActionState.APPROVAL, confirmed_at=now)
    reason = f"{ActionKind(action.kind).label}, {action.order.name}: ready for you to decide"
    alert_team(conversation=action.conversation, reason=reason, since=now)
    waits_for_team(conversation_id=action.conversation_id)
    say(action, "to_team", key="to_team")


def _undo(action: RequestedAction) -> None:
    now = clock.now()
    if action.state != ActionState.DONE or action.kind not in (ActionKind.ADDRESS, ActionKind.RETURN):
        return
    gone = obstacle(action.kind, action.order, rule=Rule(), now=now) if action.kind in BEFORE_IT_LEAVES else ""
    if gone:
        hand_off(conversation=action.conversation, reason=f"Take the new address back, {action.order.name}: {gone}")
        say(action, "person", key="undo:person")
        return
    RequestedAction.objects.filter(pk=action.pk).update(
        state=ActionState.UNDOING, next_attempt_at=now, attempts=0, sent_at=None
    )
    wake(Job.CARRY_OUT_ACTIONS)


@transaction.atomic
def fail(action: RequestedAction, why: str) -> None:
    """It cannot be done by a machine: a person has it, with the reason, and the shopper knows."""
    RequestedAction.objects.filter(pk=action.pk).update(state=ActionState.FAILED, error=why[:255], next_attempt_at=None)
    hand_off(
        conversation=action.conversation, reason=f"{ActionKind(action.kind).label}, {action.order.name}: {why}"[:255]
    )
    say(action, "person", key="person")


def _take_address(action: RequestedAction, message: Message) -> bool:
    if plain(message.text) in _words("no"):
        _act(action, "no", message)
        return True
    found = postal.parse(message.text, action.order.shipping_country)
    if found is None:
        if not any(char.isdigit() for char in message.text):
            return False  # no address: a question of another kind
        fail(action, "the address has to be read by a person, it is in the chat")
        return True
    action.address = json.dumps(found.as_dict())
    RequestedAction.objects.filter(pk=action.pk).update(address=action.address)
    _ask_again(action, key=f"confirm:{message.pk}")
    return True


def _choose(action: RequestedAction, lines: list[int]) -> None:
    action.lines = lines
    RequestedAction.objects.filter(pk=action.pk).update(lines=lines)


def _confirmation(action: RequestedAction) -> tuple[str, Order, tuple[Button, ...]]:
    text = said(f"confirm_{action.kind}", action.language, **facts_of(action))
    buttons = tuple(
        Button(id=f"{PREFIX}:{action.pk}:{verb}", title=said(verb, action.language)) for verb in ("yes", "no")
    )
    return text, action.order, buttons


def _ask_again(action: RequestedAction, *, key: str) -> None:
    text, _, buttons = _confirmation(action)
    message = say(action, "", key=key, text=text, buttons=buttons)
    if message is not None:
        asked(action, message)


def _verb(action: RequestedAction, message: Message, buttons: list[dict[str, str]]) -> str:
    text = plain(message.text)
    if text.isdecimal() and len(text) < 3 and 1 <= int(text) <= len(buttons):
        return buttons[int(text) - 1]["id"].split(":", 2)[2]
    for button in buttons:
        if text == plain(button["title"]):
            return button["id"].split(":", 2)[2]
    verbs = {button["id"].split(":", 2)[2] for button in buttons}
    for verb in ("yes", "no"):
        if verb in verbs and text in _words(verb):
            return verb
    return ""


def _words(kind: str) -> frozenset[str]:
    return frozenset(plain(word) for words in load("actions")["words"][kind].values() for word in words)


def _means_exchange(text: str) -> bool:
    said_plainly = plain(text[:1000])
    return any(word in said_plainly for word in _words("exchange"))


def _lines(order: Order) -> list[OrderLine]:
    return [line for line in order.lines.all() if line.requires_shipping and line.current_quantity]
