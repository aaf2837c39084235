"""What the inbox's forms may say."""

from datetime import datetime

from django import forms

from post_purchase.models import MemberRole
from post_purchase.services.notes import MAX_TEXT
from post_purchase.words import ChannelKind


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
