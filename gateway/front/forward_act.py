"""The act that forwards a granted visit, or a resource, to one system of the back office."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.api.forward_auth import permitted
from gateway.backoffice.forward import Forwarded, Outbound
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.passed_cookies import PassedCookies
from gateway.backoffice.websocket import WebSockets
from gateway.cookies import CookiePolicy
from gateway.front.from_settings import system_hosts
from gateway.front.told_identity import identity_of, profile_of
from gateway.wire.answers import give
from gateway.wire.websocket_head import WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.acts import Act
    from gateway.answer_duties import AnswerDuty
    from gateway.backoffice.assertion import AssertionMint
    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.backoffice.cookie_jar import CookieJar
    from gateway.backoffice.kept_cookies import KeptCookies
    from gateway.backoffice.upstream import Upstream
    from gateway.front.told_identity import SystemProfile
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.proxy_asking import ProxyAsking
    from gateway.settings import Settings
    from gateway.transactions import Transactions
    from gateway.visit import Grant, Visit

_MEBIBYTE: Final = 1024 * 1024


DutyOf: TypeAlias = "Callable[[Visit, Grant | None], AnswerDuty | None]"


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
        live, target = visit.live, visit.target
        if live is None or target is None:
            raise ValueError("forward: a visit without session or target")
        jar = self._cookies.get(live.session.hash, self._profile.id)
        body = visit.incoming.head.body_length
        plain = visit.asking is None and (not body or body <= self._most_bytes(grant))
        if jar is None or not plain:
            return self._with_care(visit, grant, live, target)
        return self._forward(visit, grant, live, target, jar)

    async def _with_care(
        self, visit: Visit, grant: Grant | None, live: LiveSession, target: CanonicalTarget
    ) -> Forwarded:
        """Forward what a proxy holds, what is too large, or what has a jar to be fetched."""
        if visit.incoming.head.body_length > self._most_bytes(grant):
            return Forwarded(status=413, code="body-too-large", answered=False)
        if visit.asking is not None:
            if self._duty_of(visit, grant) is not None:
                return Forwarded(status=403, code="answer-unseen", answered=False)
            return self._told(visit, visit.asking, self._identity(visit, grant, live))
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
        incoming = visit.incoming
        outbound = Outbound(
            target=target,
            identity=self._identity(visit, grant, live),
            cookies=jar.header_for(target.path, visit.at_us / 1_000_000),
            reference=visit.reference,
            resource=grant is None,
            keep=partial(self._keep, visit, grant, live.session.hash, target.path),
            learns=self._learns,
            body_bytes=self._most_bytes(grant) if incoming.head.body_length else self._body_bytes,
            asker=live.session.staff_id,
        )
        if self._passed is not None:
            outbound = self._with_passed_cookies(self._passed, outbound, visit, live)
        duty = self._duty_of(visit, grant)
        if visit.method == WEBSOCKET:
            if duty is not None:
                return duty.upgrade(self._websockets, outbound)
            return self._websockets.forward(incoming, visit.client, outbound)
        if duty is not None:
            return duty.forward(self._forwarder, outbound)
        return self._forwarder.forward(incoming, visit.client, outbound)

    def _most_bytes(self, grant: Grant | None) -> int:
        """Give the most bytes of a body that are passed on."""
        return (
            self._body_bytes if grant is None else grant.match.function.body_limit(self._body_bytes)
        )

    @staticmethod
    def _with_passed_cookies(
        passed: PassedCookies, outbound: Outbound, visit: Visit, live: LiveSession
    ) -> Outbound:
        # Not the session's token, which a step-up changes while work goes on.
        whose = f"{live.session.staff_id}\0{live.session.started_at_us}".encode()
        path, at = outbound.target.path, visit.at_us / 1_000_000
        return outbound._replace(
            cookies=passed.to_system(visit.incoming.head.headers.get(b"cookie", b""), whose),
            pass_cookies=partial(passed.to_browser, whose=whose, path=path, at=at),
        )

    async def _keep(
        self,
        visit: Visit,
        grant: Grant | None,
        session: str,
        path: str,
        values: list[bytes],
        location: bytes | None,
    ) -> None:
        """Keep what an answer brings for the session; see `Outbound.keep`."""
        if values:
            await self._cookies.keep(session, self._profile.id, values, path=path, at=visit.at)
        if grant is not None and location is not None:
            await self._transactions.redirected(visit, grant, location)

    def _told(
        self, visit: Visit, asking: ProxyAsking, identity: list[tuple[bytes, bytes]]
    ) -> Forwarded:
        """Tell the proxy that holds the request to send it on; how that ends is not known here."""
        cookies = visit.incoming.head.headers.get(b"cookie", b"")
        answer = permitted(identity, cookies, self._own_cookie, visit.reference)
        give(answer, asking.incoming, visit.client)
        return Forwarded(status=0, code="", answered=True)


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
