"""The whole way through the gate on a real port: real store, record, policy set, pages' refusals.

Only the clock stands still, and what is done with a Grant is a double that notes what it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs
from typing_extensions import override

from gateway.api.forward_auth import ForwardAuth, FrontProxy
from gateway.audit.entry import Closing, EntryDraft, Outcome
from gateway.audit.identifiers import Identifiers
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.backoffice.kept_transactions import KeptTransactions
from gateway.conditions import Conditions
from gateway.cookies import CookiePolicy
from gateway.front.from_settings import unknown_function
from gateway.front.front import Front
from gateway.front.host_routes import HostOpenRoutes
from gateway.front.open_routes import is_called_by_machines
from gateway.front.refusals import FrontRefusals
from gateway.front.session_cuts import SessionCuts
from gateway.front.sign_on import GiveTicket, SignOnAtHost
from gateway.function_finder import FunctionFinder
from gateway.given_purposes import GivenPurposes
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.kept_forms import KeptForms
from gateway.identity.owners import RecordOwners
from gateway.identity.sessions.host_tickets import HostTickets
from gateway.identity.sessions.host_tokens import HostTokens
from gateway.identity.sessions.presence import Presence
from gateway.network_zones import NetworkZones
from gateway.pace import SourcePaces
from gateway.pipeline import Pipeline
from gateway.rate_uses import RateUses
from gateway.refuser import Refuser
from gateway.resources import ResourcePaths, ResourceTally
from gateway.same_origin import SameOrigin
from gateway.staff_finder import StaffFinder
from gateway.step_up import StepUp
from gateway.store.engine import writing
from gateway.system_hosts import SIGN_ON, SystemHost
from gateway.throttle import RefusalThrottle
from gateway.transactions import Transactions
from gateway.wire.answers import document, give
from gateway.wire.connection import Connection
from gateway.wire.limits import ConnectionLimits
from tests.doubles.raw_client import RawClient
from tests.doubles.record import SMALL, START, RecordBench
from tests.gateway.identity.parts import AT, FIRE, KINDS, Parts, new_parts, us
from tests.gateway.pages.world import World
from tests.policies.people import grant
from vetting.person import PersonKey

if TYPE_CHECKING:
    from gateway.acts import OpenAct, Refusals
    from gateway.audit.disk import Disk
    from gateway.keys import KeyRing
    from gateway.visit import Grant, Visit
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question
    from policies.telling import StaffReason

COOKIE = "gateway-localhost"
OWN_PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
SAME = "Origin: http://gate\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an act."""

    status: int = 200
    code: str = ""
    answered: bool = True


@dataclass
class NotingAct:
    """Answers `done`, or does what a test wants, and notes what it was given."""

    does: Callable[[Visit], Done] | None = None
    visits: list[Visit] = field(default_factory=list)
    grants: list[Grant | None] = field(default_factory=list)

    async def __call__(self, visit: Visit, grant: Grant | None) -> Done:
        self.visits.append(visit)
        self.grants.append(grant)
        if self.does is not None:
            done = self.does(visit)
            if not done.answered:
                return done
        give(document(200, b"text/plain", b"done"), visit.incoming, visit.client)
        return Done()


class NotingRecorder(Recorder):
    """A real recorder that also remembers what it was given."""

    drafts: list[EntryDraft]

    @override
    def record_async(
        self, draft: EntryDraft, loop: asyncio.AbstractEventLoop | None = None
    ) -> asyncio.Future[None]:
        self.drafts.append(draft)
        return super().record_async(draft, loop)

    @override
    def queue(self, draft: EntryDraft) -> None:
        self.drafts.append(draft)
        super().queue(draft)

    @override
    def close_visit(self, outcome: Closing) -> None:
        corr, at_us, status, bytes_out, bytes_in, duration_us = outcome
        decision = next(each for each in self.drafts if each.id.hex() == corr)
        result = decision.result(Outcome.PERMIT, at_us=at_us)
        result.status, result.duration_us = status, duration_us
        result.bytes_out, result.bytes_in = bytes_out, bytes_in
        self.drafts.append(result)
        super().close_visit(outcome)


class KeyedRecord(RecordBench):
    """A record under keys that are there already."""

    def __init__(self, directory: Path, key_ring: KeyRing) -> None:
        self.directory = directory / "record"
        self.directory.mkdir()
        self.log = self.directory / "log"
        self.journal = self.directory / "journal"
        self.key_ring = key_ring
        self.at = START


