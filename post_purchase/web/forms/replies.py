from django import forms


class ReplyForm(forms.Form):
    text = forms.CharField(max_length=4000, error_messages={"required": "Write something first."})
    point = forms.IntegerField(min_value=1)
    key = forms.RegexField(r"^[0-9A-Z]{16}$")  # made with the page: a repeated click sends once


class TemplateForm(forms.Form):
    template = forms.IntegerField(min_value=1, error_messages={"required": "Choose a template."})
    key = forms.RegexField(r"^[0-9A-Z]{16}$")
