"""Taps and scans of links, from the spool into the database."""

from post_purchase.services import scans, visits


def ingest_scans() -> None:
    scans.ingest_due()
    visits.change_keys()
