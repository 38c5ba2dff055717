"""Open-loop load: requests are due at fixed instants, whatever the server does meanwhile.

The latency of a request runs from the instant it was due to the last byte of its answer, so that
waiting for a free connection counts: a server that stalls is seen to stall. Each answer is compared
with the page, byte by byte.

One thread, blocking in `select`, whose time-out counts microseconds (that of `epoll` counts whole
milliseconds, more than what is measured here).
"""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.benchmarks.load import Asked, WrongAnswersError

CONNECTIONS = 16
STALLED_SECONDS = 5.0
RECEIVED_BYTES = 65_536
START_DELAY_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class _Line:
    """One connection: what it waits for and what it has received."""

    socket: socket.socket
    due: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def fileno(self) -> int:
        return self.socket.fileno()


def run_open_loop(asked: Asked, body: bytes, *, rate: int, seconds: float) -> list[float]:
    """Ask `rate` times a second over 16 connections.

    Args:
        asked: what is asked of which server.
        body: the body that every answer must have.
        rate: requests a second.
        seconds: for how long.

    Returns:
        The latency of every request in milliseconds, sorted.

    Raises:
        WrongAnswersError: if an answer was not 200 with that body, or none came for 5 s.
    """
    request = request_bytes(asked)
    count = int(rate * seconds)
    lines = [_Line(socket=_connect(asked.port)) for _ in range(CONNECTIONS)]
    try:
        with _no_garbage_collection():
            return sorted(_ask(asked, lines, request, body, count, 1.0 / rate))
    finally:
        for line in lines:
            line.socket.close()


def percentile(ordered: list[float], share: float) -> float:
    """Give the smallest value that at least `share` of the sorted values do not exceed."""
    return ordered[max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1)]


def request_bytes(asked: Asked) -> bytes:
    """Write the request as it goes over the wire."""
    lines = [f"GET {asked.target} HTTP/1.1"]
    if "Host" not in asked.headers:
        lines.append(f"Host: 127.0.0.1:{asked.port}")
    lines += [f"{name}: {value}" for name, value in asked.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def answer_size(asked: Asked, body: bytes) -> int:
    """Ask once and give the size of the whole answer in bytes.

    Raises:
        WrongAnswersError: if it is not 200 with that body.
    """
    line = _Line(socket=_connect(asked.port))
    try:
        line.socket.setblocking(True)
        line.socket.settimeout(STALLED_SECONDS)
        line.socket.sendall(request_bytes(asked))
        while not _is_complete(asked, line.received, body):
            received = line.socket.recv(RECEIVED_BYTES)
            if not received:
                message = f"{asked.title}: closed after {bytes(line.received[:200])!r}"
                raise WrongAnswersError(message)
            line.received += received
        return len(line.received)
    except OSError as error:
        message = f"{asked.title}: {error}; got {bytes(line.received[:200])!r}"
        raise WrongAnswersError(message) from error
    finally:
        line.socket.close()


def _ask(
    asked: Asked, lines: list[_Line], request: bytes, body: bytes, count: int, interval: float
) -> Iterator[float]:
    free = deque(lines)
    busy: set[_Line] | list[_Line] = []
    waiting: dict[int, _Line] = {}
    begun = time.perf_counter() + START_DELAY_SECONDS
    sent = answered = 0
    last_answer = begun
    while answered < count:
        now = time.perf_counter()
        while free and sent < count and (due := begun + sent * interval) <= now:
            line = free.popleft()
            line.due = due
            line.socket.sendall(request)
            waiting[line.fileno()] = line
            sent += 1
        # With no connection free, the next one to be free is waited for, not the clock.
        pause = begun + sent * interval - now if free and sent < count else STALLED_SECONDS
        busy, _, _ = select.select(list(waiting.values()), [], [], max(0.0, pause))
        for line in busy:
            if not _receive(asked, line, body):
                continue
            last_answer = time.perf_counter()
            yield (last_answer - line.due) * 1e3
            answered += 1
            del waiting[line.fileno()]
            free.append(line)
        if waiting and time.perf_counter() - last_answer > STALLED_SECONDS:
            message = f"{asked.title}: no answer for {STALLED_SECONDS:.0f} s at a steady rate"
            raise WrongAnswersError(message)


def _receive(asked: Asked, line: _Line, body: bytes) -> bool:
    """Take what has come; tells whether the answer is complete, and forgets it then."""
    received = line.socket.recv(RECEIVED_BYTES)
    if not received:
        message = f"{asked.title}: closed a connection at a steady rate"
        raise WrongAnswersError(message)
    line.received += received
    if not _is_complete(asked, line.received, body):
        return False
    line.received.clear()
    return True


def _is_complete(asked: Asked, received: bytearray, body: bytes) -> bool:
    """Tell whether a whole answer has come, with nothing after it.

    Raises:
        WrongAnswersError: if it is not the page.
    """
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return False
    if not received.startswith(b"HTTP/1.1 200 "):
        message = f"{asked.title}: answered {bytes(received[:120])!r}"
        raise WrongAnswersError(message)
    there = len(received) - head - 4
    if there < len(body):
        return False
    if received[head + 4 :] != body:
        message = f"{asked.title}: answered with another body than the page"
        raise WrongAnswersError(message)
    return True


def _connect(port: int) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port), timeout=STALLED_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setblocking(False)
    return connected


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep the collector's pauses out of what is measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
