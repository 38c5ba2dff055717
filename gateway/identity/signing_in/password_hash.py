"""Passwords of the gateway's own accounts: argon2id, one at a time.

The parameters are the second recommended choice of RFC 9106 section 4 (64 MiB, 3 passes, 4 lanes),
which is above what OWASP asks. One computation of a worker runs at a time and few may wait, so that
nobody can use up memory by asking; whoever finds no place is told so at once.
"""

from __future__ import annotations

import base64
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2.profiles import RFC_9106_LOW_MEMORY

from gateway.errors import IdentityError

WAITING = 4
"""How many may wait for the one that runs."""


class HashingBusy(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """As many passwords as may be are being looked at already."""


def hash_password(password: str) -> str:
    """Hash a password with a fresh salt; takes 64 MiB and tens of milliseconds."""
    return argon2.PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY).hash(password)


class PasswordCheck:
    """Compares passwords with hashes. Safe for several threads; `close` it at the end."""

    def __init__(self) -> None:
        """Make the one thread, which starts when it is needed."""
        self._hasher = argon2.PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="password-check")
        self._places = threading.Semaphore(1 + WAITING)
        self._nobodys = _impossible_hash()

    def is_right(self, stored: str | None, password: str) -> bool:
        """Tell whether a password is the one that was hashed (blocks).

        Args:
            stored: the hash; None if there is none, which takes the same time and is wrong.
            password: as typed.

        Raises:
            HashingBusy: at once, if too many are waiting.
        """
        if not self._places.acquire(blocking=False):
            message = "break-glass: too many passwords are being looked at"
            raise HashingBusy(message)
        try:
            return self._thread.submit(self._verify, stored or self._nobodys, password).result()
        finally:
            self._places.release()

    def close(self) -> None:
        """Take no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def _impossible_hash() -> str:
    """Write a hash of no password, that takes as long as any to be found wrong."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (RFC_9106_LOW_MEMORY.salt_len, RFC_9106_LOW_MEMORY.hash_len)
    )
    chosen = RFC_9106_LOW_MEMORY
    cost = f"m={chosen.memory_cost},t={chosen.time_cost},p={chosen.parallelism}"
    return f"$argon2id$v={chosen.version}${cost}${salt}${digest}"
