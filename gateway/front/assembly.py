"""Puts a worker together from the settings: the one place where the parts meet.

Everything that blocks is opened here, before the first connection is taken, and closed in reverse
order. Nothing else in the gateway looks up a service.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog

from gateway.audit.recorder import Recorder
from gateway.audit.search import search
from gateway.backoffice.kept_cookies import KeptCookies
from gateway.bulletin import POLICY, Bulletin, BulletinReader
from gateway.cookies import CookiePolicy
from gateway.front.back_office_parts import BackOfficeParts
from gateway.front.break_glass_desk import RecordedBreakGlass
from gateway.front.clock import clock, wall_us
from gateway.front.entrance_parts import connection_limits
from gateway.front.factor_parts import FactorParts
from gateway.front.from_settings import (
    brand,
    doors_of,
    limits_of,
    organisation_choice,
    organisations,
    presence,
    providers,
    recorder_limits,
    session_rules,
    system_hosts,
)
from gateway.front.front import Front
from gateway.front.gates import Gates
from gateway.front.notice_desk import NoticeDesk
from gateway.front.open_routes import readiness_of
from gateway.front.oracle_watch import OracleWatch
from gateway.front.pages_bridge import PagesBridge
from gateway.front.policy_in_force import PolicyInForce
from gateway.front.provider_desk import RecordedProviders
from gateway.front.register_desk import RegisterSearch
from gateway.front.session_cuts import SessionCuts
from gateway.front.session_desk import RecordedSessions
from gateway.front.session_parts import directory_organisations, look_after_sessions, vouching
from gateway.front.sign_in_desk import RecordedSignIn
from gateway.front.staff_counts import StaffCounts
from gateway.front.ticket_desk import ticket_desk
from gateway.identity.owners import RecordOwners
from gateway.identity.providers.provider_logins import ProviderLogins
from gateway.identity.providers.provider_sessions import ProviderSessions
from gateway.identity.providers.provider_sign_in import ProviderSignIn
from gateway.identity.sessions.live_session import SubjectReader
from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import SessionTokens
from gateway.identity.signing_in.attempts import Attempts
from gateway.identity.signing_in.break_glass import BreakGlass
from gateway.identity.signing_in.password_hash import PasswordCheck
from gateway.identity.signing_in.sign_in import SignIn
from gateway.identity.subject import subject_reader
from gateway.identity.upkeep import Upkeep
from gateway.keys import KeyRing
from gateway.operational_log import configure_operational_log
from gateway.pace import PersonPaces
from gateway.pages.application import Pages
from gateway.pages.page_services import PageServices
from gateway.person_finder import person_finder
from gateway.policy_versions import PolicyVersions
from gateway.resources import ResourceTally
from gateway.store.engine import open_store
from gateway.throttle import RefusalThrottle
from policies.policy_files import PolicyFiles
from policies.policy_set import load_policy_set

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

    from sqlalchemy import Engine as Store

    from gateway.identity.sessions.presence import Presence
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What a worker keeps of the store, and how it keeps in step with it."""

    store: Store
    bulletin: Bulletin
    reader: BulletinReader
    sessions: Sessions
    subjects: SubjectReader
    cache: SessionCache
    owners: RecordOwners
    jars: KeptCookies
    attempts: Attempts
    policy: PolicyInForce


