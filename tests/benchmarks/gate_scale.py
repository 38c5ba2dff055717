"""The group `gate_scale`: what a request costs as more sessions live and more functions are listed.

The real pieces in one process, on a database with 100,000 people, each with a grant of clearance
and a live session. Costs are CPU seconds of this process, so that other work on the machine only
counts as far as it takes the caches away.

    gate_scale.session_N_us        finding the live session of a request: of one of N that are in
                                   use, another one each time
    gate_scale.session_read_N_us   the first request of a session in five minutes at a worker, and
                                   the first after something about it changed: session, staff and
                                   register are read, with N in the database and in memory
    gate_scale.change_N_us         one person's change taken from the bulletin, with N in memory
    gate_scale.end_N_us            one session's end, likewise
    gate_scale.use_written_N_ms    writing that N sessions were used; of each once a minute at most
    gate_scale.session_kib         memory of a session that is in use, at a worker
    gate_scale.target_N_us         finding what a request asks for that was asked before, in a
                                   catalogue of N functions
    gate_scale.target_new_N_us     the same of an address that was never asked for
    gate_scale.*_growth            the last of a curve over the first
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import insert

from gateway.bulletin import Bulletin, person_subject, session_subject
from gateway.function_finder import FunctionFinder
from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.sessions.session import Session, session_row
from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import SessionTokens, token_hash
from gateway.identity.subject import subject_reader
from gateway.store import schema
from gateway.store.engine import writing
from policies.catalogue import Catalogue, Matcher
from tests.benchmarks.decision_scale import resident_mib
from tests.benchmarks.group import run_group
from tests.benchmarks.report import Say, say
from tests.doubles.stores import new_store
from tests.policies.people import cheshire, grant
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register import Register
from vetting.register_tables import grant_to_row, vetting_grant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

LIVE = (1, 1_000, 10_000, 100_000)
FUNCTIONS = (60, 600, 6_000)
FIRE = "cheshire-fire"
LOOKS = 50_000
MOST_READ = 10_000  # each takes a millisecond; further ones are put in memory as copies
TOLD = (6_000, 8_000, MOST_READ)
READS = 300
NEW = 5_000
CHANGES = 20
TARGETS = {
    "gate_scale.session_100000_us": "< 5, of some 300 a request",
    "gate_scale.session_read_growth": "< 2",
    "gate_scale.target_6000_us": "< 5",
    "gate_scale.target_new_growth": "< 2",
}

Samples = defaultdict[str, list[float]]


def measure(repetitions: int) -> dict[str, list[float]]:
    """Measure both curves."""
    samples: Samples = defaultdict(list)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        live_sessions(Path(folder), say) as given,
    ):
        sessions(given, samples, repetitions, say)
    finders = {size: catalogue_of(size) for size in FUNCTIONS}
    for number in range(repetitions):
        catalogues(finders, samples, Random(number))
    return samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A database with live sessions, and what reads it.

    Attributes:
        engine: of the database.
        sessions: in it.
        tokens: of the sessions, of one person each.
        register: of the grants.
        at: an instant at which all of them live.
    """

    engine: Engine
    sessions: Sessions
    tokens: list[str]
    register: Register
    at: datetime

    @property
    def at_us(self) -> int:
        """The same instant in microseconds."""
        return schema.microseconds(self.at)

    def worker(self) -> SessionCache:
        """Give the memory of a worker that has just begun."""
        subjects = subject_reader(self.register, {FIRE: "fire"})
        return SessionCache(self.engine, self.sessions, subjects)


