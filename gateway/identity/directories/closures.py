"""Accounts lately seen closed or gone, and at which server: a lagging replica does not reopen them.

The servers of a directory copy from each other, some a minute behind. Who was seen disabled,
expired or gone at one server is not let in on the word of one that stands behind it in the
settings; only the server that said so can take it back, one before it, or time. A lock and a
password to be changed are each server's own business.

Remembered by each process for itself; a process that never saw the account closed cannot know.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.identity.directories.directory import AccountState
from gateway.identity.directories.directory_channel import Server

LAG_SECONDS = 300.0
"""How far behind a replica may be; a domain copies within a site in 15 s, between sites in 180."""

MAX_REMEMBERED = 10_000

_LASTING = frozenset({AccountState.DISABLED, AccountState.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    server: Server
    state: AccountState
    until: float


class Closures:
    """What one directory's servers have said. Safe for several threads.

    What is remembered is replaced and never edited, and by one thread at a time, so that no note
    of two is lost.
    """

    def __init__(self, servers: tuple[Server, ...]) -> None:
        """Take the servers in the order of the settings, and remember nothing yet."""
        self._servers = servers
        self._seen: Mapping[str, _Seen] = {}
        self._lock = threading.Lock()

    def note(self, directory_id: str, server: Server, state: AccountState, *, now: float) -> None:
        """Remember what a server has said of an account; gone counts as disabled.

        Args:
            directory_id: the immutable id; nothing is remembered without one.
            server: which said so.
            state: what it said.
            now: seconds that never go back.
        """
        if not directory_id or state not in _LASTING:
            return
        with self._lock:
            kept = {each: seen for each, seen in self._seen.items() if seen.until > now}
            kept.pop(directory_id, None)
            if len(kept) >= MAX_REMEMBERED:
                kept.pop(next(iter(kept)))
            self._seen = {
                **kept,
                directory_id: _Seen(server=server, state=state, until=now + LAG_SECONDS),
            }

    def standing(self, directory_id: str, server: Server, *, now: float) -> AccountState | None:
        """Tell whether an account that a server calls open was lately closed at another one.

        The server that closed it, or one before it, may open it again, and is believed at once.
        """
        seen = self._seen.get(directory_id)
        if seen is None or seen.until <= now:
            return None
        if self._servers.index(server) <= self._servers.index(seen.server):
            with self._lock:
                self._seen = {key: each for key, each in self._seen.items() if key != directory_id}
            return None
        return seen.state
