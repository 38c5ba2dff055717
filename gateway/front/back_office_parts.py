"""What a worker holds of the back office: connections, assertions, and its pages' transactions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from gateway.answer_duties import AnswerDuties
from gateway.api.asked_decisions import AskedDecisions
from gateway.api.authzen import AuthZen
from gateway.api.decision_clients import DecisionClient, DecisionClients
from gateway.api.decision_search import DecisionSearch
from gateway.api.forward_auth import ForwardAuth
from gateway.api.search_pages import SearchPages
from gateway.backoffice.drained_instances import DrainFollower
from gateway.backoffice.held_answer import HeldBytes
from gateway.backoffice.kept_transactions import KeptTransactions
from gateway.conditions import Conditions
from gateway.front.forward_act import DutyOf, forward_acts
from gateway.front.from_settings import (
    assertion_mint,
    feed_push,
    front_proxies,
    host_names,
    presence,
    system_hosts,
)
from gateway.front.open_routes import OpenRoutes
from gateway.front.upstream_parts import upstreams_of
from gateway.identity.sessions.signed_in_staff import SignedInStaff
from gateway.rate_uses import RateUses
from gateway.transactions import Transactions

if TYPE_CHECKING:
    import asyncio

    from sqlalchemy import Engine as Store

    from gateway.acts import OpenAct
    from gateway.api.health import Readiness
    from gateway.audit.recorder import Recorder
    from gateway.backoffice.kept_cookies import KeptCookies
    from gateway.bulletin import BulletinReader
    from gateway.front.factor_parts import FactorParts
    from gateway.front.pages_bridge import PagesBridge
    from gateway.front.policy_in_force import PolicyInForce
    from gateway.identity.owners import RecordOwners
    from gateway.identity.sessions.session_cache import SessionCache
    from gateway.keys import KeyRing
    from gateway.settings import Settings


class State(Protocol):
    """What a worker keeps of the store."""

    @property
    def store(self) -> Store:
        """The store."""

    @property
    def policy(self) -> PolicyInForce:
        """The policy set in force."""

    @property
    def jars(self) -> KeptCookies:
        """The cookies of the systems."""

    @property
    def cache(self) -> SessionCache:
        """The sessions."""

    @property
    def owners(self) -> RecordOwners:
        """Whose employee a number is."""

    @property
    def reader(self) -> BulletinReader:
        """What was announced."""


class BackOfficeParts:
    """The way to every system of the back office.

    Attributes:
        mint: signs who is asking.
        transactions: which pages belong to which function.
        belongings: each forgets what it keeps in memory for all but some sessions.
        conditions: what functions ask beyond the decision.
        feeds: takes the exports of vetting units.
        upstreams: the systems, with the connections to their instances.
        acts: what is done with a Grant, by system.
        forward_auth: reads what other proxies ask, which keep systems themselves.
        decisions: tells other programs what would be decided.
        hosts: the systems that have hosts of their own, by id.
    """

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        recorder: Recorder,
        state: State,
        factors: FactorParts,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Put it together; nothing is connected before it is asked for."""
        self.mint = assertion_mint(settings.gateway.origin, keys)
        kept = KeptTransactions(state.store)
        self.transactions = Transactions(kept, lambda: state.policy.engine().policy_set.catalogue)
        self.belongings = (
            state.jars.forget_others,
            kept.forget_others,
            factors.purposes.forget_others,
        )
        self.feeds = feed_push(settings, recorder)
        self.conditions = Conditions(
            engine=state.policy.engine,
            transactions=self.transactions,
            purposes=factors.purposes,
            step_up=factors.step_up,
            rates=RateUses(state.store),
            recorder=recorder,
            host=settings.gateway.host_organisation,
        )
        upstreams = upstreams_of(settings, loop)
        self.upstreams = tuple(upstreams.values())
        drains = DrainFollower(state.store, self.upstreams, loop)
        state.reader.listen(drains.apply)
        drains.read()
        origin = settings.gateway.origin
        self.hosts = system_hosts(settings)
        self.forward_auth = ForwardAuth(
            front_proxies(settings),
            origin=origin,
            hosts=host_names(origin),
            system_hosts={
                name: each for each in self.hosts.values() for name in host_names(each.origin)
            },
        )
        room = HeldBytes()

        def duties(system: str) -> DutyOf:
            return AnswerDuties(
                system=system,
                origins=upstreams[system].origins,
                hosts=self.hosts,
                catalogue=lambda: state.policy.engine().policy_set.catalogue,
                recorder=recorder,
                room=room,
            ).of

        self.acts = forward_acts(
            settings,
            upstreams,
            self.mint,
            state.jars,
            self.transactions,
            keys.session_secret,
            duties,
        )
        self.decisions = _decisions(settings, recorder, state, keys.session_secret)

    def open_routes(
        self, pages: PagesBridge, readiness: Readiness, give_ticket: OpenAct | None
    ) -> OpenRoutes:
        """Give what is open without a session, at the gateway's own origin."""
        return OpenRoutes(pages, readiness, self.mint.jwks, self.feeds, self.decisions, give_ticket)


def _decisions(
    settings: Settings, recorder: Recorder, state: State, session_secret: bytes
) -> AuthZen:
    """Make what answers the programs that ask for decisions."""
    clients = DecisionClients(
        [
            DecisionClient(
                id=each.id,
                token_sha256=each.token_sha256,
                organisations=frozenset(each.organisations),
                per_minute=each.per_minute,
            )
            for each in settings.decisions.clients
        ]
    )
    apart = frozenset(system_hosts(settings))
    decisions = AskedDecisions(state.owners, presence(settings.sessions), apart)
    staff = SignedInStaff(state.store, state.cache)
    return AuthZen(
        clients,
        origin=settings.gateway.origin,
        engine=state.policy.engine,
        decisions=decisions,
        search=DecisionSearch(
            engine=state.policy.engine,
            decisions=decisions,
            staff=staff,
            clients=clients,
            pages=SearchPages(session_secret),
        ),
        staff=staff,
        bulletin=state.reader,
        recorder=recorder,
        monotonic=time.monotonic,
    )
