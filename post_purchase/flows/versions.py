"""Published documents, read and compiled once per process: a version never changes."""

from functools import lru_cache

from post_purchase.models import FlowVersion

from .definition import FlowDocument, load


@lru_cache(maxsize=256)
def document_of(version_id: int) -> FlowDocument:
    """Raises DocumentError where the version is broken."""
    return load(FlowVersion.objects.values_list("document", flat=True).get(pk=version_id))
