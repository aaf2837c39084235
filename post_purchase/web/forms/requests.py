"""What shoppers may ask for, until when, and who decides."""

from typing import Any, ClassVar

from django import forms

from post_purchase.models import ActionKind
from post_purchase.services.action_rules import BEFORE_IT_LEAVES, Mode, Rule

MODES = {
    Mode.OFF: "Not by chat: a person answers",
    Mode.PERSON: "Yes, and somebody of us approves",
    Mode.AT_ONCE: "Yes, at once",
}
MOST = {"hours": 720, "days": 365}


class RequestsForm(forms.Form):
    """`rules`: {kind: Rule}."""

    says_automatic = forms.BooleanField(required=False)
    units: ClassVar[dict[str, str]] = {kind: "hours" if kind in BEFORE_IT_LEAVES else "days" for kind in ActionKind}

    def __init__(self, data: Any = None):
        super().__init__(data)
        for kind in ActionKind:
            modes = [(mode.value, words) for mode, words in MODES.items() if may_be(kind, mode)]
            self.fields[f"mode_{kind}"] = forms.ChoiceField(
                choices=modes, error_messages={"invalid_choice": "Choose one of the list.", "required": "Choose one."}
            )
            most = MOST[self.units[kind]]
            self.fields[f"limit_{kind}"] = forms.IntegerField(
                min_value=0,
                max_value=most,
                required=False,
                error_messages={"max_value": f"At most {most} {self.units[kind]}."},
            )

    @property
    def rules(self) -> dict[str, Rule]:
        return {
            kind.value: Rule(Mode(self.cleaned_data[f"mode_{kind}"]), self.cleaned_data[f"limit_{kind}"] or 0)
            for kind in ActionKind
        }


def may_be(kind: str, mode: Mode) -> bool:
    """What comes in exchange, and at which price, no rule of ours can say."""
    return kind != ActionKind.EXCHANGE or mode != Mode.AT_ONCE
