from .driver import Email
from .esps import is_known, verify

__all__ = ["Email", "is_known", "verify"]
