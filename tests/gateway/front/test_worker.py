"""A worker of gunicorn on its own event loop: it takes connections, and lets them go in order."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import resource
import select
import signal
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.sock import TCPSocket

from gateway.front.fair_share import ConnectionCounts
from gateway.front.worker import GatewayWorker
from gateway.settings import Settings
from tests.doubles.waiting import wait_until
from tests.gateway.front.conftest import SettingsMaker

HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"


class Log:
    """As much of gunicorn's log as a worker uses."""

    reopened = 0

    def reopen_files(self) -> None:
        self.reopened += 1


class Refusing:
    """A listener whose connections cannot be taken, so many times."""

    def __init__(self, listener: socket.socket, error: OSError, times: int) -> None:
        self._listener = listener
        self._error = error
        self.left = times
        self.tried: list[float] = []

    def fileno(self) -> int:
        return self._listener.fileno()

    def setblocking(self, flag: bool) -> None:
        self._listener.setblocking(flag)

    def close(self) -> None:
        self._listener.close()

    def accept(self) -> tuple[socket.socket, Any]:
        self.tried.append(time.monotonic())
        if self.left:
            self.left -= 1
            raise self._error
        return self._listener.accept()


@pytest.fixture(autouse=True)
def _process() -> Iterator[None]:
    """Leave the process as it was: a worker sets up one of its own."""
    limits, thresholds = resource.getrlimit(resource.RLIMIT_NOFILE), gc.get_threshold()
    handlers = {name: signal.getsignal(name) for name in GatewayWorker.SIGNALS}
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    gc.set_threshold(*thresholds)
    for name, handler in handlers.items():
        signal.signal(name, handler)


@contextlib.contextmanager
def worker_of(settings: Settings) -> Iterator[tuple[GatewayWorker, int]]:
    """Make a worker that listens on a free port, as gunicorn would before it runs."""
    config = Config()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    wrapped = TCPSocket(("127.0.0.1", 0), config, Log(), fd=listener.detach())
    application = SimpleNamespace(
        settings=settings, connection_counts=ConnectionCounts(), certificate=None
    )
    worker = GatewayWorker(1, os.getppid(), [wrapped], application, 30, config, Log())
    try:
        yield worker, port
    finally:
        worker.tmp.close()
        wrapped.close()


def served(worker: GatewayWorker, visit: Callable[[], object]) -> None:
    """Run a worker, have somebody visit it meanwhile, then stop it as gunicorn does."""
    failures: list[BaseException] = []

    def outside() -> None:
        try:
            visit()
        except BaseException as error:  # noqa: BLE001 -- raised again where the test sees it
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    visitor = threading.Thread(target=outside)
    visitor.start()
    worker.run()
    visitor.join()
    if failures:
        raise failures[0]


def answer_to(port: int, sent: bytes = HEALTH) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(sent)
        answer = b""
        while b'"ok"}' not in answer:
            piece = client.recv(65_536)
            assert piece, answer
            answer += piece
        return answer


def test_a_worker_serves_until_it_is_told_to_stop(make_settings: SettingsMaker) -> None:
    answers: list[bytes] = []
    with worker_of(make_settings()) as (worker, port):
        served(worker, lambda: answers.extend(answer_to(port) for _ in range(3)))

    assert [answer[9:12] for answer in answers] == [b"200"] * 3


