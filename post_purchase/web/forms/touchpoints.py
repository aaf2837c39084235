from django import forms

from post_purchase.touchpoints.email_snippets import ALIGNS, LOOKS
from post_purchase.touchpoints.texts import languages


class EmailForm(forms.Form):
    """Words for one of Shopify's e-mails in one language; look and place are those of all of them."""

    language = forms.ChoiceField(choices=[(tag, tag) for tag in languages()])
    text = forms.CharField(max_length=60, required=False)
    look = forms.ChoiceField(choices=LOOKS.items())
    align = forms.ChoiceField(choices=ALIGNS.items())


class CardForm(forms.Form):
    name = forms.CharField(max_length=120, error_messages={"required": "Give the card a name."})


class CheckoutWordsForm(forms.Form):
    """What stands above the chat buttons in the checkout. Plain text: Shopify's components show it as it is."""

    language = forms.RegexField(r"^[a-z]{2}(-[A-Z]{2})?$")
    heading = forms.CharField(max_length=80, required=False)
    text = forms.CharField(max_length=300, required=False)
    everywhere = forms.BooleanField(required=False)  # counts in the form of the shop's own language
