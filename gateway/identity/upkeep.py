"""What a worker does every few seconds for its sessions, and every few minutes for the database.

Every worker does all of it; doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from gateway.bulletin import Bulletin
from gateway.identity.factors.factor_ceremonies import purge_ceremonies
from gateway.identity.factors.factor_notices import purge_notices
from gateway.identity.factors.kept_forms import purge_forms
from gateway.identity.sessions.host_tickets import purge_tickets
from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.signing_in.attempts import Attempts
from gateway.identity.signing_in.stages import purge_stages
from gateway.store.engine import writing

PURGE_EVERY = timedelta(minutes=10)
_PURGES = (purge_ceremonies, purge_forms, purge_stages, purge_notices, purge_tickets)


class Upkeep:
    """Call it every few seconds on a thread, always the same one at a time; `close` at the end."""

    def __init__(
        self,
        *,
        engine: Engine,
        cache: SessionCache,
        sessions: Sessions,
        attempts: Attempts,
        bulletin: Bulletin,
        clock: Callable[[], datetime],
        belongings: Sequence[Callable[[Container[str]], None]] = (),
    ) -> None:
        """Take what is to be kept in order.

        Args:
            engine: the store.
            cache: the live sessions in memory.
            sessions: those in the store.
            attempts: at signing in.
            bulletin: what changed.
            clock: gives the instant.
            belongings: what keeps things for sessions in memory; each is told which sessions are
                there, by hash, and forgets what belongs to others.
        """
        self._engine = engine
        self._cache = cache
        self._sessions = sessions
        self._attempts = attempts
        self._bulletin = bulletin
        self._clock = clock
        self._belongings = tuple(belongings)
        self._purged_at: datetime | None = None

    def __call__(self) -> None:
        """Write when sessions were last used, forget what is over; now and then purge (blocks).

        Raises:
            StoreUnavailable: if the database does not answer; call again.
        """
        at = self._clock()
        self._cache.flush(at=at)
        here = self._cache.tidy(at=at)
        for forget_others in self._belongings:
            forget_others(here)
        if self._purged_at is None or not timedelta(0) <= at - self._purged_at < PURGE_EVERY:
            self._sessions.purge(at=at)
            self._attempts.purge(at=at)
            with writing(self._engine) as connection:
                self._bulletin.purge(connection, at)
                for purge in _PURGES:
                    purge(connection, at)
            self._purged_at = at

    def close(self) -> None:
        """Write when sessions were last used, to the last one."""
        self._cache.flush(at=self._clock(), everything=True)