def test_a_worker_asks_for_as_many_descriptors_as_it_may_have(
    make_settings: SettingsMaker,
) -> None:
    """The usual 1,024 are fewer than the connections it is set up to take."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, most))
    with worker_of(make_settings()) as (worker, port):
        served(worker, lambda: answer_to(port))

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)


def test_what_was_accepted_before_the_stop_is_answered_after_it(
    make_settings: SettingsMaker,
) -> None:
    answers: list[bytes] = []

    def visit() -> None:
        answer_to(port)
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)
        client.sendall(HEALTH)
        answers.append(client.recv(65_536))
        client.close()

    with worker_of(make_settings()) as (worker, port):
        served(worker, visit)

    assert answers[0].startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" in answers[0]


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (BlockingIOError(errno.EAGAIN, "another worker was quicker"), False),
        (OSError(errno.EMFILE, "Too many open files"), True),
    ],
)
def test_a_connection_that_cannot_be_taken_is_tried_again_but_not_at_once(
    make_settings: SettingsMaker, error: OSError, pauses: bool
) -> None:
    """Out of descriptors, trying without a pause would keep the worker from giving any back."""
    with worker_of(make_settings()) as (worker, port):
        refusing = Refusing(worker.sockets[0].sock, error, 3)
        worker.sockets[0].sock = refusing
        served(worker, lambda: answer_to(port))

    assert len(refusing.tried) == 4
    assert (refusing.tried[-1] - refusing.tried[0] > 1.4) is pauses


def test_gunicorns_own_signals_are_left_to_the_event_loop(make_settings: SettingsMaker) -> None:
    with worker_of(make_settings()) as (worker, _):
        worker.init_signals()
        worker.load_wsgi()

        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGABRT) == worker.handle_abort


def test_a_worker_whose_manager_is_gone_goes_too(make_settings: SettingsMaker) -> None:
    with worker_of(make_settings()) as (worker, _):
        worker.ppid = -1
        worker.run()

        assert worker.alive  # nobody told it to stop: it went by itself


def test_a_worker_with_more_than_its_share_leaves_the_next_connection_to_another(
    make_settings: SettingsMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.front.worker._LEAVE_SECONDS", 3.0)
    taken: list[socket.socket] = []

    def visit() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as first:
            first.sendall(HEALTH)
            assert first.recv(65_536).startswith(b"HTTP/1.1 200 ")
            worker.app.connection_counts.note(2, 0)
            with socket.create_connection(("127.0.0.1", port), timeout=10):
                # What another worker would do, on the same socket.
                select.select([listener], [], [], 10)
                time.sleep(0.2)
                taken.append(listener.accept()[0])

    with worker_of(make_settings()) as (worker, port):
        listener = worker.sockets[0].sock.dup()
        served(worker, visit)
        listener.close()

    assert len(taken) == 1
    taken[0].close()


def test_what_no_other_worker_takes_is_taken_all_the_same(make_settings: SettingsMaker) -> None:
    """Another worker may be busy, or dead and not yet replaced."""

    def visit() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as first:
            first.sendall(HEALTH)
            assert first.recv(65_536).startswith(b"HTTP/1.1 200 ")
            worker.app.connection_counts.note(2, 0)
            assert answer_to(port).startswith(b"HTTP/1.1 200 ")

    with worker_of(make_settings()) as (worker, port):
        served(worker, visit)


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_what_leaves_cycles_behind_is_collected_at_rest(
    make_settings: SettingsMaker, monkeypatch: pytest.MonkeyPatch, generation: int
) -> None:
    """Pages leave a few, too few for the collector to come by itself within minutes."""
    monkeypatch.setattr("gateway.front.worker._HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr("gateway.front.worker._GC_BEATS", 1)
    monkeypatch.setattr("gateway.front.collecting._OLDER", 2)
    monkeypatch.setattr("gateway.front.collecting._REST", 0)

    class Page:
        itself: Page

    def leave_a_cycle() -> None:
        answer_to(port)
        page = Page()
        page.itself = page
        for _ in range(generation):
            gc.collect(_)  # it outlives as many collections as it is old
        gone = weakref.ref(page)
        del page
        wait_until(lambda: gone() is None, every=0.02)

    with worker_of(make_settings()) as (worker, port):
        served(worker, leave_a_cycle)


def test_a_busy_worker_is_scheduled_as_one(
    make_settings: SettingsMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.front.worker._SCHEDULING_SECONDS", 0.02)
    seen: list[tuple[int, int]] = []

    def look() -> None:
        for busy, wanted in ((0.0, (os.SCHED_BATCH, 1)), (2.0, (os.SCHED_OTHER, len(cores)))):
            for limit in ("_ON_CORE", "_WANTED", "_STILL_ON_CORE"):
                monkeypatch.setattr(f"gateway.front.scheduling.{limit}", busy)
            wait_until(partial(is_scheduled, wanted), every=0.02)
            seen.append(scheduled())

    def is_scheduled(wanted: tuple[int, int]) -> bool:
        return scheduled() == wanted

    def scheduled() -> tuple[int, int]:
        return os.sched_getscheduler(0), len(os.sched_getaffinity(0))

    cores = os.sched_getaffinity(0)
    with worker_of(make_settings()) as (worker, _):
        served(worker, look)

    assert seen == [(os.SCHED_BATCH, 1), (os.SCHED_OTHER, len(cores))]
