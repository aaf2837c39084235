from django.apps import AppConfig


class PostPurchaseConfig(AppConfig):
    name = "post_purchase"
    default_auto_field = "django.db.models.BigAutoField"
