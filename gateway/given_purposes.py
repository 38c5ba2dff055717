"""What people said they need a function for: kept for their session, and for an hour.

The code is for the rules and the record. The text is sealed here and encrypted in the record: it
may name people, and no rule looks at it.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select

from gateway.identity.factors.factor_seal import SealBroken
from gateway.store import schema
from gateway.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Container

    from sqlalchemy import Engine

    from gateway.identity.factors.factor_seal import FactorSeal

KEPT: Final = timedelta(minutes=60)
TEXT_CHARACTERS: Final = 500
_IN_MEMORY: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPurpose:
    """What somebody said they need a function for.

    Attributes:
        code: of the coded list.
        text: their own words; empty where they gave none.
        until_us: from when on they are asked again, microseconds since 1970 UTC.
    """

    code: str
    text: str
    until_us: int


class GivenPurposes:
    """The purposes of every session, as one worker sees them. Safe for threads."""

    def __init__(self, engine: Engine, seal: FactorSeal, *, capacity: int = _IN_MEMORY) -> None:
        """Keep them in this store, their texts sealed."""
        self._engine = engine
        self._seal = seal
        self._capacity = capacity
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], GivenPurpose] = {}

    def get(self, session_hash: str, function: str, at_us: int) -> GivenPurpose | None:
        """Give a purpose from memory; None if the store must be asked. For the event loop."""
        known = self._known.get((session_hash, function))
        return known if known is not None and at_us < known.until_us else None

    async def find(self, session_hash: str, function: str, *, at: datetime) -> GivenPurpose | None:
        """Read a purpose from the store, off the event loop; None where none is kept.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: self.load(session_hash, function, at=at))

    def load(self, session_hash: str, function: str, *, at: datetime) -> GivenPurpose | None:
        """Read a purpose from the store (blocks).

        Raises:
            StoreUnavailable: the database does not answer.
        """
        table = schema.given_purpose
        with reading(self._engine) as connection:
            row = connection.execute(
                select(table.c.code, table.c.sealed, table.c.at_us).where(
                    table.c.session_hash == session_hash,
                    table.c.function == function,
                    table.c.at_us > schema.microseconds(at - KEPT),
                    table.c.at_us <= schema.microseconds(at),
                )
            ).one_or_none()
        if row is None:
            return None
        try:
            text = self._seal.open(row.sealed, context=_context(function)).decode()
        except SealBroken:
            return None  # its key is gone: they are asked again
        given = GivenPurpose(
            code=row.code, text=text, until_us=row.at_us + KEPT // schema.MICROSECOND
        )
        with self._lock:
            if len(self._known) >= self._capacity:
                self._known = {}
            self._known[session_hash, function] = given
        return given

    def keep(self, session_hash: str, function: str, *, code: str, text: str, at: datetime) -> None:
        """Keep what somebody said, in the place of what they said before (blocks).

        Raises:
            StoreUnavailable: the database does not answer.
        """
        table = schema.given_purpose
        sealed = self._seal.seal(text[:TEXT_CHARACTERS].encode(), context=_context(function))
        with writing(self._engine) as connection:
            connection.execute(
                delete(table).where(
                    table.c.session_hash == session_hash, table.c.function == function
                )
            )
            connection.execute(
                insert(table).values(
                    session_hash=session_hash,
                    function=function,
                    code=code,
                    sealed=sealed,
                    at_us=schema.microseconds(at),
                )
            )
        with self._lock:
            self._known.pop((session_hash, function), None)

    def forget_others(self, sessions: Container[str]) -> None:
        """Forget what was said in all but these sessions, by hash; the store has it."""
        with self._lock:
            for key in [key for key in self._known if key[0] not in sessions]:
                del self._known[key]


def _context(function: str) -> str:
    # Not the session: its hash changes where it is strengthened, and the row follows it.
    return f"purpose of {function}"
