"""Who is asking: from the cookie of a request to its live session, every known change applied."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from gateway.cookies import cookies_sent
from gateway.errors import NotCurrent, StoreError
from gateway.identity.sessions.live_session import DirectoryAway
from gateway.identity.sessions.presence import AGED, PAUSED
from gateway.identity.sessions.session_cache import Miss
from gateway.pace import PERSON_RATE, SOURCE_RATE
from gateway.refused import Refused
from gateway.system_hosts import can_be_led_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.bulletin import BulletinReader
    from gateway.identity.sessions.host_tokens import HostTokens
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.session_cache import SessionCache
    from gateway.pace import SourcePaces
    from gateway.system_hosts import SystemHost
    from gateway.visit import Visit

ADDRESS_TOO_LONG: Final = "address-too-long"
"""The code of a refusal: whoever signs in could not be led back to where they were going."""

_KNOWN_AS = "session"  # where a head keeps what its cookie says
_LIVE = "live-session"  # and whose it was last


class StaffFinder:
    """Finds the live session of a request. One a worker, on the event loop."""

    def __init__(
        self,
        *,
        sessions: SessionCache,
        bulletin: BulletinReader,
        session_cookie: bytes,
        strangers: SourcePaces,
        monotonic: Callable[[], float],
        host_tokens: HostTokens | None = None,
    ) -> None:
        """Hold the parts.

        Args:
            sessions: the live sessions of this worker.
            bulletin: whether this worker knows every change that matters.
            session_cookie: name of our session cookie.
            strangers: how fast requests without a session may come.
            monotonic: seconds that never go back.
            host_tokens: opens what cookies hold at a system's own host; None at the gateway's.
        """
        self._host_tokens = host_tokens
        self._sessions = sessions
        self._bulletin = bulletin
        self._session_cookie = session_cookie
        self._strangers = strangers
        self._monotonic = monotonic

    def known(self, visit: Visit) -> LiveSession | None:
        """Give the live session that this client's last request had, if it may be used as it is.

        None says nothing: then it must be looked for.
        """
        live: LiveSession | None = visit.incoming.head.worked_out.get(_LIVE)
        # The bulletin first: what it brings drops sessions, and one asked before would be missed.
        if live is not None and self._bulletin.is_current(visit.started) and live.take(visit.at_us):
            return live
        return None

    async def find(self, visit: Visit) -> LiveSession | None:
        """Find the live session of the request's cookie.

        Raises:
            NotCurrent: not every change that matters is known.
            DirectoryAway: the session may not be used until its directory answers again.
            StoreError: the database does not answer.
            Refused: the cookie stands twice.
        """
        token = self.token(visit)
        if token is None:
            return None
        loop = asyncio.get_running_loop()
        current = self._bulletin.is_current(self._monotonic())
        if not current and not await loop.run_in_executor(None, self._bulletin.catch_up):
            raise NotCurrent("bulletin: not read lately")
        found = self._sessions.get(token, visit.at_us)
        if found is Miss.MISS:
            load = partial(self._sessions.load, token, at=visit.at)
            return await loop.run_in_executor(None, load)
        visit.incoming.head.worked_out[_LIVE] = found
        return found

    async def find_for_open(self, visit: Visit) -> LiveSession | None:
        """Find it for a page that is open to all: whose directory is away may still sign out.

        Raises:
            Refused: they, or the source, ask too fast.
        """
        try:
            live = await self.find(visit)
        except DirectoryAway as away:
            live = away.live
        if live is None:
            self._pace_stranger(visit)
            return None
        return self.demand(visit, live)

    def demand(self, visit: Visit, live: LiveSession | None) -> LiveSession:
        """Refuse who is not signed in, and who asks too fast; give everybody else's session."""
        if live is None:
            self._pace_stranger(visit)
            raise no_session(visit)
        if wait_seconds := live.pace.take(visit.at_us):
            visit.wait_seconds = wait_seconds
            raise Refused(429, PERSON_RATE)
        return live

    def _pace_stranger(self, visit: Visit) -> None:
        path = visit.target.path if visit.target else ""
        visit.wait_seconds = self._strangers.take(visit.ip, path, visit.at_us)
        if visit.wait_seconds:
            raise Refused(429, SOURCE_RATE)

    async def name(self, visit: Visit) -> None:
        """Find who tried what was refused before anybody asked, for the record only.

        Where the session cannot be found now, the refusal stands without it.
        """
        try:
            visit.live = await self.find(visit)
        except (Refused, NotCurrent, StoreError, DirectoryAway):
            return

    def token(self, visit: Visit) -> str | None:
        """Give what the browser sent as its session's token; None for none.

        Raises:
            Refused: the cookie stands twice.
        """
        head = visit.incoming.head
        header = head.headers.get(b"cookie")
        if header is None:
            return None
        if (known := head.worked_out.get(_KNOWN_AS)) is not None:
            return str(known)
        token = one_cookie(header, self._session_cookie)
        if token is None:
            return None
        if self._host_tokens is not None:
            token = self._host_tokens.open(token)
        head.worked_out[_KNOWN_AS] = token
        return token


def one_cookie(header: bytes, name: bytes) -> str | None:
    """Give what stands under a name in a `Cookie` field; None for nothing.

    Raises:
        Refused: it stands twice.
    """
    found = cookies_sent(header, name)
    if len(found) > 1:
        raise Refused(400, "cookie-repeated")
    return found[0].decode("ascii", "replace") if found else None


def no_session(visit: Visit) -> Refused:
    """Refuse whoever is not signed in: a person is led to sign-in, a program is told."""
    accept = visit.incoming.head.headers.get(b"accept", b"")
    if visit.method in {"GET", "HEAD"} and (b"text/html" in accept or not accept):
        return _led_to_sign_in(visit, "no-session")
    return Refused(401, "no-session")


def asked_again(visit: Visit, code: str) -> Refused:
    """Refuse until the person has shown that it is still they who sit there."""
    return _led_to_sign_in(visit, code) if visit.method in {"GET", "HEAD"} else Refused(401, code)


def _led_to_sign_in(visit: Visit, code: str) -> Refused:
    """Lead to where one signs in; say so first to whom that could not lead back."""
    target = visit.target
    if target is None or can_be_led_back(target.sent.decode("ascii"), target.host):
        return Refused(303, code)
    return Refused(401, ADDRESS_TOO_LONG, location=_sign_in_for("/", target.host, code))


def sign_in_address(visit: Visit, code: str) -> bytes:
    """Give where to sign in, and go on to what was asked for.

    Args:
        visit: the visit that was refused.
        code: why.
    """
    sent = visit.target.sent.decode("ascii") if visit.target else "/"
    return _sign_in_for(sent, visit.target.host if visit.target else None, code)


def _sign_in_for(target: str, host: SystemHost | None, code: str) -> bytes:
    if host is not None:
        if code not in {PAUSED, AGED}:
            return host.begin(target).encode("ascii")
        again = {"next": host.way_back(target), "again": code}
        path = f"/-/sign-in?{urlencode(again, quote_via=quote, safe='/')}"
        return host.at_main(path).encode("ascii")
    asked = {} if target in {"/", "/-/portal"} else {"next": target}
    if code in {PAUSED, AGED}:
        asked["again"] = code
    if not asked:
        return b"/-/sign-in"
    return f"/-/sign-in?{urlencode(asked, quote_via=quote, safe='/')}".encode("ascii")
