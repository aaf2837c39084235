from django import forms

# None of these is about the rating: hiding criticism is forbidden (16 CFR 465.7; UK DMCC Act 2024).
HIDE_REASONS = (
    ("personal_data", "It shows someone's personal data"),
    ("unlawful", "It is abusive, hateful or unlawful"),
    ("spam", "It is advertising or not about the product"),
    ("asked", "The shopper asked us to take it down"),
)


class HideForm(forms.Form):
    reason = forms.ChoiceField(
        choices=HIDE_REASONS,
        error_messages={
            "required": "Say why. A low rating is not a reason.",
            "invalid_choice": "Choose one of the reasons.",
        },
    )
