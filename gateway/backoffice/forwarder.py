"""Forwarding to a system: which instance is asked, and when a request is sent a second time.

A request is sent again only when the first certainly had no effect. Not a byte of it left: another
instance is asked, whatever the request is. Or nothing of an answer arrived on a connection that had
been idle, and it is a GET or HEAD without a body. A POST that anybody may have read is never sent
twice.
"""

from collections.abc import Callable
from typing import Final

from gateway.backoffice.forward import Exchange, Forwarded, ForwardedVisit, Outbound
from gateway.backoffice.plain_exchange import PlainExchange
from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.backoffice.upstream import Instance, Upstream
from gateway.backoffice.upstream_pool import UpstreamPool
from gateway.wire.incoming import Incoming
from gateway.wire.websocket_head import WEBSOCKET

# Without effect, RFC 9110 section 9.2.1; the handshake of a WebSocket is a GET.
_REPEATABLE: Final = frozenset({"GET", "HEAD", WEBSOCKET})
NewExchange = Callable[[ForwardedVisit, Outbound], Exchange]


class Forwarder:
    """Forwards to one system.

    Attributes:
        origins: by which places that answers lead to are known, see `Upstream`.
    """

    def __init__(self, upstream: Upstream, *, exchange: NewExchange = PlainExchange) -> None:
        """Hold the system.

        Args:
            upstream: its instances and the connections to them.
            exchange: what couples the two sides; another kind looks at what the system answers.
        """
        self._upstream = upstream
        self._exchange = exchange
        self.origins = upstream.origins

    def looking(self, exchange: NewExchange) -> "Forwarder":
        """Give a forwarder over the same connections that looks at what the system answers."""
        return Forwarder(self._upstream, exchange=exchange)

    async def forward(self, visit: ForwardedVisit, outbound: Outbound) -> Forwarded:
        """Send a decided and recorded request on, and stream the answer back.

        It is sent a second time only when the first certainly had no effect: not a byte of it left
        (then to another instance, whatever it asks); or nothing of an answer arrived on a
        connection that had been idle, and it is a GET or HEAD without a body.

        Raises:
            ExchangeError: nothing has been said to the client; the caller refuses.
        """
        upstream = self._upstream
        instance = upstream.only
        if instance is None:
            return await self._ask_one_of(visit, outbound)
        incoming = visit.incoming
        idle = None if incoming.failed else instance.pool.take_idle(outbound.asker)
        try:
            if idle is None:
                idle = await _acquired(instance.pool, incoming, outbound.asker, fresh=False)
                if idle is None:
                    return _given_up(incoming)
            exchange = self._exchange(visit, outbound)
            exchange.start(idle, instance.host)
            forwarded = await exchange.done
        except ExchangeError as error:
            if not _may_repeat(error, visit):
                upstream.failed(instance, error.code, outbound.asker)
                raise
            return await self._ask_one_of(visit, outbound, fresh=True)
        if forwarded.answered:
            visit.client.finish(incoming, keep_open=exchange.keep_open)
        return forwarded

    async def _ask_one_of(
        self, visit: ForwardedVisit, outbound: Outbound, *, fresh: bool = False
    ) -> Forwarded:
        """Ask instance after instance until one has taken the request; note how each did."""
        upstream = self._upstream
        tried: list[Instance] = []
        while True:
            instance = upstream.choose(tried, outbound.asker)
            instance.running += 1
            try:
                result = await self._ask(instance, visit, outbound, fresh=fresh)
            except ExchangeError as error:
                upstream.failed(instance, error.code, outbound.asker)
                tried.append(instance)
                if not (error.unsent and visit.client.is_open and upstream.may_try_again(tried)):
                    raise
            else:
                upstream.answered(instance, result.status, result.code, outbound.asker)
                return result
            finally:
                instance.running -= 1

    async def _ask(
        self, instance: Instance, visit: ForwardedVisit, outbound: Outbound, *, fresh: bool
    ) -> Forwarded:
        """Ask one instance; once more on a new connection where an idle one was dead."""
        if not fresh:
            try:
                return await self._attempt(instance, visit, outbound, fresh=False)
            except ExchangeError as error:
                if not _may_repeat(error, visit):
                    raise
        return await self._attempt(instance, visit, outbound, fresh=True)

    async def _attempt(
        self, instance: Instance, visit: ForwardedVisit, outbound: Outbound, *, fresh: bool
    ) -> Forwarded:
        incoming, pool = visit.incoming, instance.pool
        upstream = None if fresh or incoming.failed else pool.take_idle(outbound.asker)
        if upstream is None:
            upstream = await _acquired(pool, incoming, outbound.asker, fresh=fresh)
            if upstream is None:
                return _given_up(incoming)
        exchange = self._exchange(visit, outbound)
        exchange.start(upstream, instance.host)
        forwarded = await exchange.done
        if forwarded.answered:
            visit.client.finish(incoming, keep_open=exchange.keep_open)
        return forwarded


async def _acquired(
    pool: UpstreamPool, incoming: Incoming, asker: str, *, fresh: bool
) -> UpstreamConnection | None:
    """Acquire a connection; None where the client has given its request up meanwhile."""
    try:
        upstream = None if incoming.failed else await pool.acquire(asker, incoming, fresh=fresh)
    except ExchangeError:
        if not incoming.failed:
            raise
        return None
    if upstream is None:
        return None
    if incoming.failed:
        pool.put_back(upstream)
        return None
    if not upstream.is_reusable:  # gone before it could be used
        upstream.discard()
        raise ExchangeError(502, "upstream-gone", retryable=True, unsent=True)
    return upstream


def _given_up(incoming: Incoming) -> Forwarded:
    """Tell why the client gave up what was never sent."""
    status, code = incoming.failure
    return Forwarded(status=status, code=code, answered=False)


def _may_repeat(error: ExchangeError, visit: ForwardedVisit) -> bool:
    """Tell whether a request that failed may be sent to the same instance again."""
    head = visit.incoming.head
    without_effect = head.method in _REPEATABLE and head.body_length == 0
    return error.retryable and (without_effect or error.unsent) and visit.client.is_open
