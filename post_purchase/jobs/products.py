import time

from post_purchase.services.products import claim_sync, sync_page
from shopapp.lib.queue import Job, push

SECONDS = 100


def sync_products() -> None:
    """One page per shop in turn."""
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        row = claim_sync()
        if row is None:
            return
        sync_page(row)
    push(Job.SYNC_PRODUCTS)
