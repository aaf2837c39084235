"""What the team does with a conversation among themselves: assign, snooze, leave a note."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from post_purchase.flows import pausing
from post_purchase.services import conversations, inbox_states
from post_purchase.services.notes import write_note
from post_purchase.web.forms.inbox import AssignForm, NoteForm, SnoozeForm
from shopapp.lib import clock

from .answers import refused, saved, zone_of
from .conversation_rows import conversation_of
from .inbox_door import InboxRequest, agent_required

MORNING = time(9, 0)
SNOOZES = (
    ("hour", "For an hour"),
    ("evening", "For four hours"),
    ("tomorrow", "Until tomorrow, 9:00"),
    ("week", "Until Monday, 9:00"),
)


@agent_required
def assign(request: InboxRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    form = AssignForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    chosen = form.cleaned_data["member"]
    member = get_object_or_404(request.shop.members, pk=chosen) if chosen else None
    conversations.assign(conversation=conversation, member=member, by=request.member)
    return saved(f"Assigned to {member.display_name}" if member else "Assigned to nobody")


@agent_required
def snooze(request: InboxRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    if conversation.closed_at is not None:
        return refused("This conversation is closed. Open it again first.")
    until = snoozed_until(form.cleaned_data["until"], now=clock.now(), zone=zone_of(request.shop))
    inbox_states.snooze(conversation=conversation, until=until)
    return saved("Snoozed. It comes back by itself, or when the shopper writes.")


def snoozed_until(choice: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """In the shop's time zone."""
    if choice in ("hour", "evening"):
        return now + timedelta(hours=1 if choice == "hour" else 4)
    today = now.astimezone(zone).date()
    days = 1 if choice == "tomorrow" else 7 - today.weekday()
    return datetime.combine(today + timedelta(days=days), MORNING, zone)


@agent_required
def note(request: InboxRequest, pk: int) -> HttpResponse:
    conversation = conversation_of(request, pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return refused(form=form)
    written = write_note(
        conversation=conversation,
        text=form.cleaned_data["note"],
        dedupe_key=f"note:{conversation.pk}:{form.cleaned_data['key']}",
        author_id=request.shop_user,
    )
    told = len(written.mentions)
    return saved(f"Note saved; {told} of your team will see it as unread" if told else "Note saved")


@agent_required
def pause_run(request: InboxRequest, pk: int, run: int) -> HttpResponse:
    row = get_object_or_404(conversation_of(request, pk).contact.runs, pk=run)
    if not pausing.pause(run=row):
        return refused("This flow has ended, or is paused already. Reload the page to see how it stands.")
    return saved("Paused. Nothing of it is sent until you let it go on.")


@agent_required
def resume_run(request: InboxRequest, pk: int, run: int) -> HttpResponse:
    row = get_object_or_404(conversation_of(request, pk).contact.runs, pk=run)
    if not pausing.resume(run=row):
        return refused("This flow is not paused. Reload the page to see how it stands.")
    return saved("It goes on")
