"""Where the back office's cookies stay: a jar per session and system, in the store.

A worker keeps the jars it has seen in memory. A changed jar is stored and announced on the bulletin
before the answer that changed it goes out, so that the next request finds it in whichever worker it
arrives. Jars end with their session.
"""

from __future__ import annotations

import asyncio
import threading
from itertools import islice, product
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from gateway.backoffice.cookie_jar import CookieJar
from gateway.store import schema
from gateway.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from gateway.bulletin import Bulletin

_KEPT: Final = 120_000  # jars in memory, of as many sessions; those that are empty are one
_EMPTY: Final = CookieJar()


def jar_subject(session_hash: str) -> str:
    """Name the jars of a session on the bulletin."""
    return f"jar:{session_hash}"


class KeptCookies:
    """The jars of every session, as one worker sees them.

    Attributes:
        find: gives a jar from memory, by the hash of its session and its system; None if the store
            must be asked. For the event loop.
    """

    def __init__(self, engine: Engine, bulletin: Bulletin, *, capacity: int = _KEPT) -> None:
        """Start empty. Have a `BulletinReader` listen with `apply`."""
        self._capacity = capacity
        self._engine = engine
        self._bulletin = bulletin
        self._lock = threading.Lock()
        self._jars: dict[tuple[str, str], CookieJar] = {}  # never another one: `find` is its own
        self.find: Callable[[tuple[str, str]], CookieJar | None] = self._jars.get
        self._systems: set[str] = set()  # of which there are jars
        self._changes = 0

    def load(self, session_hash: str, system: str) -> CookieJar:
        """Read a jar (blocks).

        Raises:
            StoreUnavailable: the database does not answer.
        """
        changes = self._changes
        table = schema.upstream_cookie
        with reading(self._engine) as connection:
            text = connection.execute(
                select(table.c.jar).where(
                    table.c.session_hash == session_hash, table.c.system == system
                )
            ).scalar_one_or_none()
        jar = _EMPTY if text is None else CookieJar.from_json(text)
        with self._lock:
            if changes == self._changes:
                if len(self._jars) >= self._capacity:
                    for oldest in list(islice(self._jars, max(1, self._capacity // 8))):
                        del self._jars[oldest]
                self._systems.add(system)
                self._jars[session_hash, system] = jar
        return jar

    async def keep(
        self, session_hash: str, system: str, values: Sequence[bytes], *, path: str, at: datetime
    ) -> None:
        """Take `Set-Cookie` values into the jar; durable and announced when it returns.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        known = self._jars.get((session_hash, system))
        if known is not None:
            changed = known.with_set_cookie(values, path=path, at=at.timestamp())
            if changed is known:
                return
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._store, session_hash, system, values, path, at)

    def apply(self, subjects: frozenset[str]) -> None:
        """Forget the jars that changed elsewhere."""
        if "everything" in subjects:
            with self._lock:
                self._changes += 1
                self._jars.clear()
            return
        hashes = {each[4:] for each in subjects if each.startswith("jar:")}
        if hashes:
            with self._lock:
                self._changes += 1
                for key in product(hashes, self._systems):
                    self._jars.pop(key, None)

    def forget_others(self, sessions: Container[str]) -> None:
        """Forget the jars of all but these sessions, by hash; the store has them."""
        with self._lock:
            for key in [key for key in self._jars if key[0] not in sessions]:
                del self._jars[key]

    def _store(
        self, session_hash: str, system: str, values: Sequence[bytes], path: str, at: datetime
    ) -> None:
        table = schema.upstream_cookie
        where = (table.c.session_hash == session_hash, table.c.system == system)
        session = schema.session
        with writing(self._engine) as connection:
            lives = select(session.c.hash).where(
                session.c.hash == session_hash, session.c.ended_at_us.is_(None)
            )
            if connection.execute(lives).scalar_one_or_none() is None:
                return  # signed out while the answer was on its way: there is no jar any more
            text = connection.execute(select(table.c.jar).where(*where)).scalar_one_or_none()
            before = _EMPTY if text is None else CookieJar.from_json(text)
            jar = before.with_set_cookie(values, path=path, at=at.timestamp())
            if jar is before:
                return
            if text is None:
                connection.execute(
                    table.insert().values(
                        session_hash=session_hash, system=system, jar=jar.to_json()
                    )
                )
            else:
                connection.execute(table.update().where(*where).values(jar=jar.to_json()))
            self._bulletin.announce(connection, jar_subject(session_hash), at)
        self._bulletin.ring()
        # Dropped and not replaced: of two changes at a time either may come here last.
        with self._lock:
            self._changes += 1
            self._jars.pop((session_hash, system), None)
