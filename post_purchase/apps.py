from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PostPurchaseConfig(AppConfig):
    name = "post_purchase"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(make_word_indexes, sender=self)


def make_word_indexes(*, using: str, **told: Any) -> None:
    from post_purchase.models import WORD_INDEXES
    from shopapp.lib import fulltext

    for index in WORD_INDEXES:
        fulltext.make(index, using=using)
