"""Taps and scans of links, from the spool into the database."""

from post_purchase.services import scans


def ingest_scans() -> None:
    scans.ingest_due()
