"""One small form for each part of the settings page. `apply` writes only the part's own fields."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

from babel import Locale
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from post_purchase.channels.registry import DRIVERS
from post_purchase.models import ShopSettings
from post_purchase.services.daytime import Quiet, minutes_left_everywhere
from post_purchase.services.fallbacks import MINUTES
from post_purchase.words import ChannelKind, Purpose

# What the library's texts are written in (flows/library); tag and its own name.
LANGUAGES = (
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("pt-BR", "Português (Brasil)"),
    ("pl", "Polski"),
    ("sv", "Svenska"),
    ("tr", "Türkçe"),
    ("ar", "العربية"),
    ("ja", "日本語"),
)


MOST_ADDRESSES = 5
ENOUGH_DAY = 120  # minutes that the quiet hours must leave of what is day everywhere
PURPOSES_THAT_STAY = [(each.value, each.label) for each in (Purpose.UTILITY, Purpose.REVIEW_REQUEST, Purpose.MARKETING)]
TELL_DELIVERY = (ChannelKind.WHATSAPP, ChannelKind.MESSENGER, ChannelKind.SMS)
WEEKDAYS = tuple(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))


NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})  # what CLDR lists beside countries


class PartForm(forms.Form):
    fields_of_row: ClassVar[tuple[str, ...]] = ()

    def apply(self, row: ShopSettings) -> None:
        for name in self.fields_of_row:
            setattr(row, name, self.cleaned_data[name])
        row.save(update_fields=self.fields_of_row)


class BrandForm(PartForm):
    fields_of_row = ("brand_name", "brand_color", "postal_address")
    brand_name = forms.CharField(max_length=80, required=False)
    brand_color = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$", error_messages={"invalid": "Write a colour like #1f6f5c.", "required": "Choose a colour."}
    )
    postal_address = forms.CharField(max_length=500, required=False)


class LanguagesForm(PartForm):
    fields_of_row = ("default_language", "languages")
    default_language = forms.ChoiceField(choices=LANGUAGES)
    languages = forms.MultipleChoiceField(choices=LANGUAGES, required=False)


class HoursForm(PartForm):
    fields_of_row = (
        "quiet_from",
        "quiet_until",
        "max_promotions_per_day",
        "max_promotions_per_week",
        "max_offers_per_week",
        "promotion_pause_hours",
        "unhappy_days",
    )
    quiet_from = forms.TimeField(error_messages={"invalid": "Write a time like 21:00."})
    quiet_until = forms.TimeField(error_messages={"invalid": "Write a time like 08:00."})
    max_promotions_per_day = forms.IntegerField(min_value=0, max_value=3)  # Florida: 3 in 24 hours (quiet_hours.yaml)
    max_promotions_per_week = forms.IntegerField(min_value=0, max_value=7)
    max_offers_per_week = forms.IntegerField(min_value=0, max_value=7)
    promotion_pause_hours = forms.IntegerField(min_value=0, max_value=72)
    unhappy_days = forms.IntegerField(min_value=0, max_value=365)

    def clean(self) -> dict[str, Any]:
        start, end = self.cleaned_data.get("quiet_from"), self.cleaned_data.get("quiet_until")
        if start is not None and end is not None and minutes_left_everywhere(Quiet(start, end)) < ENOUGH_DAY:
            self.add_error("quiet_from", "Leave at least two hours free between 10:00 and 18:00, or nothing could go.")
        return self.cleaned_data


class TeamForm(PartForm):
    fields_of_row = (
        "team_from",
        "team_until",
        "team_days",
        "first_response_minutes",
        "resolution_hours",
        "team_alerts",
        "team_digest",
        "team_addresses",
    )
    team_alerts = forms.BooleanField(required=False)
    team_digest = forms.BooleanField(required=False)
    team_addresses = forms.CharField(max_length=400, required=False)
    first_response_minutes = forms.IntegerField(min_value=5, max_value=10080, required=False)
    resolution_hours = forms.IntegerField(min_value=1, max_value=720, required=False)
    team_from = forms.TimeField(required=False, error_messages={"invalid": "Write a time like 09:00."})
    team_until = forms.TimeField(required=False, error_messages={"invalid": "Write a time like 17:00."})
    team_days = forms.TypedMultipleChoiceField(choices=WEEKDAYS, coerce=int, required=False)

    def clean_team_addresses(self) -> str:
        """Parted by commas, spaces or lines."""
        parts = self.cleaned_data["team_addresses"].replace(",", " ").replace(";", " ").split()
        for part in parts:
            try:
                validate_email(part)
            except ValidationError:
                raise ValidationError(
                    f"{part[:60]} is not an e-mail address. Write them like anna@example.com."
                ) from None
        if len(parts) > MOST_ADDRESSES:
            raise ValidationError(f"At most {MOST_ADDRESSES} addresses.")
        return ", ".join(dict.fromkeys(parts))

    def clean_first_response_minutes(self) -> int:
        return self.cleaned_data["first_response_minutes"] or 240

    def clean_resolution_hours(self) -> int:
        return self.cleaned_data["resolution_hours"] or 24

    def clean(self) -> dict[str, Any]:
        wrong = {"team_from", "team_until"} & self.errors.keys()
        for one, other in (("team_from", "team_until"), ("team_until", "team_from")):
            if not wrong and self.cleaned_data.get(other) is not None and self.cleaned_data.get(one) is None:
                self.add_error(one, "Fill in both times, or none.")
        return self.cleaned_data


class FallbackForm(PartForm):
    """What happens when a message does not arrive. One number for each network that tells of arrivals."""

    fields_of_row = ("kept_purposes", "fallback_unsure", "fallback_minutes")
    kept_purposes = forms.MultipleChoiceField(choices=PURPOSES_THAT_STAY, required=False)
    fallback_unsure = forms.BooleanField(required=False)

    def __init__(self, data: Mapping[str, Any] | None = None):
        super().__init__(data)
        for kind in TELL_DELIVERY:
            self.fields[f"minutes_{kind}"] = forms.IntegerField(min_value=5, max_value=1440, required=False)

    def clean(self) -> dict[str, Any]:
        minutes = {kind.value: self.cleaned_data.get(f"minutes_{kind}") for kind in TELL_DELIVERY}
        self.cleaned_data["fallback_minutes"] = {kind: number for kind, number in minutes.items() if number}
        return self.cleaned_data


class RewardForm(PartForm):
    fields_of_row = ("reward_percentage", "reward_valid_days", "reward_minimum_subtotal")
    reward_percentage = forms.DecimalField(min_value=Decimal(1), max_value=Decimal(100), decimal_places=2)
    reward_valid_days = forms.IntegerField(min_value=1, max_value=730)
    reward_minimum_subtotal = forms.DecimalField(min_value=Decimal(0), max_digits=12, decimal_places=2, required=False)


class OrderForm(forms.Form):
    """The order in which channels are offered to shoppers. "auto" leaves it to the country table."""

    def __init__(self, data: Mapping[str, Any] | None = None):
        super().__init__(data)
        choices = [("", "–"), *[(kind.value, kind.label) for kind in DRIVERS]]
        self.fields["mode"] = forms.ChoiceField(choices=[("auto", "auto"), ("own", "own")])
        for place in range(1, len(DRIVERS) + 1):
            self.fields[f"place_{place}"] = forms.ChoiceField(choices=choices, required=False)

    def clean(self) -> dict[str, object]:
        chosen = self.chosen()
        if self.cleaned_data.get("mode") == "own" and not chosen:
            self.add_error("place_1", "Choose at least one channel.")
        if len(set(chosen)) != len(chosen):
            self.add_error("place_1", "Each channel can stand only once.")
        return self.cleaned_data

    def chosen(self) -> list[str]:
        places = range(1, len(DRIVERS) + 1)
        return [self.cleaned_data[f"place_{place}"] for place in places if self.cleaned_data.get(f"place_{place}")]

    def apply(self, row: ShopSettings) -> None:
        others = {country: order for country, order in row.channel_order.items() if country != "*"}
        row.channel_order = others | ({"*": self.chosen()} if self.cleaned_data["mode"] == "own" else {})
        row.save(update_fields=["channel_order"])


class CountryOrderForm(OrderForm):
    """The order for one country. No place chosen: that country follows the general order again."""

    def __init__(self, data: Mapping[str, Any] | None = None):
        super().__init__(data)
        del self.fields["mode"]
        messages = {"required": "Choose a country.", "invalid_choice": "Choose a country."}
        self.fields["country"] = forms.ChoiceField(choices=countries(), error_messages=messages)

    def apply(self, row: ShopSettings) -> None:
        country = self.cleaned_data["country"]
        others = {each: order for each, order in row.channel_order.items() if each != country}
        row.channel_order = others | ({country: self.chosen()} if self.chosen() else {})
        row.save(update_fields=["channel_order"])


@cache
def countries() -> list[tuple[str, str]]:
    """(ISO 3166 code, name), by name."""
    names = {str(code): str(name) for code, name in Locale("en").territories.items()}
    found = [(code, name) for code, name in names.items() if len(code) == 2 and code not in NO_COUNTRIES]
    return sorted(found, key=lambda each: each[1])


FORMS: dict[str, type[PartForm | OrderForm]] = {
    "brand": BrandForm,
    "languages": LanguagesForm,
    "hours": HoursForm,
    "team": TeamForm,
    "fallback": FallbackForm,
    "reward": RewardForm,
    "order": OrderForm,
    "country": CountryOrderForm,
}


def country_orders(row: ShopSettings) -> list[tuple[str, str, str]]:
    """[(country code, its name, "WhatsApp, E-mail")] of the countries that have an order of their own, by name."""
    names = dict(countries())
    found = [
        (country, names.get(country, country), ", ".join(str(ChannelKind(kind).label) for kind in order))
        for country, order in row.channel_order.items()
        if country != "*"
    ]
    return sorted(found, key=lambda each: each[1])


def silences(row: ShopSettings) -> list[tuple[ChannelKind, int]]:
    """[(network that tells of arrivals, minutes until its silence counts)]"""
    return [(kind, row.fallback_minutes.get(kind, MINUTES)) for kind in TELL_DELIVERY]


def ordered_kinds(row: ShopSettings) -> list[tuple[int, str, list[tuple[str, str]]]]:
    """[(place, chosen kind or "", choices)] for the channel-order form."""
    own = row.channel_order.get("*", [])
    choices = [(kind.value, ChannelKind(kind).label) for kind in DRIVERS]
    return [(place + 1, own[place] if place < len(own) else "", choices) for place in range(len(DRIVERS))]
