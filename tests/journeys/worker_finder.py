"""Which worker of the gateway serves which connection, as the kernel knows it."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass, field

import psutil

from tests.journeys.demo_fixture import Demo

MOST_CONNECTIONS = 200
TAKEN_SECONDS = 5.0


def workers(demo: Demo) -> list[int]:
    """Give the process ids of the workers that live at this moment."""
    (gateway,) = [child for child in demo.stack.children if child.title == "the gateway"]
    return [one.pid for one in psutil.Process(gateway.pid).children() if _lives(one)]


def _lives(process: psutil.Process) -> bool:
    """Tell whether a process is more than an entry that nobody has fetched yet."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def worker_of(demo: Demo, connection: http.client.HTTPConnection) -> int:
    """Find the worker that has taken a connection."""
    return worker_holding(demo, connection.sock.getsockname()[1])


def worker_holding(demo: Demo, own: int) -> int:
    """Find the worker that has taken the connection from a port."""
    latest = time.monotonic() + TAKEN_SECONDS
    while time.monotonic() < latest:
        for pid in workers(demo):
            ends = psutil.Process(pid).net_connections("tcp4")
            if own in [getattr(one.raddr, "port", None) for one in ends]:
                return pid
    raise AssertionError("no worker has taken the connection")


@dataclass(slots=True)
class Connections:
    """Connections of one person that stay open, at least two at each worker.

    A worker that has one in hand has the session, and what the person holds, in its memory.
    """

    demo: Demo
    cookies: dict[str, str]
    _open: list[http.client.HTTPConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect until every worker has some."""
        held = dict.fromkeys(workers(self.demo), 0)
        while min(held.values()) < 2:
            assert len(self._open) < MOST_CONNECTIONS, "one worker takes all connections"
            connection = http.client.HTTPConnection("127.0.0.1", self.demo.places.port, timeout=10)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            held[worker_of(self.demo, connection)] += 1

    def ask(self, target: str) -> set[int]:
        """Ask on every connection; gives the statuses met."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        host = f"localhost:{self.demo.places.port}"
        met = set()
        for connection in self._open:
            head = {"Host": host, "Cookie": cookie, "Accept": "text/html"}
            connection.request("GET", target, headers=head)
            answer = connection.getresponse()
            answer.read()
            met.add(answer.status)
        return met

    def close(self) -> None:
        """Close them."""
        for connection in self._open:
            connection.close()
