"""Templates of accounts that are due: a flow was switched on, an account connected, a review is open."""

import time
from datetime import timedelta

from post_purchase.flows.templates import kept_specs, template_specs
from post_purchase.models import Channel, ChannelStatus
from post_purchase.services.templates import ensure_templates
from shopapp.lib import clock

LEASE = timedelta(minutes=10)
BATCH = 50
STOP_AFTER_SECONDS = 100


def submit_templates() -> None:
    """Each due account once; claimed by moving its due time ahead."""
    started = time.monotonic()
    due = Channel.objects.filter(templates_due_at__lte=clock.now(), status=ChannelStatus.ACTIVE)
    for channel in due.select_related("shop").order_by("templates_due_at")[:BATCH]:
        if time.monotonic() - started > STOP_AFTER_SECONDS:
            return
        claim = Channel.objects.filter(pk=channel.pk, templates_due_at=channel.templates_due_at)
        lease = clock.now() + LEASE
        if claim.update(templates_due_at=lease):
            channel.templates_due_at = lease
            shop = channel.shop
            ensure_templates(channel=channel, specs=template_specs(shop), kept=kept_specs(shop))
