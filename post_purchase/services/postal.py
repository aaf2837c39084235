"""An address written in one message, read where its country's form is plain (data/postal.yaml). Pure."""

import re
from dataclasses import asdict, dataclass
from functools import lru_cache

from .phrases import load

MAX_CHARACTERS = 250
MAX_STREET, MAX_CITY = 120, 80
MOST_PARTS = 5  # lines or commas


@dataclass(frozen=True)
class Address:
    street: str
    zip: str
    city: str
    province: str  # "IL"; empty where the country has none
    country: str

    @property
    def shown(self) -> str:
        forms = load("postal")
        if self.country in forms["city_zip"]:
            return f"{self.street}\n{self.city} {self.zip}"
        if self.country in forms["city_province_zip"]:
            return f"{self.street}\n{self.city}, {self.province} {self.zip}"
        named = f" ({self.province})" if self.country in forms["zip_city_province"] else ""
        return f"{self.street}\n{self.zip} {self.city}{named}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def sample(country: str) -> str:
    """ "Lindenweg 7, 10115 Berlin"; empty: addresses of this country are not read by a machine."""
    return str(load("postal")["samples"].get(country, ""))


def parse(text: str, country: str) -> Address | None:
    """None: a person has to read it."""
    form = _form(country)
    joined = ", ".join(" ".join(line.split()).strip(" ,;") for line in text.splitlines() if line.strip(" ,;"))
    if form is None or len(joined) > MAX_CHARACTERS or joined.count(",") > MOST_PARTS:
        return None
    found = form.fullmatch(joined.rstrip(" .,"))
    if found is None:
        return None
    street, city = found["street"].strip(" ,"), found["city"].strip(" ,")
    if not (any(char.isdigit() for char in street) and any(char.isalpha() for char in street)):
        return None
    if len(street) > MAX_STREET or len(city) > MAX_CITY or street.count(",") > 1 or any(c in joined for c in "?!@<>"):
        return None
    province = (found.groupdict().get("province") or "").upper()
    if country in load("postal")["province_by_zip"]:
        province = load("postal")["province_by_zip"][country][int(found["zip"][:2]) - 1]
    return Address(street, found["zip"].upper(), city, province, country)


@lru_cache(maxsize=64)
def _form(country: str) -> re.Pattern[str] | None:
    forms = load("postal")
    if country in forms["zip_city"]:
        zip_code = forms["zip_city"][country]
        return re.compile(rf"(?P<street>[^\n]+?),? (?:[A-Z]{{1,2}}-)?(?P<zip>{zip_code}) (?P<city>[^,\d]+)")
    if country in forms["zip_city_province"]:
        zip_code = forms["zip_city_province"][country]
        end = rf"(?P<zip>{zip_code}) (?P<city>[^,\d()]+?),? \(?(?P<province>[A-Za-z]{{2}})\)?"
        return re.compile(rf"(?P<street>[^\n]+?),? {end}")
    if country in forms["city_zip"]:
        zip_code = forms["city_zip"][country]
        return re.compile(rf"(?P<street>[^\n]+?), (?P<city>[^,\d]+?),? (?P<zip>{zip_code})")
    if country in forms["city_province_zip"]:
        zip_code = forms["city_province_zip"][country]
        end = rf"(?P<city>[^,\d]+?),? (?P<province>[A-Za-z]{{2,3}}),? (?P<zip>{zip_code})"
        return re.compile(rf"(?P<street>[^\n]+?), {end}")
    return None
