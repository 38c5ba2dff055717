"""Told to renew, given other policy sets, a worker killed: no request fails that need not.

Over TLS, as SIGHUP means: look at the certificate now. Ten thousand requests by default, beside
uploads of 50 MB and answers that take 20 s; `RESTART_REQUESTS=100000` for a long run. There is no
SIGUSR2: a newer program is started beside the old one, on another machine or port.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil
import pytest
import trustme

from deploy.demo.certificates import write_private
from deploy.demo.places import Places
from deploy.demo.stack import Stack
from gateway.audit.entry import Kind, Outcome
from gateway.audit.search import MAX_PAGE_ROWS, AuditFilter, AuditRow, search
from gateway.cli import policy_change
from tests.doubles.few_staff import few_staff
from tests.doubles.waiting import wait_until
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import gateway, verified
from tests.journeys.record_reader import entries_of
from tests.journeys.steady_load import BACK_SECONDS, JOBS, child, wait_until_back
from tests.journeys.transfers import UPLOAD
from tests.journeys.worker_finder import workers
from tests.soak.line import BrokenAnswerError, Line

REQUESTS = int(os.environ.get("RESTART_REQUESTS", "10000"))
ROUNDS = 10
PEOPLE = ("firefighter", "watch-manager", "fire-hr", "constable", "hr-adviser", "detective")
LINES_EACH = 4
UPLOAD_BYTES = 50 * 1024 * 1024
UPLOAD_PAUSE_SECONDS = 4.0
SLOW_ANSWER = "/ict/tickets/ICT-10001/events?events=20&every_ms=1000"
SLOW_ANSWERS = 4
EITHER_WORKER = 8  # connections in a row that must show the new certificate
OFFICER = ("--operator", "p.lyall", "--reason", "another end of the agreement")
NARROWED = "nwas-premises"  # an agreement that nobody of the load works under


@dataclass(slots=True, kw_only=True)
class Certified:
    """A demo over TLS, and the authority that certifies it anew at any time."""

    demo: Demo
    authority: trustme.CA

    @property
    def trust(self) -> ssl.SSLContext:
        """Give what trusts the authority."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def certify(self) -> None:
        """Put another certificate in the place of the one there is."""
        _certify(self.demo.places, self.authority)

    @contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        """Give a connection over which nothing was said yet."""
        port = self.demo.places.port
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            self.trust.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            yield secured

    def is_shown(self) -> bool:
        """Tell whether a new connection meets the certificate in the file."""
        with self.connected() as secured:
            shown = secured.getpeercert(binary_form=True) or b""
        held = (self.demo.places.certificates / "server.pem").read_text("ascii")
        return ssl.DER_cert_to_PEM_cert(shown) in held


def _certify(places: Places, authority: trustme.CA) -> None:
    made = authority.issue_cert("localhost", "127.0.0.1")
    places.certificates.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(places.certificates / "ca.pem")
    write_private(places.certificates / "server.key", made.private_key_pem.bytes())
    made.cert_chain_pems[0].write_to_path(places.certificates / "server.pem")