@contextmanager
def live_sessions(folder: Path, say: Say, count: int = LIVE[-1]) -> Iterator[Living]:
    """Fill a database: so many people, each with a grant of clearance and a session."""
    at = datetime.now(UTC)  # noqa: TID251 - a benchmark has a clock
    at_us = schema.microseconds(at)
    tokens = SessionTokens(bytes(32))
    made = [tokens.new() for _ in range(count)]
    with new_store(folder) as engine, closing(Bulletin(folder)) as bulletin:
        say(f"{count:,} people sign in")
        held = grant_to_row(PersonKey(organisation=FIRE, employee_number="0"), grant("DBSB"))
        rows = [
            (
                {
                    "staff_id": f"{FIRE}/{number:08}",
                    "organisation": FIRE,
                    "directory_id": f"{number:08}",
                    "employee_number": f"9{number:06}",
                    "username": f"person.{number}",
                    "username_key": f"person.{number}",
                    "name": f"Person {number}",
                    "posts": '["firefighter"]',
                    "unit": f"station {number % 40}",
                    "team": "[]",
                    "first_seen_at_us": at_us,
                    "seen_at_us": at_us,
                },
                {**held, "id": f"grant-{number}", "employee_number": f"9{number:06}"},
                session_row(_session(f"{FIRE}/{number:08}", token, at_us)),
            )
            for number, token in enumerate(made)
        ]
        with writing(engine) as connection:
            for table, part in zip(
                (schema.staff, vetting_grant, schema.session), zip(*rows, strict=True), strict=True
            ):
                connection.execute(insert(table), list(part))
        yield Living(
            engine=engine,
            sessions=Sessions(engine, bulletin, None, tokens),
            tokens=made,
            register=Register(LevelOrder.shipped(), accepted=frozenset({"cheshire-police"})),
            at=at + timedelta(seconds=1),
        )


def sessions(given: Living, samples: Samples, repetitions: int, say: Say) -> None:
    """Let a worker come to hold more and more of the sessions, and see what things cost."""
    gc.collect()
    memory = resident_mib()
    worker = given.worker()
    live: LiveSession | None = None
    for size in LIVE:
        say(f"{size:,} sessions in use")
        for number in range(len(worker), size):
            if number < MOST_READ:
                live = worker.load(given.tokens[number], at=given.at)
            elif live is not None:
                worker._keep(given.tokens[number], _another(live, given.tokens[number], number))
            if number + 1 in TOLD:
                kib = (resident_mib() - memory) * 1024 / (number + 1)
                samples["gate_scale.session_kib"].append(kib)
        gc.collect()
        for number in range(repetitions):
            one_session_cost(given, worker, size, samples, number)
    for curve in ("session", "session_read", "change", "end"):
        begun, grown = (samples[f"gate_scale.{curve}_{size}_us"] for size in (LIVE[0], LIVE[-1]))
        samples[f"gate_scale.{curve}_growth"] += [
            more / less for less, more in zip(begun, grown, strict=True)
        ]


def one_session_cost(
    given: Living, worker: SessionCache, size: int, samples: Samples, repetition: int
) -> None:
    """Measure with so many sessions in a worker's memory."""
    random = Random(repetition)
    known = given.tokens[:size]
    asked = [random.choice(known) for _ in range(LOOKS)]
    at_us = given.at_us
    took = _microseconds(lambda: [worker.get(token, at_us) for token in asked])
    samples[f"gate_scale.session_{size}_us"].append(took / LOOKS)
    again = asked[:READS]
    took = _microseconds(lambda: [worker.load(token, at=given.at) for token in again])
    samples[f"gate_scale.session_read_{size}_us"].append(took / READS)
    later = given.at + timedelta(seconds=1 + repetition + 10 * LIVE.index(size))
    for token in known:
        worker.get(token, schema.microseconds(later))
    took = _microseconds(lambda: worker.flush(at=later, everything=True))
    samples[f"gate_scale.use_written_{size}_ms"].append(took / 1_000)
    numbers = [random.randrange(size) for _ in range(CHANGES)]
    people = [frozenset({person_subject(f"{FIRE}/9{number:06}")}) for number in numbers]
    took = _microseconds(partial(_apply, worker, people))
    samples[f"gate_scale.change_{size}_us"].append(took / CHANGES)
    ended = [frozenset({session_subject(token_hash(known[number]))}) for number in numbers]
    took = _microseconds(partial(_apply, worker, ended))
    samples[f"gate_scale.end_{size}_us"].append(took / CHANGES)
    for number in numbers:
        worker.load(known[number], at=given.at)


