"""What the inbox's forms may say."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms

from post_purchase.models import MemberRole
from post_purchase.services.composing import FARTHEST, VARIABLES
from post_purchase.services.notes import MAX_TEXT
from post_purchase.services.texts import TextError, render
from post_purchase.words import ChannelKind
from shopapp.lib import clock

MORNING, EVENING = time(9), time(18)


class AssignForm(forms.Form):
    member = forms.IntegerField(min_value=1, max_value=2**62, required=False)


class SnoozeForm(forms.Form):
    until = forms.ChoiceField(
        choices=[(key, key) for key in ("hour", "evening", "tomorrow", "week")],
        error_messages={"required": "Choose until when."},
    )


class NoteForm(forms.Form):
    note = forms.CharField(max_length=MAX_TEXT, error_messages={"required": "Write something first."})
    key = forms.RegexField(r"^[0-9A-Z]{16}$")


class MemberForm(forms.Form):
    name = forms.RegexField(
        r"^[^@<>\n]{1,40}$",
        max_length=40,
        error_messages={"required": "Give a name.", "invalid": "A name of up to 40 letters, without @."},
    )
    role = forms.ChoiceField(choices=MemberRole.choices)
    email = forms.EmailField(
        max_length=254, required=False, error_messages={"invalid": "Write an address like anna@example.com."}
    )


class OwnAddressForm(forms.Form):
    email = MemberForm.base_fields["email"]


class ListForm(forms.Form):
    """The list's address. What is not understood is left out: a list is never an error."""

    q = forms.CharField(max_length=80, required=False)
    channel = forms.ChoiceField(choices=ChannelKind.choices, required=False)
    language = forms.RegexField(r"^[A-Za-z]{2,3}$", required=False)
    flow = forms.IntegerField(min_value=1, max_value=2**62, required=False)
    product = forms.CharField(max_length=80, required=False)
    before = forms.RegexField(r"^[0-9T:.+-]{10,40}_[0-9]{1,18}$", required=False)

    def clean_before(self) -> tuple[datetime, int] | None:
        at, _, pk = self.cleaned_data["before"].partition("_")
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        return (moment, int(pk)) if moment.tzinfo else None


class DraftForm(forms.Form):
    text = forms.CharField(max_length=4000, required=False, strip=False)
    point = forms.IntegerField(min_value=1, max_value=2**62, required=False)


class SavedReplyForm(forms.Form):
    name = forms.CharField(max_length=60, error_messages={"required": "Give it a name, for example “Return label”."})
    text = forms.CharField(max_length=2000, error_messages={"required": "Write the text."})

    def clean_text(self) -> str:
        """Filled in for an invented shopper, so that a mistake shows now and not before a real one."""
        text: str = self.cleaned_data["text"]
        missing: list[str] = []
        try:
            render(text, dict.fromkeys(VARIABLES, "x"), language="en", missing=missing)
        except TextError as error:
            raise forms.ValidationError(str(error)) from error
        if missing:
            raise forms.ValidationError(f"“{missing[0]}” is not known. You can use: {', '.join(VARIABLES)}.")
        return text


def send_times(*, now: datetime, zone: ZoneInfo, until: datetime | None = None) -> list[tuple[str, str, datetime]]:
    """(value, label, moment) of the times that are offered for an answer, by the team's clock; none after `until`."""
    here = now.astimezone(zone)
    evening = datetime.combine(here.date(), EVENING, zone)
    tomorrow = datetime.combine(here.date() + timedelta(days=1), MORNING, zone)
    monday = datetime.combine(here.date() + timedelta(days=7 - here.weekday()), MORNING, zone)
    offered = [("hour", "In an hour", here + timedelta(hours=1))]
    if evening > here + timedelta(minutes=30):
        offered.append(("evening", f"This evening, {EVENING:%H:%M}", evening))
    offered.append(("tomorrow", f"Tomorrow, {MORNING:%H:%M}", tomorrow))
    if monday != tomorrow:
        offered.append(("monday", f"Monday, {MORNING:%H:%M}", monday))
    return [each for each in offered if until is None or each[2] <= until]


def send_at(*, choice: str, typed: str, zone: ZoneInfo) -> datetime | None:
    """The chosen time, or the one that was written; None for now. Raises ValueError with words for people."""
    if typed.strip():
        return planned_at(typed, zone=zone)
    moments = {name: moment for name, _, moment in send_times(now=clock.now(), zone=zone)}
    if choice and choice not in moments:
        raise ValueError("This time has passed. Choose a later one.")
    return moments[choice].astimezone(UTC) if choice else None


def planned_at(typed: str, *, zone: ZoneInfo) -> datetime | None:
    """ "2026-11-27T09:00" of the shop's clock; None where nothing is typed. Raises ValueError with words for people."""
    if not typed.strip():
        return None
    try:
        moment = datetime.fromisoformat(typed.strip().replace(" ", "T"))
    except ValueError:
        raise ValueError("Write a day and a time like 2026-11-27 09:00.") from None
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if moment <= clock.now():
        raise ValueError("This time has passed. Choose a later one, or leave it empty to send now.")
    if moment > clock.now() + FARTHEST:
        raise ValueError(f"Choose a time within the next {FARTHEST.days} days.")
    return moment
