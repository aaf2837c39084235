"""The queue's door to print runs."""

from post_purchase.services import print_files


def make_prints() -> None:
    print_files.make_due()
