from django import forms


class WordsForm(forms.Form):
    text = forms.CharField(max_length=60, required=False)


class CardForm(forms.Form):
    name = forms.CharField(max_length=120, error_messages={"required": "Give the card a name."})
