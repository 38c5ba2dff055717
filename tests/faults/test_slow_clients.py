"""Two thousand who send or read a byte a second: they are closed, and nobody else waits for them.

A third sends heads, a third bodies, a third reads a large answer; whoever is closed comes again at
once. Those with bodies and answers are signed in as one person, and ask for more connections to the
back office than a worker has: what is that person's part they keep busy, the rest of them wait in
line and are told 429. `SLOW_CLIENTS=2000` is the default.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from statistics import median

import pytest

from tests.doubles.few_staff import few_staff
from tests.journeys.conftest import running_demo
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import verified
from tests.journeys.steady_load import JOBS
from tests.journeys.transfers import PRICE_LIST, UPLOAD
from tests.soak.line import Line

CLIENTS = int(os.environ.get("SLOW_CLIENTS", "2000"))
ALONE_SECONDS = 15.0
COMING_SECONDS = 20.0  # in which they arrive: the back office of the demo accepts no faster
BESIDE_SECONDS = COMING_SECONDS + 75.0  # the last limit to be met is that of readers, a minute
GOING_SECONDS = 10.0  # after two thousand have hung up at once
TICKS = 100  # a second: a hundredth of the clients has its turn at each
SERVED = b"HTTP/1.1 200"
QUESTIONS = 20  # a second, of somebody else
MOST_SLOWER = 2.0


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Give a demo with hardly any staff, and as many connections as anybody has."""
    yield from running_demo(few_staff())