class Assembly:
    """Everything one worker holds. Use it as a context manager; `front` is there inside."""

    front: Front

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        """Remember what to put together.

        Args:
            settings: checked settings.
            loop: the running event loop of the worker.
        """
        self._settings = settings
        self._loop = loop
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open everything.

        Raises:
            GatewayError, PolicyFileError: a part cannot be opened; nothing stays open.
        """
        with self._stack as stack:
            self._build(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything, in reverse order."""
        self._stack.close()

    # ---- the parts, in the order in which they need each other ------------------------------

    def _build(self, stack: ExitStack) -> None:
        settings = self._settings
        gateway = settings.gateway
        configure_operational_log(settings.operational_log, component="front")
        # 1. what is read from files, or refused
        keys = KeyRing.open(settings.keys.directory)
        pauses = presence(settings.sessions)
        # 2. state, and how this worker keeps in step with it
        state = self._open_state(stack, keys, pauses)
        # 3. the record
        recorder = Recorder(
            directory=settings.record.directory,
            key_ring=keys,
            writer="worker",
            limits=recorder_limits(settings.record),
        )
        recorder.start()
        stack.callback(recorder.close)
        # 4. the pages
        threads = stack.enter_context(ThreadPoolExecutor(gateway.page_threads, "pages"))
        throttle, doors = RefusalThrottle(), doors_of(settings)
        factors = FactorParts(gateway, keys, state, recorder, throttle)
        kept = ProviderSessions(state.store, state.sessions, keys.session_secret)
        sign_in = SignIn(
            engine=state.store,
            bulletin=state.bulletin,
            organisations=organisations(settings),
            doors=doors,
            attempts=state.attempts,
            sessions=state.sessions,
            subjects=state.subjects,
            hold=factors.stages.begin,
            keep=kept.keep,
        )
        stack.callback(sign_in.close)
        break_glass = BreakGlass(
            engine=state.store,
            host=gateway.host_organisation,
            sign_in=sign_in,
            attempts=state.attempts,
            passwords=stack.enter_context(closing(PasswordCheck())),
            factor_seal=factors.seal,
        )
        desk = RecordedSignIn(
            sign_in=sign_in,
            sessions=state.sessions,
            recorder=recorder,
            throttle=throttle,
            clock=clock,
            forms=factors.forms,
        )
        providing = ProviderSignIn(
            providers=providers(settings),
            logins=ProviderLogins(state.store, keys.session_secret),
            sessions=kept,
            sign_in=sign_in,
        )
        stack.callback(providing.close)
        look_after_sessions(
            stack,
            settings,
            store=state.store,
            bulletin=state.bulletin,
            reader=state.reader,
            sessions=state.sessions,
            doors=doors,
            providers=providing.providers,
            kept=kept,
            recorder=recorder,
            clock=clock,
        )
        find_person, hosts = person_finder(state.store), system_hosts(settings)
        log_directory = settings.record.directory / "log"
        directories = directory_organisations(settings)
        services = PageServices(
            brand=brand(settings),
            organisations=tuple(organisation_choice(each) for each in settings.organisations),
            cookies=CookiePolicy.for_origin(gateway.origin, hosts=bool(hosts)),
            form_secret=keys.session_secret,
            engine=state.policy.engine,
            policy_versions=PolicyVersions(state.store, state.bulletin).listed,
            sign_in_desk=desk,
            provider_desk=RecordedProviders(
                providers=providing,
                desk=desk,
                recorder=recorder,
                throttle=throttle,
                wall_us=wall_us,
            ),
            ticket_desk=ticket_desk(settings, doors, sign_in, desk),
            break_glass=RecordedBreakGlass(
                break_glass=break_glass,
                host=gateway.host_organisation,
                recorder=recorder,
                throttle=throttle,
                clock=clock,
            ),
            register=RegisterSearch(state.store, state.policy.register),
            staff_counts=StaffCounts(state.store, state.policy, *settings.employers),
            search_record=lambda wanted: search(log_directory, keys, wanted, find_person),
            session_limits=(gateway.session_idle_minutes, gateway.session_absolute_hours * 60),
            session_desk=RecordedSessions(
                engine=state.store,
                sessions=state.sessions,
                recorder=recorder,
                clock=clock,
                host_organisation=gateway.host_organisation,
                directories=directories,
            ),
            at_most=settings.sessions.at_most,
            directories=directories,
            why_over=state.cache.why_over,
            factors=factors.desk(sign_in, clock),
            factor_office=factors.office(),
            notices=NoticeDesk(state.store),
            purposes=factors.purposes,
            hosts=hosts,
        )
        pages, scheme = Pages(services), gateway.origin.partition(":")[0]
        bridge = PagesBridge(wsgi=pages.wsgi, threads=threads, scheme=scheme)
        # 5. the back office
        office = BackOfficeParts(settings, keys, recorder, state, factors, self._loop)
        # 6. the way through
        tally = ResourceTally()
        upkeep = Upkeep(
            engine=state.store,
            cache=state.cache,
            sessions=state.sessions,
            attempts=state.attempts,
            bulletin=state.bulletin,
            clock=clock,
            belongings=office.belongings,
        )
        stack.callback(upkeep.close)
        watch = OracleWatch(
            one_in=settings.policy.oracle_one_in,
            lock=gateway.state_directory / "oracle.lock",
            policy=state.policy,
            recorder=recorder,
            clock=clock,
        )
        stack.callback(watch.close)
        readiness = readiness_of(recorder, state.reader, state.policy, office.upstreams)
        gates = Gates(
            settings,
            keys,
            state,
            office=office,
            recorder=recorder,
            throttle=throttle,
            tally=tally,
            factors=factors,
            presence=pauses,
            pages=pages,
            services=services,
            bridge=bridge,
            readiness=readiness,
            seen=watch.seen,
        )
        self.front = Front(
            pipeline=gates.main,
            by_host=gates.by_host,
            limits=connection_limits(gateway, office.forward_auth.hosts | gates.by_host.keys()),
            max_connections=gateway.connections,
            upstreams=office.upstreams,
            recorder=recorder,
            throttle=throttle,
            tally=tally,
            chores=(upkeep,),
            forward_auth=office.forward_auth,
            cuts=SessionCuts(
                running=gates.running,
                sessions=state.cache,
                engine=state.policy.engine,
                recorder=recorder,
                wall_us=wall_us,
            ),
            wall_us=wall_us,
        )

    def _open_state(self, stack: ExitStack, keys: KeyRing, pauses: Presence) -> _State:
        """Open the store, and have what is kept in memory follow the bulletin."""
        settings = self._settings
        store = open_store(settings.store_url)
        stack.callback(store.dispose)
        bulletin = stack.enter_context(closing(Bulletin(settings.gateway.state_directory)))
        versions = PolicyVersions(store, bulletin)
        if versions.in_force() is None:  # from then on the files change nothing, broken or not
            policy_set = load_policy_set(settings.policy.directory)
            files = PolicyFiles.read(settings.policy.directory)
            versions.begin(files, policy_set, at=clock())
        reader = BulletinReader(store, bulletin, complain=_complain)
        kinds, kept_here = settings.employers
        sessions = Sessions(
            store, bulletin, session_rules(settings), SessionTokens(keys.session_secret)
        )
        policy = PolicyInForce(versions)
        subjects = subject_reader(policy, kinds, kept_here)
        state = _State(
            store=store,
            bulletin=bulletin,
            reader=reader,
            sessions=sessions,
            subjects=subjects,
            cache=SessionCache(
                store,
                sessions,
                subjects,
                presence=pauses,
                vouching=vouching(settings),
                paces=PersonPaces(settings.gateway.person_requests_per_second),
            ),
            owners=RecordOwners(store, tuple(kinds)),
            jars=KeptCookies(store, bulletin),
            attempts=Attempts(store, limits_of(settings)),
            policy=policy,
        )
        for listener in (
            state.policy.apply,
            state.cache.apply,
            state.owners.apply,
            state.jars.apply,
        ):
            reader.listen(listener)
        stack.enter_context(reader)
        # Read before the bulletin was: what came into force in between was not announced here.
        state.policy.apply(frozenset({POLICY}))
        return state


def _complain(error: BaseException) -> None:
    structlog.get_logger("bulletin").error("read failed", error=type(error).__name__)
