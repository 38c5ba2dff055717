"""Whose employee a number in a request is, from the host's register.

Employee numbers are given out by each employer, so a number alone may mean two people. Where the
register knows it under one organisation that is the owner; under none or several it cannot be told,
and what cannot be told permits nothing.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import select, union

from gateway.identity.sessions.session_cache import MISS, Miss
from gateway.store.engine import reading
from vetting.register_tables import appointment, vetting_grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

_KEPT: Final = 20_000  # numbers; a few megabytes
_LONGEST: Final = 32  # characters of a number; more cannot be in the register


class RecordOwners:
    """Keeps which organisation employs whom. `get` is for the event loop, the rest for threads."""

    def __init__(
        self, engine: Engine, organisations: Sequence[str], *, capacity: int = _KEPT
    ) -> None:
        """Start empty. Have a `BulletinReader` listen with `apply`."""
        self._capacity = capacity
        self._engine = engine
        self._organisations = tuple(organisations)
        self._lock = threading.Lock()
        self._known: dict[str, str | None] = {}
        self._changes = 0

    def get(self, number: str) -> str | Literal[Miss.MISS] | None:
        """Give the employer from memory; `MISS` if the register must be asked, None if unknown."""
        if len(number) > _LONGEST:
            return None
        return self._known.get(number, MISS)

    async def find(self, number: str) -> str | None:
        """Give the employer, None if unknown; from the register where memory has none.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        known = self.get(number)
        if known is not Miss.MISS:
            return known
        return await asyncio.get_running_loop().run_in_executor(None, self.load, number)

    def load(self, number: str) -> str | None:
        """Ask the register (blocks).

        Raises:
            StoreUnavailable: the database does not answer.
        """
        changes = self._changes
        statement = union(
            *(
                select(table.c.organisation).where(
                    table.c.organisation.in_(self._organisations),
                    table.c.employee_number == number,
                )
                for table in (vetting_grant, appointment)
            )
        )
        with reading(self._engine) as connection:
            found = [str(row[0]) for row in connection.execute(statement)]
        owner = found[0] if len(found) == 1 else None
        with self._lock:
            if changes == self._changes:
                if len(self._known) >= self._capacity:
                    self._known = {}
                self._known[number] = owner
        return owner

    def apply(self, subjects: frozenset[str]) -> None:
        """Forget what the bulletin says may have changed."""
        if any(each == "everything" or each.startswith("person:") for each in subjects):
            with self._lock:
                self._changes += 1
                self._known = {}
