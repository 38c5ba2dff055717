"""Streams that somebody has open at every worker: WebSockets and events without an end."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.doubles.promise import Promise
from tests.journeys.demo_fixture import Demo
from tests.journeys.worker_finder import worker_holding, workers

LIVE = "/ict/tickets/ICT-10001/live"
EVENTS = "/ict/tickets/ICT-10001/events?every_ms=200"
MOST_CONNECTIONS = 100
PATIENCE_SECONDS = 10.0


def open_socket(
    demo: Demo, cookies: dict[str, str], target: str = f"{LIVE}?every_ms=200"
) -> ClientConnection:
    """Open a WebSocket as a page of the gateway would."""
    return connect(
        f"ws://localhost:{demo.places.port}{target}",
        sock=socket.create_connection(("127.0.0.1", demo.places.port)),
        origin=Origin(demo.base_url),
        additional_headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())},
        proxy=None,
        max_queue=None,  # whoever does not read for a while still hears the end
        legacy=True,  # gives the connection itself
    )


@dataclass(slots=True)
class LiveStreams:
    """A WebSocket and a stream of events at each worker, read all the time.

    Attributes:
        ended: when each of them ended, monotonic seconds.
        codes: with what WebSockets were closed.
    """

    demo: Demo
    cookies: dict[str, str]
    ended: list[float] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    _running: list[threading.Thread] = field(default_factory=list)
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect until every worker has both."""
        for begin in (self._talk, self._listen):
            held: set[int] = set()
            for _ in range(MOST_CONNECTIONS):
                held.add(worker_holding(self.demo, begin()))
                if held == set(workers(self.demo)):
                    break
            else:
                raise AssertionError("one worker takes all connections")

    def _begin(self, read: threading.Thread) -> None:
        self._running.append(read)
        read.start()

    def _talk(self) -> int:
        live = open_socket(self.demo, self.cookies)
        live.recv(timeout=10)
        self._open.append(live.socket)

        def read() -> None:
            try:
                while True:
                    live.recv()
            except ConnectionClosed as closed:
                self.ended.append(time.monotonic())
                self.codes.append(closed.rcvd.code if closed.rcvd else 1006)

        self._begin(threading.Thread(target=read, daemon=True))
        return int(live.local_address[1])

    def _listen(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.demo.places.port, timeout=10)
        head = {
            "Host": f"localhost:{self.demo.places.port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "text/event-stream",
        }
        connection.request("GET", EVENTS, headers=head)
        port = int(connection.sock.getsockname()[1])
        self._open.append(connection.sock)
        answer = connection.getresponse()
        assert answer.status == 200
        answer.readline()

        def read() -> None:
            try:
                while answer.readline():
                    pass
            except (OSError, http.client.HTTPException):
                pass
            self.ended.append(time.monotonic())
            connection.close()

        self._begin(threading.Thread(target=read, daemon=True))
        return port

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._running)

    def all_end_within(self, seconds: float) -> bool:
        """Tell whether all end as is promised from now on; they are closed then."""
        promise = Promise(seconds, workers(self.demo))
        for thread in self._running:
            thread.join(max(0.0, promise.began + PATIENCE_SECONDS - time.monotonic()))
        latest, ended = promise.latest, len(self.ended) == self.count
        self.close()
        return ended and max(self.ended) <= latest

    def close(self) -> None:
        """Close what is left."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
