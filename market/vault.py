"""Secrets at rest: sealed with the newest key, opened with any that is still there."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

SHORTEST = 32
_NO_KEY = "No encryption key opens this: the key it was sealed with is not set any more."


class VaultError(ValueError):
    """A key is malformed, or none of the keys opens what was sealed; the message says what to do."""


class Vault:
    """Seals with Fernet (AES-128-CBC and HMAC-SHA256, both from one key of 32 bytes: the SHA-256 of what is set)."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: random texts, the one that seals first. Raises VaultError."""
        if not keys or any(len(key) < SHORTEST for key in keys):
            raise VaultError(f"An encryption key has at least {SHORTEST} random characters, as `new-key` makes it.")
        self._fernet = MultiFernet([Fernet(_of_32_bytes(key)) for key in keys])

    def seal(self, text: str) -> str:
        """Nothing stays nothing."""
        return self._fernet.encrypt(text.encode()).decode() if text else ""

    def open(self, sealed: str) -> str:
        """Raises VaultError."""
        try:
            return self._fernet.decrypt(sealed).decode() if sealed else ""
        except InvalidToken:
            raise VaultError(_NO_KEY) from None

    def seal_again(self, sealed: str) -> str:
        """The same, sealed with the newest key. Raises VaultError."""
        try:
            return self._fernet.rotate(sealed).decode() if sealed else ""
        except InvalidToken:
            raise VaultError(_NO_KEY) from None


def _of_32_bytes(key: str) -> bytes:
    # The text is random: there is nothing to guess that would have to be made slow.
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())


def new_key() -> str:
    """A key for the setting."""
    return secrets.token_urlsafe(32)
