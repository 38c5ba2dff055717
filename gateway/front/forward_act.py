"""The act that forwards a granted visit, or a resource, to one system of the back office."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.api.forward_auth import give_permission, permission
from gateway.backoffice.forward import Forwarded, Outbound
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.headers import told_fields
from gateway.backoffice.passed_cookies import PassedCookies
from gateway.backoffice.websocket import WebSockets
from gateway.cookies import CookiePolicy
from gateway.front.from_settings import system_hosts
from gateway.front.told_identity import identity_of, is_told_alike, profile_of
from gateway.wire.websocket_head import WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from gateway.acts import Act
    from gateway.answer_duties import AnswerDuty
    from gateway.backoffice.assertion import AssertionMint
    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.backoffice.cookie_jar import CookieJar
    from gateway.backoffice.forward import PassCookies
    from gateway.backoffice.kept_cookies import KeptCookies
    from gateway.backoffice.upstream import Upstream
    from gateway.front.told_identity import SystemProfile
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.proxy_asking import ProxyAsking
    from gateway.settings import Settings
    from gateway.transactions import Transactions
    from gateway.visit import Grant, Ready, Visit
    from policies.catalogue import Function

_MEBIBYTE: Final = 1024 * 1024


DutyOf: TypeAlias = "Callable[[Visit, Grant | None], AnswerDuty | None]"


_TOO_LARGE: Final = Forwarded(status=413, code="body-too-large", answered=False)
_LET_PASS: Final = Forwarded(status=0, code="", answered=True)


@dataclass(slots=True)
class _Made:
    """What was made for one who asks, left for the next request that is the same.

    Attributes:
        made_of: who made it, for whom, what for, and the changes of the mint, then.
        since_us: when; before it stands a clock that went back.
        until_us: up to when cookies and assertion are given once more.
    """

    made_of: tuple[ForwardAct, LiveSession, CanonicalTarget, int]
    since_us: int
    until_us: int

    def holds(self, act: ForwardAct, mint: AssertionMint, visit: Visit) -> bool:
        """Tell whether it would be made alike now, if the cookies are the same."""
        return (
            self.made_of == (act, visit.live, visit.target, mint.changes)
            and self.since_us <= visit.at_us < self.until_us
        )


@dataclass(slots=True)
class _Sent(_Made):
    """What went to the system.

    Attributes:
        jar_of: session and system, by which the jar is found.
        jar: the cookies among it.
        outbound: what went there.
    """

    jar_of: tuple[str, str]
    jar: CookieJar
    outbound: Outbound


@dataclass(slots=True)
class _Permitted(_Made):
    """What a proxy was told.

    Attributes:
        cookies: what its client sent.
        told: see `permission`.
    """

    cookies: bytes
    told: bytes


class ForwardAct:
    """Forwards to one system."""

    def __init__(
        self,
        *,
        profile: SystemProfile,
        forwarder: Forwarder,
        websockets: WebSockets,
        mint: AssertionMint,
        cookies: KeptCookies,
        transactions: Transactions,
        body_bytes: int,
        own_cookie: str,
        passed: PassedCookies | None = None,
        duty_of: DutyOf,
    ) -> None:
        """Hold what forwarding needs.

        Args:
            profile: how the system is told who is asking.
            forwarder: the wire to it.
            websockets: the same for upgrades.
            mint: signs assertions.
            cookies: the system's cookies, kept per session.
            transactions: which pages of the system belong to which function.
            body_bytes: the largest request body passed on.
            own_cookie: what the names of the gateway's own cookies begin with.
            passed: takes the system's cookies to browsers and back; None where they are kept.
            duty_of: what is to be done with an answer; most often nothing.
        """
        self._passed = passed
        self._profile = profile
        self._identity = identity_of(profile, mint)
        self._mint = mint
        self._told_alike = is_told_alike(profile)
        self._forwarder = forwarder
        self._websockets = websockets
        self._cookies = cookies
        self._transactions = transactions
        self._learns = partial(transactions.learns, profile.id)
        self._body_bytes = body_bytes
        self._own_cookie = own_cookie.encode("ascii")
        self._duty_of = duty_of

    def __call__(self, visit: Visit, grant: Grant | None) -> Awaitable[Forwarded]:
        """Forward the visit; see `pipeline.Act`."""
        if grant is not None and (ready := grant.ready) is not None and visit.asking is None:
            left = ready.prepared
            if (
                isinstance(left, _Sent)
                and left.holds(self, self._mint, visit)
                and self._cookies.find(left.jar_of) is left.jar
            ):
                return self._forwarder.forward(visit, left.outbound)
        live, target = visit.live, visit.target
        if live is None or target is None:
            raise ValueError("forward: a visit without session or target")
        if visit.asking is not None:
            return self._let_pass(visit, visit.asking, grant, live, target)
        jar = self._cookies.find((live.session.hash, self._profile.id))
        body = visit.incoming.head.body_length
        if jar is None or (body and body > self._most_bytes(grant)):
            return self._with_care(visit, grant, live, target)
        return self._forward(visit, grant, live, target, jar)

    async def _with_care(
        self, visit: Visit, grant: Grant | None, live: LiveSession, target: CanonicalTarget
    ) -> Forwarded:
        """Forward what is too large, or what has a jar to be fetched."""
        if visit.incoming.head.body_length > self._most_bytes(grant):
            return _TOO_LARGE
        load = partial(self._cookies.load, live.session.hash, self._profile.id)
        jar = await asyncio.get_running_loop().run_in_executor(None, load)
        return await self._forward(visit, grant, live, target, jar)

    def _forward(
        self,
        visit: Visit,
        grant: Grant | None,
        live: LiveSession,
        target: CanonicalTarget,
        jar: CookieJar,
    ) -> Awaitable[Forwarded]:
        incoming, at = visit.incoming, visit.at_us / 1_000_000
        identity, passes = self._identity(visit, grant, live), None
        if self._passed is None:
            cookies = jar.header_for(target.path, at)
        else:
            # Not the session's token, which a step-up changes while work goes on.
            whose = f"{live.session.staff_id}\0{live.session.started_at_us}".encode()
            cookies = self._passed.to_system(incoming.head.headers.get(b"cookie", b""), whose)
            passes = partial(self._passed.to_browser, whose=whose, path=target.path, at=at)
        told = told_fields(identity, cookies)
        outbound = self._outbound(grant, live, target, told, passes)
        duty = self._duty_of(visit, grant)
        if visit.method == WEBSOCKET:
            if duty is not None:
                return duty.upgrade(self._websockets, outbound)
            return self._websockets.forward(visit, outbound)
        if duty is not None:
            return duty.forward(self._forwarder, outbound)
        ready = self._ready(grant)
        if ready is not None and passes is None:
            made = self._made(visit, live, target, jar.stands_until(at))
            jar_of = live.session.hash, self._profile.id
            ready.prepared = _Sent(*made, jar_of, jar, outbound)
        return self._forwarder.forward(visit, outbound)

    def _outbound(
        self,
        grant: Grant | None,
        live: LiveSession,
        target: CanonicalTarget,
        told: bytes,
        pass_cookies: PassCookies | None = None,
    ) -> Outbound:
        session = live.session
        function = None if grant is None else grant.match.function
        return Outbound(
            target=target,
            told=told,
            origins=self._forwarder.origins,
            resource=grant is None,
            keep=partial(self._keep, session.hash, function, target),
            learns=self._learns,
            body_bytes=self._most_bytes(grant),
            pass_cookies=pass_cookies,
            asker=session.staff_id,
        )

    def _most_bytes(self, grant: Grant | None) -> int:
        """Give the most bytes of a body that are passed on."""
        return (
            self._body_bytes if grant is None else grant.match.function.body_limit(self._body_bytes)
        )

    async def _keep(
        self,
        session: str,
        function: Function | None,
        target: CanonicalTarget,
        at: datetime,
        values: list[bytes],
        location: bytes | None,
    ) -> None:
        """Keep what an answer brings for the session; see `Outbound.keep`."""
        if values:
            await self._cookies.keep(session, self._profile.id, values, path=target.path, at=at)
        if function is not None and location is not None:
            await self._transactions.redirected(session, function, target, location, at=at)

    async def _let_pass(
        self,
        visit: Visit,
        asking: ProxyAsking,
        grant: Grant | None,
        live: LiveSession,
        target: CanonicalTarget,
    ) -> Forwarded:
        """Tell the proxy that holds the request to send it on; how that ends is not known here."""
        head = visit.incoming.head
        cookies = head.headers.get(b"cookie", b"")
        if grant is not None and grant.ready is not None:
            left = grant.ready.prepared
            if (
                isinstance(left, _Permitted)
                and left.cookies == cookies
                and left.holds(self, self._mint, visit)
            ):
                give_permission(left.told, visit.reference, asking.incoming, visit.client)
                return _LET_PASS
        if head.body_length > self._most_bytes(grant):
            return _TOO_LARGE
        if self._duty_of(visit, grant) is not None:
            return Forwarded(status=403, code="answer-unseen", answered=False)
        told = permission(self._identity(visit, grant, live), cookies, self._own_cookie)
        ready = self._ready(grant)
        if ready is not None:
            ready.prepared = _Permitted(*self._made(visit, live, target, math.inf), cookies, told)
        give_permission(told, visit.reference, asking.incoming, visit.client)
        return _LET_PASS

    def _made(
        self, visit: Visit, live: LiveSession, target: CanonicalTarget, until: float
    ) -> tuple[tuple[ForwardAct, LiveSession, CanonicalTarget, int], int, int]:
        """Say how something was made just now, of cookies that stand so long; see `_Made`."""
        used = self._mint.used_until(live.session.hash, self._profile.audience)
        until_us = int(min(until, used) * 1_000_000)
        return (self, live, target, self._mint.changes), visit.at_us, until_us

    def _ready(self, grant: Grant | None) -> Ready | None:
        """Say where what is made is left for the next request that is the same; None for not."""
        return grant.ready if grant is not None and self._told_alike else None


def forward_acts(
    settings: Settings,
    upstreams: Mapping[str, Upstream],
    mint: AssertionMint,
    jars: KeptCookies,
    transactions: Transactions,
    secret: bytes,
    duties: Callable[[str], DutyOf],
) -> dict[str, Act]:
    """Give the act of each system of the back office.

    Args:
        settings: which systems there are.
        upstreams: the instances of each and the connections to them, by its id.
        mint: signs assertions.
        jars: the systems' cookies, kept per session.
        transactions: which pages belong to which function.
        secret: of the gateway, for cookies that go to browsers.
        duties: by id of a system, what is to be done with its answers.
    """
    secure, hosts = settings.secure_origin, system_hosts(settings)
    return {
        each.id: ForwardAct(
            profile=profile_of(each, hosts.get(each.id)),
            forwarder=Forwarder(upstreams[each.id]),
            websockets=WebSockets(
                upstreams[each.id],
                idle_seconds=each.websocket_idle_seconds,
                at_most=each.websockets,
            ),
            mint=mint,
            cookies=jars,
            transactions=transactions,
            body_bytes=settings.gateway.body_mib * _MEBIBYTE,
            own_cookie=CookiePolicy.for_origin(settings.gateway.origin).session.name,
            passed=PassedCookies(each.id, secure=secure, secret=secret)
            if each.cookies == "pass"
            else None,
            duty_of=duties(each.id),
        )
        for each in settings.upstreams
    }
