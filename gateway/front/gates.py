"""The way through the gate at each host: one for the gateway's own, one for each that a system has.

They share everything but what makes a host: what is reached there, how its cookie is read, which
pages are open, and from where its forms may come. Which of them serves a request is told by its
`Host` once (`front.Front`); where no system has a host of its own, there is nothing to tell.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from gateway.audit.identifiers import Identifiers
from gateway.front.clock import wall_us
from gateway.front.entrance_parts import stranger_paces
from gateway.front.from_settings import host_names, unknown_function
from gateway.front.host_routes import HostOpenRoutes
from gateway.front.open_routes import is_called_by_machines
from gateway.front.refusals import FrontRefusals
from gateway.front.sign_on import GiveTicket, SignOnAtHost
from gateway.function_finder import FunctionFinder
from gateway.identity.sessions.host_tickets import HostTickets
from gateway.identity.sessions.host_tokens import HostTokens
from gateway.network_zones import NetworkZones
from gateway.pipeline import Pipeline
from gateway.refuser import Refuser
from gateway.resources import ResourcePaths
from gateway.same_origin import SameOrigin
from gateway.staff_finder import StaffFinder
from policies.catalogue import GATEWAY_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.api.health import Readiness
    from gateway.audit.recorder import Recorder
    from gateway.front.back_office_parts import BackOfficeParts, State
    from gateway.front.factor_parts import FactorParts
    from gateway.front.pages_bridge import PagesBridge
    from gateway.identity.sessions.presence import Presence
    from gateway.keys import KeyRing
    from gateway.pages.application import Pages
    from gateway.pages.page_services import PageServices
    from gateway.resources import ResourceTally
    from gateway.settings import Settings
    from gateway.system_hosts import SystemHost
    from gateway.throttle import RefusalThrottle
    from gateway.visit import Visit
    from gateway.wire.connection import Connection
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question


class Gates:
    """The pipelines of one worker.

    Attributes:
        main: at the gateway's own host.
        by_host: at those of systems, by each value of `Host` that names one.
        running: what is being served now, at any of them.
    """

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        state: State,
        *,
        office: BackOfficeParts,
        recorder: Recorder,
        throttle: RefusalThrottle,
        tally: ResourceTally,
        factors: FactorParts,
        presence: Presence,
        pages: Pages,
        services: PageServices,
        bridge: PagesBridge,
        readiness: Readiness,
        seen: Callable[[Engine, Question, Decision], None],
    ) -> None:
        """Put them together."""
        hosts = office.hosts
        self.running: dict[Connection, Visit] = {}
        find_staff = partial(
            StaffFinder,
            sessions=state.cache,
            bulletin=state.reader,
            session_cookie=services.cookies.session.name.encode("ascii"),
            strangers=stranger_paces(settings.gateway),
            monotonic=time.monotonic,
        )
        gate = partial(
            Pipeline,
            engine=state.policy.engine,
            presence=presence,
            zones=NetworkZones({each.id: each.networks for each in settings.zones}),
            owners=state.owners,
            recorder=recorder,
            identifiers=Identifiers(),
            tally=tally,
            unknown_function=unknown_function(state.policy.engine().policy_set),
            running=self.running,
            acts={**office.acts, GATEWAY_SYSTEM: bridge.act},
            step_up=factors.step_up,
            transactions=office.transactions,
            conditions=office.conditions,
            seen=seen,
            wall_us=wall_us,
            monotonic=time.monotonic,
        )
        refuser = partial(
            Refuser,
            recorder=recorder,
            throttle=throttle,
            refusals=FrontRefusals(
                pages=pages.refusals,
                contacts=services.contacts,
                caller=pages.refusal_caller,
                origins=services.origins,
            ),
        )
        tickets = HostTickets(state.store, keys.session_secret)
        resources = {each.id: each.resources for each in settings.upstreams}
        staff = find_staff()
        give_ticket = GiveTicket(hosts, staff, tickets) if hosts else None
        self.main = gate(
            staff=staff,
            refuser=refuser(staff=staff),
            finder=FunctionFinder(
                office.open_routes(bridge, readiness, give_ticket).find, apart=frozenset(hosts)
            ),
            resource_paths=ResourcePaths(
                {name: paths for name, paths in resources.items() if name not in hosts}
            ),
            same_origin=SameOrigin(settings.gateway.origin, is_called_by_machines),
        )

        def at_host(host: SystemHost) -> Pipeline:
            tokens = HostTokens(keys.session_secret, host.authority)
            sign_on = SignOnAtHost(
                host,
                tokens=tokens,
                tickets=tickets,
                sessions=state.cache,
                cookies=services.cookies,
                recorder=recorder,
            )
            staff = find_staff(host_tokens=tokens)
            return gate(
                staff=staff,
                refuser=refuser(staff=staff),
                finder=FunctionFinder(HostOpenRoutes(bridge, host, sign_on).find, host=host),
                resource_paths=ResourcePaths({host.system: resources[host.system]}),
                same_origin=SameOrigin(host.origin, lambda _: False),
            )

        self.by_host: dict[bytes, Pipeline] = {}
        for host in hosts.values():
            self.by_host.update(dict.fromkeys(host_names(host.origin), at_host(host)))
