"""Published documents, read and compiled once per process: a version never changes."""

import hashlib
from functools import lru_cache

from post_purchase.models import Flow, FlowVersion

from .definition import FlowDocument, load


@lru_cache(maxsize=256)
def document_of(version_id: int) -> FlowDocument:
    """Raises DocumentError where the version is broken."""
    return load(FlowVersion.objects.values_list("document", flat=True).get(pk=version_id))


def version_for(flow: Flow, about: str) -> int | None:
    """The version that a new run gets. A share of them gets the canary: always the same ones (`about`: whose run)."""
    if flow.canary_version_id is None:
        return flow.live_version_id
    drawn = int.from_bytes(hashlib.sha256(f"{flow.pk}:{flow.canary_version_id}:{about}".encode()).digest()[:4]) % 100
    return flow.canary_version_id if drawn < flow.canary_share else flow.live_version_id