def catalogue_of(size: int) -> tuple[Catalogue, list[bytes]]:
    """Make a catalogue of so many functions, in the ways of the shipped one.

    Half are told apart by path, a quarter by a segment within it, a quarter by a parameter of one
    and the same path, as those of an Oracle back office are.

    Returns:
        The catalogue, and an address of each function.
    """
    like = cheshire().catalogue.functions["pay.slip"]
    functions, addresses = [], []
    for number in range(size):
        get = frozenset({"GET"})
        if number % 4 == 0:
            matcher = Matcher(methods=get, path="/OA_HTML/OA.jsp", query={"OAFunc": f"XX_{number}"})
            address = f"/OA_HTML/OA.jsp?OAFunc=XX_{number}"
        elif number % 4 == 1:
            matcher = Matcher(methods=get, path=f"/branch/{number % 40}/f{number}/{{id}}/view")
            address = f"/branch/{number % 40}/f{number}/4711/view"
        else:
            matcher = Matcher(methods=get, path=f"/branch/{number % 40}/f{number}")
            address = f"/branch/{number % 40}/f{number}"
        functions.append(replace(like, id=f"bench.{number}", matchers=(matcher,), record=None))
        addresses.append(address.encode("ascii"))
    return Catalogue(functions), addresses


def catalogues(
    given: dict[int, tuple[Catalogue, list[bytes]]], samples: Samples, random: Random
) -> None:
    """Ask for the functions of each catalogue: what was asked before, and what never was."""
    for size, (catalogue, addresses) in given.items():
        finder = FunctionFinder()
        some = random.sample(addresses, FUNCTIONS[0])
        for _ in range(3):
            for address in some:
                finder.find(catalogue, "GET", address)
        asked = some * 100
        took = _microseconds(partial(_ask, finder, catalogue, asked))
        samples[f"gate_scale.target_{size}_us"].append(took / len(asked))
        new = []
        for number in range(NEW):
            address = random.choice(addresses)
            new.append(address + (b"&" if b"?" in address else b"?") + b"page=%d" % number)
        took = _microseconds(partial(_ask, finder, catalogue, new))
        samples[f"gate_scale.target_new_{size}_us"].append(took / len(new))
    for curve in ("target", "target_new"):
        values = [samples[f"gate_scale.{curve}_{size}_us"][-1] for size in FUNCTIONS]
        samples[f"gate_scale.{curve}_growth"].append(values[-1] / values[0])


def _apply(worker: SessionCache, news: list[frozenset[str]]) -> None:
    for subjects in news:
        worker.apply(subjects)


def _ask(finder: FunctionFinder, catalogue: Catalogue, addresses: list[bytes]) -> None:
    for address in addresses:
        finder.find(catalogue, "GET", address)


def _microseconds(does: Callable[[], object]) -> float:
    """Give the CPU time of something."""
    begun = time.process_time()
    does()
    return (time.process_time() - begun) * 1e6


def _another(live: LiveSession, token: str, number: int) -> LiveSession:
    """Make the live session of somebody else who is alike."""
    staff_id = f"{FIRE}/{number:08}"
    return replace(
        live,
        dropped=False,
        session=replace(live.session, hash=token_hash(token), staff_id=staff_id),
        staff=replace(live.staff, staff_id=staff_id, employee_number=f"9{number:06}"),
        subject=replace(live.subject, staff_id=staff_id, employee_number=f"9{number:06}"),
    )


def _session(staff_id: str, token: str, at_us: int) -> Session:
    return Session(
        hash=token_hash(token),
        staff_id=staff_id,
        organisation=FIRE,
        directory=FIRE,
        factors=frozenset({"password"}),
        source="127.0.0.1",
        agent="a browser",
        started_at_us=at_us,
        last_seen_at_us=at_us,
        idle_us=30 * 60 * 1_000_000,
        ends_at_us=at_us + 10 * 60 * 60 * 1_000_000,
        vouched_at_us=at_us,
    )


if __name__ == "__main__":
    sys.exit(run_group("gate_scale", measure, targets=TARGETS, failures=()))
