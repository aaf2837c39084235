"""The time zone of a shipping address, from country and province. The table is data/timezones.yaml."""

from functools import lru_cache
from pathlib import Path

from shopapp.lib import data_file

TABLE = Path(__file__).parent / "data" / "timezones.yaml"


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    data = data_file.read(TABLE)
    provinces = {
        country: {code: zone for zone, codes in zones.items() for code in codes.split()}
        for country, zones in data["provinces"].items()
    }
    return data["countries"], provinces


@lru_cache(maxsize=256)
def zones_in(country: str) -> tuple[str, ...]:
    """All zones in which people of the country live, for when nobody knows which. Far territories are left out."""
    data = data_file.read(TABLE)
    far = data["far"].get(country, ())
    zones = [zone for zone in data["provinces"].get(country, {}) if zone not in far]
    return tuple(zones) or tuple(filter(None, (data["countries"].get(country),)))


def zone_for(country: str, province: str = "") -> str:
    """The IANA name, or "" where a country has several zones and the province does not say which.

    `country` is ISO 3166-1 alpha-2, `province` Shopify's `province_code` ("NY", "ON", "NSW").
    """
    countries, provinces = _tables()
    return provinces.get(country, {}).get(province) or countries.get(country, "")