class NotingEngine:
    """The real engine, which counts what it is asked and can be made to fail."""

    def __init__(self, engine: Engine) -> None:
        self.asked: list[str] = []
        self.questions: list[Question] = []
        self.fails = False
        self.put(engine)

    def put(self, engine: Engine) -> None:
        """Put another policy set in force."""
        self._engine = engine
        self.policy_set = engine.policy_set
        self.zones, self.functions = engine.zones, engine.functions
        self.host = engine.host

    @property
    def real(self) -> Engine:
        """The engine itself."""
        return self._engine

    def decide(self, question: Question) -> Decision:
        self.asked.append("decide")
        self.questions.append(question)
        if self.fails:
            raise RuntimeError("a rule that fails")
        return self._engine.decide(question)

    def staff_reasons(self, question: Question, decision: Decision) -> tuple[StaffReason, ...]:
        self.asked.append("reasons")
        return self._engine.staff_reasons(question, decision)


@dataclass(kw_only=True)
class Stand:
    """A gate one can knock at."""

    parts: Parts
    record: RecordBench
    recorder: NotingRecorder
    engine: NotingEngine
    front: Front
    act: NotingAct
    transactions: Transactions
    purposes: GivenPurposes
    seen: list[Question]
    at_us: int = us(AT)
    monotonic: float = 0.0
    address: tuple[str, int] = ("", 0)
    clients: list[RawClient] = field(default_factory=list)
    open_acts: dict[str, OpenAct] = field(default_factory=dict)
    logged: list[MutableMapping[str, Any]] = field(default_factory=list)

    @property
    def drafts(self) -> list[EntryDraft]:
        """What was given to the record."""
        return self.recorder.drafts

    async def client(self) -> RawClient:
        """Connect a browser."""
        client = RawClient(*await asyncio.open_connection(*self.address))
        self.clients.append(client)
        return client

    async def ask(
        self,
        path: str = OWN_PAYSLIP,
        *,
        token: str | None = None,
        method: str = "GET",
        more: str = "",
        accept: str = "text/html",
        body: str = "",
        host: str = "gate",
    ) -> bytes:
        """Ask for something on a connection of its own."""
        client = await self.client()
        cookie = f"Cookie: {COOKIE}={token}\r\n" if token else ""
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        await client.say(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n"
            f"{cookie}{more}{length}\r\n{body}".encode()
        )
        return await client.answer(bodiless=method == "HEAD")

    def hold(self, level: str, number: str = "40011", organisation: str = FIRE) -> None:
        """Put a grant into the register, without announcing it."""
        value = replace(grant(level, organisation), id=f"{level}-{organisation}-{number}")
        person = PersonKey(organisation=organisation, employee_number=number)
        with writing(self.parts.store) as connection:
            self.parts.register.grant(connection, person, value, by="test", at=AT)

    def firefighter(self) -> str:
        """Sign in somebody who may see their own payslip; gives the token."""
        self.hold("DBSB")
        return self.parts.sign_in()[0]


def status_of(answer: bytes) -> int:
    """Give the status of an answer."""
    return int(answer.split(b" ", 2)[1])


