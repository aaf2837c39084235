"""What a rehearsal assumes about shoppers, as a merchant changes it: whole numbers, each with its own words."""

from django import forms

from post_purchase.flows.rehearsal.assumptions import Assumptions, BadAssumption

DAYS = (30, 60, 90)
LABELS = {
    "opens": "Shoppers who open the chat",
    "opens_at_delivery": "Of those, only when the parcel is there",
    "agrees_to_offers": "Of those, say yes to offers",
    "answers": "Questions that are answered",
    "five_stars": "Ratings with five stars",
    "four_stars": "Ratings with four stars",
    "three_stars": "Ratings with three stars",
    "two_stars": "Ratings with two stars",
    "words": "Reviews with a few words",
    "photos": "Reviews with a photo",
    "wants_help": "Low ratings that ask for a person",
    "first_choice": "Answers that take the first choice",
    "finds_products": "Recommendations that find something",
    "stops": "Requests and offers answered with STOP",
    "answers_within": "Hours until an answer, at most",
    "team_within": "Hours until your team has helped",
}


class RehearsalForm(forms.Form):
    days = forms.ChoiceField(choices=[(str(days), str(days)) for days in DAYS], required=False)

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        values: dict[str, int] = {}
        for name in LABELS:
            typed = str(self.data.get(name, "")).strip()
            if not typed:
                continue  # as usual
            if not typed.isascii() or not typed.isdigit() or len(typed) > 3:
                self.errors[name] = self.error_class(["Write a whole number."])
                continue
            values[name] = int(typed)
        if not self.errors:
            try:
                cleaned["assumed"] = Assumptions.from_json(values)
            except BadAssumption as error:
                self.errors[error.field] = self.error_class([str(error)])
        return cleaned