@pytest.fixture(scope="module")
def certified() -> Iterator[Certified]:
    """Give a demo over TLS, of which a worker may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="restarts-"))
    stack = Stack(places=Places.choose(folder, None, scenario=few_staff(), tls=True), say=print)
    authority = trustme.CA()
    _certify(stack.places, authority)
    try:
        stack.start()
        yield Certified(demo=Demo(stack=stack), authority=authority)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True, kw_only=True)
class Asker:
    """One connection of one person.

    Attributes:
        lost: connections that ended without the gate saying so before.
    """

    line: Line
    lost: int = 0
    _due: int = 1

    async def ask(self, load: Load, target: str) -> None:
        """Ask once more, or send a file, and keep what came of it."""
        try:
            if target == UPLOAD:
                answered = await self.line.ask(
                    "POST",
                    target,
                    body=bytes(UPLOAD_BYTES),
                    Accept="application/json",
                    Content_Type="application/octet-stream",
                    Origin=load.certified.demo.places.origin,
                )
            else:
                answered = await self.line.ask("GET", target, Accept="text/html")
        except BrokenAnswerError as error:
            load.broken.append(str(error))
            self.lost += 1
            self._due = self.line.opened + 1
            return
        if self.line.opened > self._due:
            # A request that went out again: with one connection no client could tell it from lost.
            self.lost += 1
        self._due = self.line.opened + (answered.headers.get("connection", "") == "close")
        load.statuses[answered.status] += 1
        load.kinds[target] += 1
        load.references.append(answered.headers["gateway-reference"])


@dataclass(slots=True, kw_only=True)
class Load:
    """People who keep asking, and what they were answered."""

    certified: Certified
    askers: list[Asker] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    references: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    ended: bool = False

    def line(self, username: str) -> Line:
        """Give a connection of somebody."""
        visitor = self.certified.demo.visitor(username)
        cookie = visitor.cookie_field
        return Line(port=visitor.port, cookie=cookie, trust=self.certified.trust)

    async def again(self, asker: Asker, target: str) -> None:
        """Ask for the same again and again until the end."""
        while not self.ended:
            await asker.ask(self, target)
            if target == UPLOAD:
                await asyncio.sleep(UPLOAD_PAUSE_SECONDS)
        asker.line.close()

    @asynccontextmanager
    async def running(self, *, large: bool) -> AsyncIterator[None]:
        """Ask for pages, and where wanted send and fetch what takes long beside them."""
        wanted = [(username, JOBS) for username in PEOPLE * LINES_EACH]
        if large:
            wanted += [(PEOPLE[0], target) for target in [SLOW_ANSWER] * SLOW_ANSWERS + [UPLOAD]]
        tasks = []
        for username, target in wanted:
            asker = Asker(line=await asyncio.to_thread(self.line, username))
            self.askers.append(asker)
            tasks.append(asyncio.create_task(self.again(asker, target)))
        try:
            yield
        finally:
            self.ended = True
            await asyncio.gather(*tasks)

    async def until(self, count: int) -> None:
        """Wait until so many requests have been answered; those who ask wait 30 s at most."""
        while self.statuses.total() < count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


def tell(**figures: object) -> None:
    """Say what was seen, for whoever runs it with `-s`."""
    sys.stdout.write(json.dumps(figures) + "\n")


async def in_time(holds: Callable[[], bool]) -> None:
    """Wait for something that must hold again, out of the way of those who ask."""
    await asyncio.to_thread(wait_until_back, holds)


def narrowed(demo: Demo, round_number: int) -> Path:
    """Write a policy set of which one agreement ends a day earlier than the round before."""
    folder = demo.places.folder / f"narrowed-{round_number}"
    gateway(demo, "policy", "export", str(round_number + 1), str(folder))
    (file,) = folder.rglob("agreements.toml")
    head, found, rest = file.read_text("utf-8").partition(f'id = "{NARROWED}"\n')
    assert found
    kept, _, after = rest.partition("[[agreement]]")
    lines = [line for line in kept.splitlines() if not line.startswith("end = ")]
    lines.insert(0, f"end = 2040-12-{28 - round_number:02}")
    mark = "[[agreement]]" if after else ""
    file.write_text(head + found + "\n".join(lines) + "\n" + mark + after, "utf-8")
    return file.parent


def publish(demo: Demo, round_number: int) -> None:
    """Put another policy set in force, as an officer does."""
    folder = narrowed(demo, round_number)
    said = gateway(demo, "policy", "apply", str(folder), *OFFICER)
    assert f"version {round_number + 2} is in force" in said, said


async def renew(certified: Certified) -> None:
    """Certify anew, tell the gateway so, and wait until either worker shows it."""
    await asyncio.to_thread(certified.certify)
    os.kill(child(certified.demo, "the gateway").pid, signal.SIGHUP)
    for _ in range(EITHER_WORKER):
        await in_time(certified.is_shown)


def decided(demo: Demo, since: datetime, last: str) -> dict[str, AuditRow]:
    """Read every decision since an instant off the record, once the last one is sealed."""
    assert entries_of(demo.places, [last])
    found: dict[str, AuditRow] = {}
    before: int | None = None
    while True:
        wanted = AuditFilter(since=since, kind=Kind.ACCESS, limit=MAX_PAGE_ROWS, before=before)
        page = search(demo.places.record / "log", None, wanted)
        found |= {row.reference: row for row in page.rows}
        if page.next is None:
            return found
        before = page.next


def forwarded(demo: Demo) -> int:
    """Count the requests of the load that the back office has met."""
    return sum(
        line.split(" ", 2)[1] in {JOBS, UPLOAD, SLOW_ANSWER} for line in demo.reached_back_office()
    )


@pytest.mark.timeout(1_800)
async def test_no_request_fails_while_certificates_and_policy_sets_change(
    certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten times each, by signal and by command; every answer's decision is on the record."""
    # Casbin takes milliseconds a question, and they are asked in this process.
    monkeypatch.setattr(policy_change, "ORACLE_SAMPLE", 50)
    demo, load = certified.demo, Load(certified=certified)
    since, met, begun = demo.now(), forwarded(demo), time.monotonic()
    before = workers(demo)
    async with load.running(large=True):
        for round_number in range(ROUNDS):
            await load.until(REQUESTS * (2 * round_number + 1) // (2 * ROUNDS))
            await renew(certified)
            await load.until(REQUESTS * (round_number + 1) // ROUNDS)
            await asyncio.to_thread(publish, demo, round_number)
        await load.until(load.statuses.total() + 100)
    seconds, after = time.monotonic() - begun, forwarded(demo) - met
    rows = decided(demo, since, load.references[-1])
    tell(requests=load.kinds, answers=load.statuses, seconds=round(seconds))

    assert load.broken == []
    assert set(load.statuses) <= {200, 201}
    assert load.statuses.total() >= REQUESTS
    assert [asker.lost for asker in load.askers if asker.lost] == []
    assert workers(demo) == before
    assert set(load.references) <= rows.keys()
    assert len({row.clear["policy"] for row in rows.values()}) == ROUNDS + 1
    assert after == load.statuses.total()
    verified(demo)


def wait_for_replacement(certified: Certified, killed: int, expected: int) -> None:
    """Wait until as many workers live as before, none of them the killed one, and all serve."""
    demo = certified.demo

    def is_replaced() -> bool:
        live = workers(demo)
        return len(live) == expected and killed not in live

    wait_until(is_replaced, seconds=BACK_SECONDS, every=0.05, found=lambda: f"{workers(demo)} live")
    wanting = set(workers(demo))

    def all_serve() -> bool:
        # A new connection goes to whoever has fewest: the one that has just come.
        with certified.connected() as connection:
            wanting.difference_update(held_by(demo, {connection.getsockname()[1]}).values())
        return not wanting

    wait_until(all_serve, seconds=BACK_SECONDS, found=lambda: f"{wanting} take no connection")


def held_by(demo: Demo, ports: set[int]) -> dict[int, int]:
    """Give the worker that has each of the connections from some ports."""
    found: dict[int, int] = {}

    def all_found() -> bool:  # one reading of the kernel's table may leave something out
        for pid in workers(demo):
            with suppress(psutil.NoSuchProcess):  # gone since: whoever comes after it is looked at
                ends = psutil.Process(pid).net_connections("tcp4")
                remote = {getattr(end.raddr, "port", 0) for end in ends}
                found.update(dict.fromkeys(remote & ports, pid))
        return found.keys() == ports

    wait_until_back(all_found)
    return found


@pytest.mark.timeout(300)
async def test_killing_a_worker_fails_only_what_it_had_in_hand(certified: Certified) -> None:
    """Each of its connections loses one request at most; what was answered is on the record."""
    demo, load = certified.demo, Load(certified=certified)
    since, met = demo.now(), forwarded(demo)
    async with load.running(large=False):
        await in_time(lambda: all(asker.line.own_port for asker in load.askers))
        await load.until(500)
        before = workers(demo)
        killed = before[0]
        ports = {asker.line.own_port for asker in load.askers}
        held = await asyncio.to_thread(held_by, demo, ports)
        hit = [asker for asker in load.askers if held[asker.line.own_port] == killed]
        os.kill(killed, signal.SIGKILL)
        await load.until(load.statuses.total() + 500)
        await asyncio.to_thread(wait_for_replacement, certified, killed, len(before))
        await load.until(load.statuses.total() + 500)
    rows = decided(demo, since, load.references[-1])
    tell(connections=len(load.askers), killed=len(hit), lost=sum(a.lost for a in load.askers))

    assert 0 < len(hit) < len(load.askers)
    assert {asker.lost for asker in load.askers if asker not in hit} == {0}
    assert {asker.lost for asker in hit} <= {0, 1}
    assert set(load.statuses) == {200}
    assert set(load.references) <= rows.keys()
    assert forwarded(demo) - met <= len(
        [row for row in rows.values() if row.outcome is Outcome.PERMIT]
    )
    verified(demo)
