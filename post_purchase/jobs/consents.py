"""The queue's door to what customers agreed to at Shopify and here."""

from post_purchase.services import consent_sync


def sync_consent() -> None:
    consent_sync.sync_due()
