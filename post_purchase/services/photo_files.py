"""Under which names photos and other files are stored: nobody can guess them."""

from shopapp.lib.crypto import derived_code


def name_for(attachment_id: int, *, part: str, suffix: str = ".jpg") -> str:
    """Always the same for one attachment, so that a second try leaves no file behind."""
    code = derived_code("photo", part, str(attachment_id)).lower()
    return f"{code[:2]}/{code[2:]}{suffix}"
