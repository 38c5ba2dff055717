"""The bulletin: the numbered list of changes that matter to a decision, and its readers.

Whoever changes something that decisions depend on (a session ended, a grant changed, a policy set
activated) does three things in this order:

1. writes the change and `announce`s its subject in the same transaction,
2. commits,
3. `ring`s, which moves a counter that every process of the machine has mapped into its memory.

A worker compares that counter before each decision (`BulletinReader.is_current`). If it moved, the
worker reads the list first, so a change holds at the next request on its machine. Should a process
die between 2 and 3, or the change be made on another machine, the reader's own look every 250 ms
finds it. A reader that has not succeeded for 10 s is not current, and nothing may be permitted
then.

Subjects: `session:<hash>`, `person:<organisation>/<employee number>`, `staff:<staff id>`,
`organisation:<id>`, `directory:<id>`, `all-sessions`, `policy`, `upstreams`; and `everything`,
which a reader is told when the list no longer reaches back to where it was (purged, or restored
from a copy).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection, Engine, delete, func, insert, select

from gateway.store import schema
from gateway.store.engine import reading

ALL_SESSIONS = "all-sessions"
POLICY = "policy"
EVERYTHING = "everything"

COUNTER_FILE = "bulletin.counter"
COUNTER_BYTES = 8

POLL_SECONDS = 0.25
"""How often a reader looks by itself; with the bell it only matters for changes made elsewhere."""

STALE_SECONDS = 10.0
"""After so long without a successful read nothing may be permitted."""

KEEP = timedelta(days=1)
"""How long subjects are kept; no live worker is ever further behind than `STALE_SECONDS`."""

CATCH_UP_ROWS = 5_000
"""The most subjects handed over one by one; beyond it `everything` costs less."""

_UNREAD: Final = (-1, -inf)  # no counter is so, and no instant so early

Listener = Callable[[frozenset[str]], None]


def session_subject(session_hash: str) -> str:
    """Name the session with this hash (hexadecimal)."""
    return f"session:{session_hash}"


def person_subject(person: str) -> str:
    """Name a person of the register, `<organisation>/<employee number>`."""
    return f"person:{person}"


def staff_subject(staff_id: str) -> str:
    """Name a member of staff as a directory knows them."""
    return f"staff:{staff_id}"


def organisation_subject(organisation: str) -> str:
    """Name everyone of an organisation."""
    return f"organisation:{organisation}"


def directory_subject(directory: str) -> str:
    """Name everyone for whom a directory has vouched."""
    return f"directory:{directory}"


class Bulletin:
    """The list in the database and the counter in shared memory, safe for several threads.

    Attributes:
        value: the counter, and nothing else, to be read by whoever asks with each request.
    """

    def __init__(self, state_directory: Path) -> None:
        """Map the counter, making its file if it is missing.

        Args:
            state_directory: an existing folder that all processes of this gateway share.

        Raises:
            OSError: if the file cannot be made or mapped.
        """
        self._lock = threading.Lock()
        self._descriptor = os.open(
            state_directory / COUNTER_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            if os.fstat(self._descriptor).st_size < COUNTER_BYTES:
                os.ftruncate(self._descriptor, COUNTER_BYTES)
            self._map = mmap.mmap(self._descriptor, COUNTER_BYTES)
        except OSError:
            os.close(self._descriptor)
            raise
        # A cast view reads all eight bytes in one load, so a reader never sees half a number.
        self._value = memoryview(self._map).cast("Q")
        self.value = self._value.toreadonly()

    def announce(self, connection: Connection, subject: str, at: datetime) -> int:
        """Add a subject inside the caller's transaction; the caller rings after the commit.

        Returns:
            The subject's number.
        """
        number = connection.execute(
            insert(schema.bulletin)
            .values(at_us=schema.microseconds(at), subject=subject)
            .returning(schema.bulletin.c.seq)
        ).scalar_one()
        return int(number)

    def ring(self) -> None:
        """Move the counter, so that every reader on this machine looks before its next decision."""
        with self._lock:
            # A record lock, not flock: forked workers share the open file, and flock would not
            # part them.
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                self._value[0] = (self._value[0] + 1) % (1 << 64)
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def counter(self) -> int:
        """Read the counter (one memory read)."""
        return self._value[0]

    def latest(self, connection: Connection) -> int:
        """Give the number of the newest subject, 0 if there is none."""
        return int(connection.execute(select(func.max(schema.bulletin.c.seq))).scalar() or 0)

    def since(self, connection: Connection, seq: int) -> list[tuple[int, str]]:
        """Give the subjects after a number, oldest first.

        Returns:
            Pairs of number and subject. One pair with `everything` if the list does not join on to
            `seq`, or is longer than `CATCH_UP_ROWS`.
        """
        columns = (schema.bulletin.c.seq, schema.bulletin.c.subject)
        rows = connection.execute(
            select(*columns)
            .where(schema.bulletin.c.seq >= seq)
            .order_by(schema.bulletin.c.seq)
            .limit(CATCH_UP_ROWS + 2)
        ).all()
        joined = rows and rows[0].seq <= seq + (seq == 0)
        if (joined or (seq == 0 and not rows)) and len(rows) <= CATCH_UP_ROWS + 1:
            return [(row.seq, row.subject) for row in rows if row.seq > seq]
        return [(self.latest(connection), EVERYTHING)]

    def purge(self, connection: Connection, at: datetime) -> int:
        """Remove old subjects, but never the newest, by which readers know that nothing is missing.

        Returns:
            How many were removed.
        """
        result = connection.execute(
            delete(schema.bulletin).where(
                schema.bulletin.c.at_us < schema.microseconds(at - KEEP),
                schema.bulletin.c.seq < self.latest(connection),
            )
        )
        return result.rowcount

    def close(self) -> None:
        """Give the mapping back."""
        self.value.release()
        self._value.release()
        self._map.close()
        os.close(self._descriptor)


class BulletinReader:
    """Keeps one worker's memory in step with the bulletin.

    `is_current` belongs to the event loop and costs less than a microsecond. `read` blocks and may
    be called from any thread; the reader's own thread calls it every 250 ms.
    """

    def __init__(
        self,
        engine: Engine,
        bulletin: Bulletin,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        complain: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        """Stand at the end of the list as it is at the first read.

        Args:
            engine: the store.
            bulletin: the list and its counter.
            monotonic: seconds that never go back.
            complain: is told of each failed read, for the operational log.
        """
        self._engine = engine
        self._bulletin = bulletin
        self._monotonic = monotonic
        self._complain = complain
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._position: int | None = None  # owned by _lock
        # Replaced whole by the reading thread, read by the event loop: counter seen, up to when
        # that is lately enough (seconds).
        self._state: tuple[int, float] = _UNREAD

    def listen(self, listener: Listener) -> None:
        """Have a function told of the subjects of each read, before the reader counts as current.

        It runs on the reading thread, may be told a subject twice, and must not raise: if it does,
        the read has failed, is tried again, and nothing is permitted meanwhile.
        """
        self._listeners = (*self._listeners, listener)

    def is_current(self, now_monotonic: float) -> bool:
        """Tell whether everything announced on this machine has been applied, lately enough.

        Args:
            now_monotonic: the same clock's seconds as this reader was given.
        """
        counter, fresh_until = self._state
        return counter == self._bulletin.value[0] and now_monotonic <= fresh_until

    def has_read_lately(self, now_monotonic: float) -> bool:
        """Tell whether reading works: what a request would find missing it can read.

        Unlike `is_current` this does not turn false for a moment at each change; it is for
        readiness.
        """
        return now_monotonic <= self._state[1]

    def read(self) -> bool:
        """Read the list and tell the listeners (blocks).

        Returns:
            Whether the reader is current now. False means the store or a listener failed.
        """
        with self._lock:
            try:
                self._read()
            except Exception as error:  # noqa: BLE001  # whatever failed: not current, so nothing is permitted
                self._complain(error)
                return False
            return True

    def catch_up(self) -> bool:
        """Read unless another thread has just done so (blocks); for a request that found a ring.

        Returns:
            Whether the reader is current now.
        """
        with self._lock:
            if self.is_current(self._monotonic()):
                return True
        return self.read()

    def _read(self) -> None:
        # 1. The counter comes first: a ring during the read must be seen as news at the next
        #    request.
        counter = self._bulletin.counter()
        started = self._monotonic()
        # 2. What was committed before that ring is in the list now.
        with reading(self._engine) as connection:
            if self._position is None:
                self._position = self._bulletin.latest(connection)
                news: Sequence[tuple[int, str]] = ()
            else:
                news = self._bulletin.since(connection, self._position)
        # 3. Only what every listener has applied counts as read.
        if news:
            subjects = frozenset(subject for _, subject in news)
            for listener in self._listeners:
                listener(subjects)
            self._position = news[-1][0]
        self._state = (counter, started + STALE_SECONDS)

    def start(self) -> None:
        """Read once, then keep reading on a thread of its own."""
        self.read()
        self._thread = threading.Thread(target=self._run, name="bulletin-reader", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            self.read()

    def close(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        """Start reading."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop reading."""
        self.close()
