from post_purchase.services.file_removal import BATCH, remove_due


def remove_files() -> None:
    while remove_due() == BATCH:
        pass
