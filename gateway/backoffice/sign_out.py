"""Ends the back office's own session when ours has ended, however that came.

Whoever ends a session leaves a sign-out owed for each system that had set cookies
(`identity.sessions.session_ending`). A thread of each worker takes what is owed and calls the
system's sign-out with those cookies: once, within a short time, for nobody who waits. What a system
answers is recorded and changes nothing: our session has ended already.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Engine, delete, select

from gateway.backoffice.affinity import drawn
from gateway.backoffice.cookie_jar import CookieJar
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.store import schema
from gateway.store.engine import reading, writing

_log = structlog.get_logger("upstream-sign-out")

CALL_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 5.0
"""How often a worker looks by itself; the bulletin wakes it sooner."""

_TAKEN: Final = 20  # at a time; other workers take others
_AT_ONCE: Final = 4
_WAKING: Final = ("session:", "person:", "staff:", "organisation:", "directory:", "all-sessions")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutPlace:
    """Where a system ends its own session.

    Attributes:
        instances: of the system, `Host` and address; the first that can be reached is called.
        path: what is called.
        by_person: whether each person is served by an instance of their own, which is called first.
    """

    instances: Sequence[tuple[str, UpstreamAddress]]
    path: str
    by_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutTold:
    """What came of telling a system, for the record.

    Attributes:
        session_hash: of our session.
        staff_id: whose it was.
        organisation: whose staff they are.
        system: which was told.
        status: what it answered; 0 where it did not.
        at: when.
    """

    session_hash: str
    staff_id: str
    organisation: str
    system: str
    status: int
    at: datetime

    @property
    def done(self) -> bool:
        """Whether the system took it: an answer of its own, or a way to its sign-in page."""
        return 200 <= self.status < 400  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    session_hash: str
    staff_id: str
    organisation: str
    system: str
    jar: CookieJar


class UpstreamSignOuts:
    """Tells systems of sessions that have ended. Runs on threads of its own. One a worker."""

    def __init__(
        self,
        *,
        engine: Engine,
        places: Mapping[str, SignOutPlace],
        report: Callable[[SignOutTold], None],
        clock: Callable[[], datetime],
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        """Take what is needed.

        Args:
            engine: the store.
            places: where each system is told, by its id; others are told nothing.
            report: is told what came of it, on one of these threads.
            clock: the present instant.
            call_seconds: how long a system may take for each step of the call.
        """
        self._engine = engine
        self._places = dict(places)
        self._report = report
        self._clock = clock
        self._call_seconds = call_seconds
        self._wanted = threading.Event()
        self._stopping = False
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upstream-sign-out")
        self._thread = threading.Thread(target=self._run, name="upstream-sign-outs", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def apply(self, subjects: frozenset[str]) -> None:
        """Look at once when sessions may have ended; for a `BulletinReader` to tell."""
        if any(each.startswith(_WAKING) for each in subjects):
            self._wanted.set()

    def close(self) -> None:
        """Stop; what is owed is told by another worker, or after the next start."""
        self._stopping = True
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopping:
            try:
                more = self.tell()
            except Exception as error:  # noqa: BLE001  # the store is away: owed is owed, look again later
                _log.error("look failed", error=type(error).__name__)
                more = False
            if not more:
                self._wanted.wait(LOOK_SECONDS)
                self._wanted.clear()

    def tell(self) -> bool:
        """Take some of what is owed and tell the systems (blocks).

        Returns:
            Whether there may be more.
        """
        owed = self._take()
        for told in self._threads.map(self._call, owed):
            if told is not None:
                self._report(told)
        return len(owed) == _TAKEN

    def _take(self) -> Sequence[_Owed]:
        table = schema.upstream_sign_out
        look = select(table).order_by(table.c.number).limit(_TAKEN)
        with reading(self._engine) as connection:
            if connection.execute(look).first() is None:
                return ()
        with writing(self._engine) as connection:
            rows = connection.execute(look).all()
            # Gone before the call: told twice would be worse than not at all.
            numbers = [row.number for row in rows]
            connection.execute(delete(table).where(table.c.number.in_(numbers)))
        return [
            _Owed(
                session_hash=row.session_hash,
                staff_id=row.staff_id,
                organisation=row.organisation,
                system=row.system,
                jar=CookieJar.from_json(row.jar),
            )
            for row in rows
        ]

    def _call(self, owed: _Owed) -> SignOutTold | None:
        place = self._places.get(owed.system)
        at = self._clock()
        cookies = b"" if place is None else owed.jar.header_for(place.path, at.timestamp())
        if place is None or not cookies:
            return None
        status = 0
        try:
            status = self._ask(place, cookies.decode("ascii"), owed.staff_id)
        except (OSError, http.client.HTTPException) as error:
            _log.warning("system not told", system=owed.system, error=type(error).__name__)
        return SignOutTold(
            session_hash=owed.session_hash,
            staff_id=owed.staff_id,
            organisation=owed.organisation,
            system=owed.system,
            status=status,
            at=at,
        )

    def _ask(self, place: SignOutPlace, cookies: str, person: str) -> int:
        """Call the first instance that can be reached."""
        host, connection = self._connected(place, person)
        try:
            connection.putrequest("GET", place.path, skip_host=True, skip_accept_encoding=True)
            for name, value in (
                ("Host", host),
                ("Cookie", cookies),
                ("Connection", "close"),
            ):
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()

    def _connected(
        self, place: SignOutPlace, person: str
    ) -> tuple[str, http.client.HTTPConnection]:
        failure, instances = OSError("no instance"), list(place.instances)
        if place.by_person:
            instances.sort(key=lambda each: drawn(each[1], person), reverse=True)
        for host, address in instances:
            try:
                return host, self._connect(address)
            except OSError as error:
                failure = error
        raise failure

    def _connect(self, address: UpstreamAddress) -> http.client.HTTPConnection:
        seconds = self._call_seconds
        opened = socket.create_connection((address.host, address.port), timeout=seconds)
        connection = http.client.HTTPConnection(address.host, address.port, timeout=seconds)
        connection.sock = opened
        if address.tls is not None:
            try:
                connection.sock = address.tls.context().wrap_socket(
                    opened, server_hostname=address.tls_name or address.host
                )
            except OSError:
                opened.close()
                raise
        return connection
