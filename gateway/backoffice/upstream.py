"""A system of the back office: its instances, which of them is asked, and how they are.

Each worker sees for itself: it counts what fails, looks at what is out of service, and keeps its
own connections. Rules:

- Where there is one instance there is nothing to choose and nothing to count.
- The last instance in service is never put out: it may be ill, nothing else is better.
- What is out of service is still asked when everything else has failed the request at hand.
- A drained instance is asked by nobody; what runs there goes on to its end.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import structlog

from gateway.backoffice.affinity import drawn
from gateway.backoffice.instance_health import HealthRule, InstanceHealth
from gateway.backoffice.instance_look import look_at
from gateway.backoffice.shares import PERSON_SHARE
from gateway.backoffice.transport import ExchangeError
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.backoffice.upstream_pool import UpstreamPool

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_NO_ORIGINS: Final[Mapping[str, bytes]] = MappingProxyType({})
_log = structlog.get_logger("upstream")
_LOOK: Final = 2.0  # a look may take so many times as long as connecting
_TRIES: Final = 3  # instances that one request is offered to
# No connection: nobody's request is to blame.
_NOT_REACHED: Final = frozenset(
    {"upstream-refused", "upstream-connect-timeout", "upstream-tls", "upstream-gone"}
)
# Refused by us, or for what an answer says: no instance is to blame.
_BLAMELESS: Final = frozenset(
    {"upstream-busy", "upstream-drained", "upstream-location", PERSON_SHARE}
)


class Instance:
    """One place where a system is served.

    Attributes:
        url: as the settings spell it.
        host: value of `Host` that it is asked with.
        pool: the connections to it.
        health: whether it is given requests.
        drained: whether an operator has taken it out.
        running: requests that were given it and have not ended, WebSockets included; counted only
            where there are several instances.
    """

    __slots__ = ("drained", "emptied", "health", "host", "look", "pool", "running", "url")

    def __init__(self, url: str, host: str, pool: UpstreamPool, rule: HealthRule) -> None:
        self.url = url
        self.host = host.encode("ascii")
        self.pool = pool
        self.health = InstanceHealth(rule, pool.loop.time())
        self.drained = False
        self.emptied = False
        self.running = 0
        self.look: asyncio.Task[None] | None = None


class Upstream:
    """The instances of one system, as one worker sees them.

    Attributes:
        id: the system, as the catalogue names it.
        only: the instance, where there is one, well, and no choice: what becomes of a request
            there is told only when it fails.
        origins: by which a `Location` is known to lead to this system itself, or to another host
            of the gateway; with each, what stands before its paths (`local_location`).
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 -- as the catalogue calls it
        addresses: Sequence[tuple[str, UpstreamAddress]],
        loop: asyncio.AbstractEventLoop,
        host: str | None = None,
        own_origins: frozenset[str] = frozenset(),
        other_origins: Mapping[str, bytes] = _NO_ORIGINS,
        rule: HealthRule,
        look_path: str | None = None,
        least_loaded: bool = False,
        by_person: bool = False,
    ) -> None:
        """Hold the instances; nothing is connected before it is asked for.

        Args:
            id: the system, as the catalogue names it.
            addresses: origin and address of each instance, at least one.
            loop: of the worker.
            host: value of `Host` for all of them; each one's own without.
            own_origins: where staff reach it, which a system may know.
            other_origins: of other hosts of the gateway, with how each is told to browsers.
            rule: when an instance is put out of service.
            look_path: what is asked for to see how it is; None for a connection alone.
            least_loaded: give a request to the instance with the fewest; in turn otherwise.
            by_person: give all of a person's requests to one instance, as long as it serves.
        """
        self.id = id
        self.instances = tuple(
            Instance(url, host or url.partition("://")[2], UpstreamPool(address, loop), rule)
            for url, address in addresses
        )
        own = set(own_origins)
        for url, _ in addresses:
            scheme, _, authority = url.partition("://")
            own |= spellings(scheme, authority) | spellings(scheme, host or authority)
        # A place where staff reach another system is that system's, whatever this one is asked by.
        self.origins: Mapping[str, bytes] = {**dict.fromkeys(own, b""), **other_origins}
        self._loop = loop
        self._look_path = look_path
        self._least_loaded = least_loaded
        self._by_person = by_person
        self._turn = 0
        self._serving: tuple[Instance, ...] = ()
        self.only: Instance | None = None
        self._settle()

    # ---- the choice -------------------------------------------------------------------------

    def choose(self, tried: Sequence[Instance] = (), asker: str = "") -> Instance:
        """Give the instance to ask.

        Args:
            tried: those that could not take the request at hand.
            asker: whose request it is.

        Raises:
            ExchangeError: 503 when an operator has drained them all.
        """
        serving = self._serving
        if tried or not serving:
            serving = self._left(tried)
        if len(serving) == 1:
            return serving[0]
        if self._by_person and asker:
            return max(serving, key=lambda each: drawn(each.pool.address, asker))
        self._turn = turn = (self._turn + 1) % len(serving)
        if not self._least_loaded:
            return serving[turn]
        found = serving[turn]
        for instance in serving:
            if instance.running < found.running:
                found = instance
        return found

    def may_try_again(self, tried: Sequence[Instance]) -> bool:
        """Tell whether there is an instance that has not been asked yet."""
        return len(tried) < _TRIES and any(
            not each.drained and each not in tried for each in self.instances
        )

    def _left(self, tried: Sequence[Instance]) -> tuple[Instance, ...]:
        """Give who is left: those in service, or else whoever has not been drained."""
        left = tuple(each for each in self._serving if each not in tried)
        if left:
            return left
        left = tuple(each for each in self.instances if not each.drained and each not in tried)
        if not left:
            raise ExchangeError(503, "upstream-drained", unsent=True)
        return left

    # ---- what came of it --------------------------------------------------------------------

    def failed(self, instance: Instance, code: str, asker: str) -> None:
        """Note that a request failed there.

        Args:
            instance: which.
            code: what went wrong.
            asker: whose request it was.
        """
        if code in _BLAMELESS:
            return
        if code in _NOT_REACHED:
            enough = instance.health.unreached(code)
        else:
            enough = instance.health.failed(code, asker, self._loop.time())
        if enough:
            self._put_out(instance)
        self.only = None  # until it answers again, what becomes of requests there is noted

    def answered(self, instance: Instance, status: int, code: str, asker: str) -> None:
        """Note an answer: 500 to 599, and one that broke off (`code`), is a failure."""
        if code.startswith("upstream-"):
            self.failed(instance, code, asker)
        elif status >= 500 and not code:  # noqa: PLR2004
            self.failed(instance, f"status-{status}", asker)
        elif instance.health.failures and not code:
            instance.health.succeeded()
            self._settle()

    def _put_out(self, instance: Instance) -> None:
        if self._serving == (instance,):
            if instance.health.has_just_failed:
                reason = instance.health.reason
                _log.error("system away", alarm="upstream-away", upstream=self.id, reason=reason)
            return
        instance.health.put_out(self._loop.time())
        self._settle()
        instance.pool.close_idle()  # some may be dead without having said so
        _log.warning(
            "instance out of service",
            upstream=self.id,
            server=instance.url,
            reason=instance.health.reason,
            count=len(self._serving),
        )

    def _settle(self) -> None:
        """Work out who serves, after a change."""
        free = tuple(each for each in self.instances if not each.drained)
        self._serving = tuple(each for each in free if each.health.in_service) or free
        first = self.instances[0]
        nothing_to_note = len(self.instances) == len(free) == 1 and not first.health.failures
        self.only = first if nothing_to_note else None

    # ---- what an operator says --------------------------------------------------------------

    def drain(self, urls: frozenset[str]) -> None:
        """Have these instances, and no others, drained."""
        for instance in self.instances:
            drained = instance.url in urls
            if drained is instance.drained:
                continue
            instance.drained, instance.emptied = drained, False
            if drained:
                instance.pool.close_idle()
            word = "instance drained" if drained else "instance given back"
            _log.info(word, upstream=self.id, server=instance.url)
        self._settle()

    # ---- housekeeping -----------------------------------------------------------------------

    @property
    def state(self) -> str:
        """`ok`; `degraded` where an instance is out or drained; `away` where none is well."""
        well = [each for each in self.instances if not each.drained and each.health.is_well]
        if not well:
            return "away"
        return "ok" if len(well) == len(self.instances) else "degraded"

    def sweep(self, now: float) -> None:
        """End what has passed its deadline, and look at instances; a few times a second."""
        for instance in self.instances:
            instance.pool.sweep(now)
            if instance.health.look_at <= now and instance.look is None and not instance.drained:
                instance.look = self._loop.create_task(self._look(instance))
            if instance.drained and not instance.emptied:
                instance.emptied = not (instance.running or instance.pool.busy)
                if instance.emptied:
                    _log.info("instance empty", upstream=self.id, server=instance.url)

    def close(self) -> None:
        """Close every connection."""
        for instance in self.instances:
            if instance.look is not None:
                instance.look.cancel()
            instance.pool.close()

    async def _look(self, instance: Instance) -> None:
        """Look at an instance, and put it out or take it back for what was found."""
        health, address = instance.health, instance.pool.address
        seconds = _LOOK * address.connect_seconds
        try:
            wrong = await look_at(address, instance.host, self._look_path, seconds=seconds)
            now = self._loop.time()
            if wrong and health.found_ill(wrong, now):
                self._put_out(instance)
            elif not wrong and health.found_well(now):
                health.come_back(now)
                self._settle()
                _log.info("instance back in service", upstream=self.id, server=instance.url)
        finally:
            instance.look = None


def spellings(scheme: str, authority: str) -> frozenset[str]:
    """Give the ways to spell an origin: the port of its scheme is optional."""
    port = _DEFAULT_PORTS[scheme]
    bare = authority.lower().removesuffix(port)
    return frozenset({f"{scheme}://{bare}", f"{scheme}://{bare}{port}"})
