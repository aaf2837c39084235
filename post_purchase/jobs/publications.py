"""The queue's door to what Shopify's pages show of our rows."""

from post_purchase.services import publications


def publish_metafields() -> None:
    publications.publish_due()
