"""Encryption of what must be read back, hashes of what must only be recognised, and codes that nobody can guess."""

import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base32: no I, L, O, U
CODE_LENGTH = 16  # 80 random bits
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})


class DecryptionFailed(Exception):
    """A stored secret was written with a key that is no longer in FIELD_KEYS."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: str) -> str:
    return _fernet(tuple(settings.FIELD_KEYS)).encrypt(plain.encode()).decode()


def decrypt(token: str) -> str:
    try:
        return _fernet(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise DecryptionFailed(
            "A stored secret cannot be read: put its old key back at the end of FIELD_KEYS"
        ) from error


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is ciphertext in the database and plain in Python. Empty stays empty. Not searchable."""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return decrypt(value) if value else value

    def get_prep_value(self, value: str | None) -> str | None:
        return encrypt(value) if value else value


def new_code() -> str:
    """A fresh link code: 16 Crockford base32 characters."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def derived_code(*parts: str, key: str | None = None) -> str:
    """The same unguessable code for the same parts, so that it need not be stored in the clear."""
    digest = hmac.new((key or settings.SECRET_KEY).encode(), "\0".join(parts).encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:10], "big")
    return "".join(CODE_ALPHABET[(number >> (5 * place)) & 31] for place in range(CODE_LENGTH))


def normalise_code(text: str) -> str:
    """Upper case, without spaces and dashes, look-alike letters read as digits."""
    return text.upper().replace("-", "").replace(" ", "").translate(_LOOKALIKES)


def hash_code(code: str) -> str:
    return hashlib.sha256(normalise_code(code).encode()).hexdigest()


def hash_secret(value: str) -> str:
    """For tokens that must match exactly (case kept)."""
    return hashlib.sha256(value.encode()).hexdigest()


def keyed_hashes(value: str) -> list[str]:
    """For what must be recognised and can be guessed (a phone number): nobody without FIELD_KEYS can try it out.

    One hash for each key; write the first, look for all.
    """
    return [
        hmac.new(key.encode(), b"keyed-hash\0" + value.encode(), hashlib.sha256).hexdigest()
        for key in settings.FIELD_KEYS
    ]


def grouped(code: str) -> str:
    """`AB3K-Q9ZT-7MXW-2LHC`, for people."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def same(a: str | bytes, b: str | bytes) -> bool:
    """Constant-time comparison that never raises on odd input."""
    left = a.encode() if isinstance(a, str) else a
    right = b.encode() if isinstance(b, str) else b
    return hmac.compare_digest(left, right)
