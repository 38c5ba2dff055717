"""The programs that may ask for decisions: who shows which token, and how much each may ask."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

SCHEME: Final = b"Bearer"
_MINUTE_US: Final = 60_000_000
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionClient:
    """A program that may ask.

    Attributes:
        id: as the record names it.
        token_sha256: of its token, in hexadecimal digits.
        organisations: about whose staff it may ask.
        per_minute: how many decisions it may ask for.
    """

    id: str
    token_sha256: str
    organisations: frozenset[str]
    per_minute: int


class SpentError(Exception):
    """A program has asked for all it may in this minute.

    Attributes:
        wait_seconds: after how long it may ask again.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__("too many decisions in this minute")
        self.wait_seconds = wait_seconds


class DecisionClients:
    """Knows them, and counts what they ask. One a worker, on its loop."""

    def __init__(self, clients: Collection[DecisionClient]) -> None:
        """Take the listed ones."""
        # Looked up by a hash, so that the time it takes tells nothing of the token.
        self._clients = {each.token_sha256: each for each in clients}
        self._spent: dict[str, tuple[int, int]] = {}  # since when, how many

    def __len__(self) -> int:
        """Count them."""
        return len(self._clients)

    def find(self, authorization: bytes) -> DecisionClient | None:
        """Give the program that shows this; None for a stranger."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != SCHEME.lower():
            return None
        return self._clients.get(hashlib.sha256(token).hexdigest())

    def spend(self, client: DecisionClient, count: int, at_us: int) -> None:
        """Count what a program asks for in a minute; what is too much is not counted.

        Raises:
            SpentError: it has had, or would have, more than it may.
        """
        since, spent = self._minute(client, at_us)
        if spent + count > client.per_minute:
            raise SpentError(-((at_us - since - _MINUTE_US) // _SECOND_US))
        self._spent[client.id] = since, spent + count

    def left(self, client: DecisionClient, at_us: int) -> int:
        """Give how many decisions a program may still ask for in this minute."""
        return client.per_minute - self._minute(client, at_us)[1]

    def _minute(self, client: DecisionClient, at_us: int) -> tuple[int, int]:
        since, spent = self._spent.get(client.id, (at_us, 0))
        return (since, spent) if 0 <= at_us - since < _MINUTE_US else (at_us, 0)