def field_of(answer: bytes, name: str) -> str:
    """Give a field of an answer, empty where it has none."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(": ")
        if key.lower() == name.lower():
            return value
    return ""


Opened = Callable[..., AbstractAsyncContextManager[Stand]]


@contextlib.asynccontextmanager
async def stand(
    folder: Path,
    world: World,
    key_ring: KeyRing,
    *,
    disk: Disk | None = None,
    limits: RecorderLimits = SMALL,
    refusals: Refusals | None = None,
    max_connections: int = 100,
    idle_seconds: float = 2,
    presence: Presence | None = None,
    front_proxies: Collection[FrontProxy] = (),
    strangers: SourcePaces | None = None,
    host: SystemHost | None = None,
    port: int = 0,
) -> AsyncIterator[Stand]:
    """Open a gate, on a free port where none is given."""
    with new_parts(folder) as parts, capture_logs() as logged:
        record = KeyedRecord(folder, key_ring)
        recorder = NotingRecorder(
            directory=record.directory,
            key_ring=record.key_ring,
            writer="worker",
            limits=limits,
            disk=disk,
        )
        recorder.drafts = []
        recorder.start()
        engine, act = NotingEngine(world.engine), NotingAct()
        throttle, tally = RefusalThrottle(), ResourceTally()
        owners = RecordOwners(parts.store, tuple(KINDS))
        parts.reader.listen(owners.apply)
        transactions = Transactions(
            KeptTransactions(parts.store), lambda: engine.policy_set.catalogue
        )
        seal = FactorSeal([bytes(32)])
        purposes = GivenPurposes(parts.store, seal)
        step_up = StepUp(KeptForms(parts.store, seal))
        loop = asyncio.get_running_loop()
        open_acts: dict[str, OpenAct] = {}
        forward_auth = ForwardAuth(
            front_proxies,
            origin="http://gate",
            hosts=frozenset({b"gate"}),
            system_hosts={} if host is None else {host.authority.encode(): host},
        )
        made: Stand
        seen: list[Question] = []
        running: dict[Connection, Visit] = {}
        find_staff = partial(
            StaffFinder,
            sessions=parts.cache,
            bulletin=parts.reader,
            session_cookie=COOKIE.encode(),
            strangers=strangers or SourcePaces(),
            monotonic=lambda: parts.reader._monotonic() + made.monotonic,
        )
        staff, hosts = find_staff(), {} if host is None else {host.system: host}
        open_acts |= {
            f"{SIGN_ON}/{each}": GiveTicket(hosts, staff, HostTickets(parts.store, bytes(32)))
            for each in (*hosts, "nowhere")
        }
        gate = partial(
            Pipeline,
            presence=presence or Presence(),
            zones=NetworkZones({"loopback": ["127.0.0.0/8", "::1/128"]}),
            engine=lambda: made.engine,  # type: ignore[arg-type,return-value]  # all that is asked of it
            owners=owners,
            recorder=recorder,
            identifiers=Identifiers(),
            tally=tally,
            unknown_function=unknown_function(world.engine.policy_set),
            running=running,
            acts={"ebs": act},
            step_up=step_up,
            transactions=transactions,
            conditions=Conditions(
                engine=lambda: engine,  # type: ignore[arg-type,return-value]  # see above
                transactions=transactions,
                purposes=purposes,
                rates=RateUses(parts.store),
                step_up=step_up,
                recorder=recorder,
                host="cheshire-police",
            ),
            seen=lambda _engine, question, _decision: seen.append(question),
            wall_us=lambda: made.at_us,
            monotonic=lambda: parts.reader._monotonic() + made.monotonic,
        )
        refuser = partial(
            Refuser,
            recorder=recorder,
            throttle=throttle,
            refusals=refusals
            or FrontRefusals(
                pages=world.pages.refusals,
                contacts=world.services.contacts,
                caller=world.pages.refusal_caller,
            ),
        )
        resources = {"ebs": ("/OA_MEDIA/*", "/style.css"), "lost": ("/l.js",)}
        by_host: dict[bytes, Pipeline] = {}
        for each in hosts.values():
            tokens = HostTokens(bytes(32), each.authority)
            sign_on = SignOnAtHost(
                each,
                tokens=tokens,
                tickets=HostTickets(parts.store, bytes(32)),
                sessions=parts.cache,
                cookies=CookiePolicy.for_origin("http://localhost"),
                recorder=recorder,
            )
            nothing: Any = None  # no page is shown
            staff_there = find_staff(host_tokens=tokens)
            by_host[each.authority.encode()] = gate(
                staff=staff_there,
                refuser=refuser(staff=staff_there),
                finder=FunctionFinder(HostOpenRoutes(nothing, each, sign_on).find, host=each),
                resource_paths=ResourcePaths({each.system: resources[each.system]}),
                same_origin=SameOrigin(each.origin, lambda _: False),
            )
        front = Front(
            pipeline=gate(
                staff=staff,
                refuser=refuser(staff=staff),
                finder=FunctionFinder(open_acts.get, apart=frozenset(hosts)),
                resource_paths=ResourcePaths(resources),
                same_origin=SameOrigin("http://gate", is_called_by_machines),
            ),
            by_host=by_host,
            limits=ConnectionLimits(
                head_bytes=16_384,
                head_fields=50,
                head_seconds=2,
                idle_seconds=idle_seconds,
                hosts=frozenset({b"gate"}) | forward_auth.hosts | by_host.keys(),
            ),
            max_connections=max_connections,
            upstreams=(),
            recorder=recorder,
            throttle=throttle,
            tally=tally,
            chores=(),
            forward_auth=forward_auth,
            cuts=SessionCuts(
                running=running,
                sessions=parts.cache,
                engine=lambda: engine.real,
                recorder=recorder,
                wall_us=lambda: made.at_us,
            ),
            wall_us=lambda: made.at_us,
        )
        made = Stand(
            parts=parts,
            record=record,
            recorder=recorder,
            engine=engine,
            front=front,
            act=act,
            transactions=transactions,
            purposes=purposes,
            seen=seen,
            open_acts=open_acts,
            logged=logged,
        )
        house = loop.create_task(front.keep_house(lambda _: None))
        server = await loop.create_server(lambda: Connection(front, loop), "127.0.0.1", port)
        made.address = server.sockets[0].getsockname()
        try:
            yield made
        finally:
            house.cancel()
            server.close()
            for client in made.clients:
                client.writer.close()
            for connection in list(front.connections):
                connection.abort()
            await asyncio.sleep(0.01)
            recorder.close()
