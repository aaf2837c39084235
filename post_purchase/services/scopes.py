"""What the merchant has allowed, as Shopify says it now."""

from shopapp.models import Shop
from shopapp.shopify.admin_api import AdminApi
from shopapp.shopify.install import save_scopes
from shopapp.shopify.results import Result


class _Scope(Result):
    handle: str


class _Installation(Result):
    id: str
    access_scopes: tuple[_Scope, ...] = ()


class GetInstallation(Result):
    current_app_installation: _Installation


def read_scopes(*, shop: Shop) -> None:
    """The webhook tells it too, a little later. Raises AdminApiError."""
    told = AdminApi(shop).run("GetAppInstallation", result=GetInstallation).current_app_installation
    save_scopes(shop=shop, scopes=[scope.handle for scope in told.access_scopes])
