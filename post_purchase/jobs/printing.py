"""The queue's door to print runs, and to the watch over what is printed."""

from post_purchase.services import page_checks, print_files, print_watch


def make_prints() -> None:
    print_files.make_due()


def check_pages() -> None:
    page_checks.check_due()


def watch_printed() -> None:
    print_watch.watch()
