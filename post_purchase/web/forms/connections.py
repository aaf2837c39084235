from django import forms


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, error_messages={"required": "Say what it is for, for example “Our ERP”."})


class StartFlowForm(forms.Form):
    flow = forms.SlugField(max_length=64, error_messages={"required": "Choose a flow."})
    order = forms.IntegerField(min_value=1, required=False)
    key = forms.RegexField(r"^[0-9A-Z]{16}$")  # made with the page: a repeated click starts once
