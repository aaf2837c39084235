"""The queue's door to what shoppers send us."""

from post_purchase.services import media


def fetch_media() -> None:
    media.fetch_due()
