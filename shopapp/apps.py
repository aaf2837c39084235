from django.apps import AppConfig


class ShopAppConfig(AppConfig):
    name = "shopapp"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from shopapp import checks  # noqa: F401  (registers the system checks)
