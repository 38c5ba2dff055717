"""Signing on at the own host of a system: with the session that there is, and never without one.

The two sides of what `gateway.system_hosts` writes down. Nobody shows a password here, and no new
session is made: the browser is given a cookie of the host for the session it has at the gateway.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.audit.entry import Kind, Outcome
from gateway.drafts import refusal_draft
from gateway.identity.sessions.host_tickets import TicketOver, browser_of, is_browser
from gateway.identity.sessions.tokens import is_token, new_token
from gateway.pages.local_path import PORTAL, local_path
from gateway.refused import Refused
from gateway.staff_finder import no_session, one_cookie
from gateway.system_hosts import CONTINUE, SIGN_ON, parts_of
from gateway.wire.answers import see_other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.audit.recorder import Recorder
    from gateway.cookies import Cookie, CookiePolicy
    from gateway.identity.sessions.host_tickets import HostTickets
    from gateway.identity.sessions.host_tokens import HostTokens
    from gateway.identity.sessions.session_cache import SessionCache
    from gateway.staff_finder import StaffFinder
    from gateway.system_hosts import SystemHost
    from gateway.visit import Visit

SIGN_ON_PREFIX: Final = f"{SIGN_ON}/"
SIGN_ON_OVER: Final = "sign-on-over"
"""The code of a refusal: a ticket was used up, too old, for another host, or begun elsewhere."""

SIGNED_ON: Final = "signed-on-at-host"
_READS: Final = frozenset({"GET", "HEAD"})


class GiveTicket:
    """The gateway's side: leads to a system's host, with a ticket where it is asked for."""

    def __init__(
        self, hosts: Mapping[str, SystemHost], staff: StaffFinder, tickets: HostTickets
    ) -> None:
        """Hold the parts.

        Args:
            hosts: by system.
            staff: finds who asks, at the gateway's origin.
            tickets: gives them.
        """
        self._hosts = hosts
        self._staff = staff
        self._tickets = tickets

    async def __call__(self, visit: Visit) -> None:
        """Answer; see `gateway.acts.OpenAct`.

        Raises:
            Refused: there is no such host, it is not asked for by a page that opens, or nobody is
                signed in.
            DirectoryAway: the session may not be used until its directory answers again.
        """
        address, browser = _asked(visit)
        path = "" if visit.target is None else visit.target.path
        host = self._hosts.get(path.removeprefix(SIGN_ON_PREFIX))
        if host is None:
            raise Refused(404, "function-unknown")
        if not browser:  # it may have a session there; if not, that host asks for a ticket
            visit.give(see_other((host.origin + address).encode("ascii"), visit.reference))
            return
        if not is_browser(browser) or visit.method != "GET":
            raise Refused(400, "sign-on-malformed")
        mode = visit.incoming.head.headers.get(b"sec-fetch-mode", b"navigate")
        if mode != b"navigate":  # only where the address bar goes along, and says what it was
            raise Refused(403, "sign-on-unseen")
        token = self._staff.token(visit)
        visit.live = await self._staff.find(visit)
        if visit.live is None or token is None:
            raise no_session(visit)
        give = partial(self._tickets.give, token, system=host.system, browser=browser, at=visit.at)
        try:
            ticket = await asyncio.get_running_loop().run_in_executor(None, give)
        except TicketOver as error:
            visit.live = None
            raise no_session(visit) from error
        visit.give(see_other(host.take(address, ticket).encode("ascii"), visit.reference))


class SignOnAtHost:
    """The host's side: begins, and takes what the gateway gave."""

    def __init__(
        self,
        host: SystemHost,
        *,
        tokens: HostTokens,
        tickets: HostTickets,
        sessions: SessionCache,
        cookies: CookiePolicy,
        recorder: Recorder,
    ) -> None:
        """Hold the parts.

        Args:
            host: whose side it is.
            tokens: makes what the cookie of this host holds.
            tickets: takes them.
            sessions: those that live.
            cookies: names and flags.
            recorder: makes it durable that somebody signed on.
        """
        self._host = host
        self._tokens = tokens
        self._tickets = tickets
        self._sessions = sessions
        self._cookies = cookies
        self._recorder = recorder

    async def __call__(self, visit: Visit) -> None:
        """Answer; see `gateway.acts.OpenAct`.

        Raises:
            Refused: it cannot be read, or the ticket is not for this browser, here and now.
            RecordUnavailable: it could not be recorded, so nobody is signed on.
        """
        address, ticket = _asked(visit)
        secret = self._secret(visit)
        if not ticket:
            secret = secret or new_token()  # another tab may be under way with it
            asked = self._host.ask(address, browser_of(secret))
            self._go(visit, asked, _set(self._cookies.sign_on, secret, self._cookies))
            return
        if not secret and visit.live is not None:
            self._go(visit, address)  # another tab was quicker: they are signed on
            return
        visit.live, token = None, await self._taken(visit, ticket, secret)
        live = await asyncio.get_running_loop().run_in_executor(
            None, partial(self._sessions.load, token, at=visit.at)
        )
        if live is None:  # ended since the ticket was given
            again = self._host.begin(address).encode("ascii")
            raise Refused(303, "no-session", location=again)
        visit.live = live
        draft = refusal_draft(visit, Kind.SIGNIN, SIGNED_ON, 303)
        draft.outcome, draft.system = Outcome.PERMIT, self._host.system
        await self._recorder.record_async(draft)
        sealed = self._tokens.seal(token)
        self._go(
            visit,
            address,
            _set(self._cookies.session, sealed, self._cookies),
            _set(self._cookies.sign_on, "", self._cookies, over=True),
        )

    async def _taken(self, visit: Visit, ticket: str, secret: str) -> str:
        take = partial(
            self._tickets.take, ticket, system=self._host.system, secret=secret, at=visit.at
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(None, take)
        except TicketOver as error:
            raise Refused(403, SIGN_ON_OVER) from error

    def _secret(self, visit: Visit) -> str:
        """Give what this browser was given when it began; empty for nothing of ours.

        Raises:
            Refused: it stands twice.
        """
        header = visit.incoming.head.headers.get(b"cookie", b"")
        secret = one_cookie(header, self._cookies.sign_on.name.encode("ascii"))
        return secret if secret is not None and is_token(secret) else ""

    def _go(self, visit: Visit, to: str, *cookies: bytes) -> None:
        answer = see_other(to.encode("ascii"), visit.reference)
        fields = tuple((b"Set-Cookie", each) for each in cookies)
        visit.give(replace(answer, fields=answer.fields + fields))


def _asked(visit: Visit) -> tuple[str, str]:
    """Read where a visit goes on to, and what is brought with it.

    What is no path of a host in the one form leads to its first page, as does what would lead back
    here.

    Raises:
        Refused: it cannot be read.
    """
    if visit.method not in _READS:
        raise Refused(405, "method")
    query = () if visit.target is None else visit.target.query
    if [name for name, _ in query] not in ([], ["to"]):
        raise Refused(400, "sign-on-malformed")
    try:
        address, rest = parts_of(query[0][1]) if query else ("/", "")
    except ValueError as error:
        raise Refused(400, "sign-on-malformed") from error
    local = local_path(address)
    own = local.startswith("/-/") and local.partition("?")[0] != CONTINUE
    return ("/" if own or local == PORTAL else local), rest


def _set(cookie: Cookie, value: str, policy: CookiePolicy, *, over: bool = False) -> bytes:
    parts = [f"{cookie.name}={value}", "Path=/", "HttpOnly", f"SameSite={cookie.same_site}"]
    parts += ["Secure"] if policy.secure else []
    parts += ["Max-Age=0"] if over else []
    return "; ".join(parts).encode("ascii")
