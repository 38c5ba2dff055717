"""Which function each transaction of a session belongs to, in the store and for every worker.

What a transaction belongs to never changes, so what a worker has read of it stays true and nothing
has to be announced: a worker that does not know one asks the store. Transactions end with their
session. A session keeps the newest `MOST`; an older page has to be opened again. A worker remembers
fewer of each, as people go on with what they opened last, and none of a session that is over.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select

from gateway.store import schema
from gateway.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from sqlalchemy import Engine

MOST: Final = 500  # pages one person opens in a working day, many times over
_KEPT_EACH: Final = 32  # of a session, in memory, some 300 bytes each
_SESSIONS: Final = 2_000  # in memory


class KeptTransactions:
    """The transactions of every session, as one worker sees them. Safe for threads."""

    def __init__(self, engine: Engine, *, most: int = MOST, capacity: int = _SESSIONS) -> None:
        """Start with nothing known.

        Args:
            engine: the store.
            most: transactions that a session keeps.
            capacity: sessions in memory.
        """
        self._engine = engine
        self._most = most
        self._capacity = capacity
        self._lock = threading.Lock()
        # By session: function by system and transaction, the oldest first.
        self._known: dict[str, dict[tuple[str, str], str]] = {}

    def get(self, session_hash: str, system: str, transaction: str) -> str | None:
        """Give the function from memory; None if the store must be asked. For the event loop."""
        known = self._known.get(session_hash)
        return None if known is None else known.get((system, transaction))

    def load(self, session_hash: str, system: str, transaction: str) -> str | None:
        """Give the function that a transaction of the session belongs to (blocks).

        Returns:
            None where this session has no such transaction, whatever others have.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        table = schema.upstream_transaction
        with reading(self._engine) as connection:
            function = connection.execute(
                select(table.c.function).where(
                    table.c.session_hash == session_hash,
                    table.c.system == system,
                    table.c.transaction == transaction,
                )
            ).scalar_one_or_none()
        if function is not None:
            self._keep(session_hash, (system, transaction), function)
        return function

    def bind(
        self,
        session_hash: str,
        system: str,
        transaction: str,
        function: str,
        *,
        at: datetime,
        alone: bool = False,
    ) -> str | None:
        """Bind a transaction to a session and a function, unless it is bound (blocks).

        Args:
            session_hash: whose it is.
            system: which began it.
            transaction: what the system calls it.
            function: id of the function that it was begun for.
            at: the instant.
            alone: not where another session has a transaction of the same name.

        Returns:
            The function it belongs to, which is another where it was bound before; None where it
            was not bound.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        table, session = schema.upstream_transaction, schema.session
        of_system = (table.c.system == system, table.c.transaction == transaction)
        with writing(self._engine) as connection:
            rows = connection.execute(
                select(table.c.session_hash, table.c.function).where(*of_system)
            )
            bound = {row.session_hash: row.function for row in rows}
            lives = select(session.c.hash).where(
                session.c.hash == session_hash, session.c.ended_at_us.is_(None)
            )
            if connection.execute(lives).scalar_one_or_none() is None:
                return None  # signed out while the answer was on its way
            if session_hash in bound:
                function = bound[session_hash]
            elif bound and alone:
                return None
            else:
                connection.execute(
                    insert(table).values(
                        session_hash=session_hash,
                        system=system,
                        transaction=transaction,
                        function=function,
                        at_us=schema.microseconds(at),
                    )
                )
                mine = table.c.session_hash == session_hash
                count = select(func.count()).select_from(table).where(mine)
                surplus = connection.execute(count).scalar_one() - self._most
                if surplus > 0:
                    oldest = (
                        select(table.c.number).where(mine).order_by(table.c.number).limit(surplus)
                    )
                    connection.execute(delete(table).where(table.c.number.in_(oldest)))
        self._keep(session_hash, (system, transaction), function)
        return function

    def forget_others(self, sessions: Container[str]) -> None:
        """Forget the transactions of all but these sessions, by hash; the store has them."""
        with self._lock:
            for session_hash in [each for each in self._known if each not in sessions]:
                del self._known[session_hash]

    def _keep(self, session_hash: str, key: tuple[str, str], function: str) -> None:
        with self._lock:
            known = self._known.get(session_hash)
            if known is None:
                if len(self._known) >= self._capacity:
                    self._known = {}
                known = self._known[session_hash] = {}
            elif len(known) >= _KEPT_EACH and key not in known:
                del known[next(iter(known))]
            known[key] = function
