"""What can go wrong with the Admin API, in the words that callers need: may I try again, and when?"""

from dataclasses import dataclass
from datetime import timedelta


class AdminApiError(Exception):
    """No result. `retryable`: the same call can work later, not before `retry_after` where that is known."""

    quotes_nothing = True  # shopapp.lib.trouble

    def __init__(self, message: str, *, retryable: bool, retry_after: timedelta | None = None, code: str = ""):
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.code = code


@dataclass(frozen=True)
class UserError:
    field: tuple[str, ...]
    message: str
    code: str  # empty where the mutation's error type has none


class UserErrors(Exception):
    """Shopify understood the mutation and refused it: HTTP 200 with `userErrors`. Trying again does not help."""

    def __init__(self, errors: list[UserError]):
        super().__init__("; ".join(f"{'.'.join(error.field) or 'request'}: {error.message}" for error in errors))
        self.errors = errors

    @property
    def codes(self) -> set[str]:
        return {error.code for error in self.errors if error.code}