@dataclass(slots=True, kw_only=True)
class Slow:
    """A client that says or takes a byte a second.

    Attributes:
        at_once: what it sends when it has connected.
        drip: what it then sends byte by byte, over and over; empty for one who reads so.
        lasted: how long each of its connections was borne, in seconds.
        answers: the first bytes of what closed them.
    """

    port: int
    at_once: bytes
    drip: bytes
    lasted: list[float] = field(default_factory=list)
    answers: set[bytes] = field(default_factory=set)
    _socket: socket.socket | None = None
    _since: float = 0.0
    _sent: int = 0
    _begun: bytes = b""

    def turn(self) -> None:
        """Do what is done once a second."""
        if self._socket is None:
            self._connect()
            return
        try:
            if self._is_over(self._socket):
                self._note()
            elif self.drip:
                at = self._sent % len(self.drip)
                self._sent += self._socket.send(self.drip[at : at + 1])
        except BlockingIOError:
            pass
        except OSError:
            self._note()

    def _is_over(self, opened: socket.socket) -> bool:
        if opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return True
        if self.drip:
            with contextlib.suppress(BlockingIOError):
                came = opened.recv(4096)
                if came:
                    self.answers.add(came[: len(SERVED)])
                return True
            return False
        with contextlib.suppress(BlockingIOError):
            if not self._begun:
                self._begun = opened.recv(len(SERVED), socket.MSG_PEEK)
                if self._begun and self._begun != SERVED:
                    self.answers.add(self._begun)
                    return True
            return not opened.recv(1)
        return False

    def _connect(self) -> None:
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(10)
        opened.connect(("127.0.0.1", self.port))
        opened.sendall(self.at_once)
        opened.setblocking(False)
        self._socket, self._since = opened, time.monotonic()
        self._sent, self._begun = 0, b""

    def _note(self) -> None:
        self.lasted.append(time.monotonic() - self._since)
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(slots=True, kw_only=True)
class Crowd:
    """All who are slow, by what they do."""

    heads: list[Slow]
    bodies: list[Slow]
    readers: list[Slow]

    @classmethod
    def of(cls, demo: Demo, count: int) -> Crowd:
        """Have somebody signed in be slow on most of so many connections."""
        visitor = demo.visitor("constable")
        cookie = visitor.cookie_field
        said = f"Host: localhost:{visitor.port}\r\nCookie: {cookie}\r\n"
        body = f"POST {UPLOAD} HTTP/1.1\r\n{said}Origin: {visitor.origin}\r\n"
        body += "Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n"
        reader = f"GET {PRICE_LIST}?mib=16 HTTP/1.1\r\n{said}\r\n"

        def some(at_once: str, drip: str) -> list[Slow]:
            made = [at_once.encode(), drip.encode()]
            return [
                Slow(port=visitor.port, at_once=made[0], drip=made[1]) for _ in range(count // 3)
            ]

        return cls(
            heads=some("", f"GET / HTTP/1.1\r\n{said}"),
            bodies=some(body, "x"),
            readers=some(reader, ""),
        )

    @property
    def kinds(self) -> dict[str, list[Slow]]:
        """Give them by name."""
        return {"heads": self.heads, "bodies": self.bodies, "readers": self.readers}

    def be_slow(self, ended: Event, told: Queue[dict[str, Closed]]) -> None:
        """Let everybody have a turn each second until the end, in a process of their own."""
        everybody = [one for three in zip(*self.kinds.values(), strict=True) for one in three]
        tick, begun = 0, time.monotonic()
        while not ended.wait(max(0.0, begun + tick / TICKS - time.monotonic())):
            here = int(len(everybody) * tick / TICKS / COMING_SECONDS)
            for each in everybody[tick % TICKS : here : TICKS]:
                each.turn()
            tick += 1
        for each in everybody:
            each.close()
        told.put({kind: Closed.of(ones) for kind, ones in self.kinds.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """How clients of one kind were closed."""

    clients: int
    closed: int
    never: int
    longest_seconds: float
    answers: tuple[str, ...]

    @classmethod
    def of(cls, slow: list[Slow]) -> Closed:
        """Sum up."""
        lasted = [seconds for one in slow for seconds in one.lasted]
        return cls(
            clients=len(slow),
            closed=len(lasted),
            never=sum(not one.lasted for one in slow),
            longest_seconds=round(max(lasted, default=0.0), 1),
            answers=tuple(sorted({answer.decode() for one in slow for answer in one.answers})),
        )


async def asked(demo: Demo, seconds: float, target: str = JOBS) -> list[float]:
    """Ask as somebody else, steadily; gives how long each answer took, in seconds."""
    visitor = demo.visitor("firefighter")
    cookie = visitor.cookie_field
    took: list[float] = []

    async def one(line: Line) -> None:
        began = time.monotonic()
        answered = await line.ask("GET", target, Accept="text/html")
        took.append(time.monotonic() - began)
        assert answered.status == 200, answered.headers

    lines = [Line(port=visitor.port, cookie=cookie) for _ in range(QUESTIONS)]
    begun = time.monotonic()
    asking: list[asyncio.Task[None]] = []
    for number in range(int(seconds * QUESTIONS)):
        await asyncio.sleep(max(0.0, begun + number / QUESTIONS - time.monotonic()))
        if number >= QUESTIONS:
            await asking[number - QUESTIONS]  # a line is one connection
        asking.append(asyncio.create_task(one(lines[number % QUESTIONS])))
    await asyncio.gather(*asking)
    for line in lines:
        line.close()
    return took


def figures_of(took: list[float]) -> dict[str, float]:
    """Give what half of them did not exceed, and nineteen of twenty, in milliseconds."""
    ordered = sorted(took)
    return {
        "median_ms": round(median(took) * 1e3, 1),
        "p95_ms": round(ordered[math.ceil(0.95 * len(took)) - 1] * 1e3, 1),
    }


@pytest.mark.timeout(400)
async def test_two_thousand_slow_clients_are_closed_and_delay_nobody(demo: Demo) -> None:
    """Another person's pages are all served, and take less than twice as long by the median."""
    await asyncio.to_thread(demo.visitor, "firefighter")
    crowd = await asyncio.to_thread(Crowd.of, demo, CLIENTS)
    await asked(demo, 2)
    before = await asked(demo, ALONE_SECONDS)
    own = multiprocessing.get_context("forkserver")
    ended, summed = own.Event(), own.Queue()
    slow = own.Process(target=crowd.be_slow, args=(ended, summed))
    slow.start()
    beside = await asked(demo, BESIDE_SECONDS)
    ended.set()
    closed: dict[str, Closed] = await asyncio.to_thread(summed.get, True, 30)
    await asyncio.to_thread(slow.join)
    going = await asked(demo, GOING_SECONDS)
    after = await asked(demo, ALONE_SECONDS)
    phases = {"before": before, "beside": beside, "going": going, "after": after}
    shown = {phase: figures_of(took) for phase, took in phases.items()}
    kinds = {kind: asdict(each) for kind, each in closed.items()}
    sys.stdout.write(json.dumps({**shown, **kinds}) + "\n")

    told = {kind: {answer[-3:] for answer in each.answers} for kind, each in closed.items()}
    assert told == {"heads": {"408"}, "bodies": {"408"}, "readers": {"429"}}
    assert [kind for kind, each in closed.items() if each.never] == []
    assert median(beside) < MOST_SLOWER * max(median(before), median(after))
    verified(demo)
