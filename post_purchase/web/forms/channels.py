from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from post_purchase.channels.base import CredentialField
from post_purchase.words import ChannelKind

ACCOUNT_LABELS = {
    ChannelKind.WHATSAPP: ("Phone number ID", "In Meta's WhatsApp Manager, beside your number: 15 to 17 digits."),
    ChannelKind.MESSENGER: ("Page ID", "On your Facebook page under About, Page transparency."),
    ChannelKind.SMS: ("Twilio number", "With its country code: +1 555 123 4567. It must be able to send texts."),
    ChannelKind.EMAIL: (
        "Sender address",
        "Shoppers see it. A code is sent there, so that nobody else writes in its name.",
    ),
}


def account_label(kind: str) -> tuple[str, str]:
    """(label, help) of the account's own id."""
    return ACCOUNT_LABELS.get(ChannelKind(kind), ("Account ID", ""))


class ConnectForm(forms.Form):
    """The account's id, and whatever secrets its driver asks for."""

    name = forms.CharField(max_length=120, required=False)
    proof = forms.CharField(max_length=40, required=False)
    account_id = forms.CharField(max_length=190, error_messages={"required": "This is needed."})

    def __init__(self, data: Mapping[str, Any], *, fields: Sequence[CredentialField], asks_account: bool = True):
        super().__init__(data)
        self.fields["account_id"].required = asks_account
        self.secrets = [field.name for field in fields]
        for field in fields:
            self.fields[field.name] = forms.CharField(
                max_length=2000, required=field.required, error_messages={"required": "This is needed."}
            )

    def credentials(self) -> dict[str, str]:
        return {name: self.cleaned_data[name].strip() for name in self.secrets}


class SignUpForm(forms.Form):
    """What Meta's window hands to the page. All of it is checked again with Meta."""

    code = forms.CharField(max_length=2000)
    phone_number_id = forms.RegexField(r"^[0-9]{5,30}$")
    waba_id = forms.RegexField(r"^[0-9]{5,30}$")
