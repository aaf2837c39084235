"""What Shopify knows about the shop itself."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi


class _Node(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Domain(_Node):
    url: str = ""


class _Address(_Node):
    country: str | None = Field(None, alias="countryCodeV2")


class _Plan(_Node):
    name: str = Field("", alias="publicDisplayName")


class ShopDetails(_Node):
    """`shop` of operations/ShopDetails.graphql."""

    id: str
    name: str = ""
    contact_email: str | None = Field(None, alias="contactEmail")
    timezone: str = Field("UTC", alias="ianaTimezone")
    currency: str = Field("", alias="currencyCode")
    domain: _Domain | None = Field(None, alias="primaryDomain")
    address: _Address | None = Field(None, alias="shopAddress")
    plan: _Plan | None = None

    @property
    def shopify_id(self) -> int:
        return int(self.id.rsplit("/", 1)[-1])


def fetch_shop_details(shop: Shop) -> None:
    """Ask Shopify and save name, currency, time zone, country, plan and the scopes as granted. Raises AdminApiError."""
    data: dict[str, Any] = AdminApi(shop).run("ShopDetails")
    details = ShopDetails.model_validate(data["shop"])
    scopes = [scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"]]
    fields: dict[str, Any] = {
        "shopify_id": details.shopify_id,
        "name": details.name[:255],
        "contact_email": (details.contact_email or "")[:254],
        "primary_url": (details.domain.url if details.domain else "")[:200],
        "currency": details.currency[:3],
        "timezone": details.timezone[:64],
        "country": ((details.address.country if details.address else "") or "")[:2],
        "plan": (details.plan.name if details.plan else "")[:64],
        "scopes": ",".join(sorted(scopes)),
    }
    Shop.objects.filter(pk=shop.pk).update(**fields)
    for name, value in fields.items():
        setattr(shop, name, value)
