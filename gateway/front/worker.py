"""A gunicorn worker that serves with our own connections on a uvloop event loop.

gunicorn starts, watches and replaces the processes; nothing of its HTTP parsing is used. The worker
takes one connection at a time from the shared socket, so that a busy worker leaves the next one to
an idle one, and one with more than its share to the others. On SIGTERM it stops accepting, answers
what it has accepted, and goes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import time
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
import uvloop
from gunicorn.workers.base import Worker

from gateway.entrance.reception import Way
from gateway.front.assembly import Assembly
from gateway.front.collecting import Collecting
from gateway.front.entrance_parts import reception
from gateway.front.heap import give_back, share_heaps
from gateway.front.scheduling import Scheduling, core_seconds

if TYPE_CHECKING:
    from gateway.entrance.certificates import ServedCertificate
    from gateway.entrance.reception import Reception
    from gateway.front.fair_share import ConnectionCounts
    from gateway.front.front import Front
    from gateway.settings import Settings

_log = structlog.get_logger("worker")
_HEARTBEAT_SECONDS: Final = 1.0
_SCHEDULING_SECONDS: Final = 0.25
_RESTART_SECONDS: Final = 1.0
_GC_ALLOCATIONS: Final = 20_000  # between collections amid requests, which make few cycles
_GC_BEATS: Final = 15  # between collections at rest, so that pages' few never add up to megabytes
_ACCEPT_AGAIN_SECONDS: Final = 0.5
_LEAVE_SECONDS: Final = 0.001  # to another worker; far longer than an idle one takes to wake


class GatewayWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """One worker process."""

    _stopping = False
    _front: Front
    _reception: Reception

    def load_wsgi(self) -> None:
        """Load nothing: what this worker serves is put together on its event loop."""

    def init_signals(self) -> None:
        """Leave signals to the event loop, which is not there yet."""
        for name in self.SIGNALS:
            signal.signal(name, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, self.handle_abort)

    def run(self) -> None:
        """Serve until told to stop."""
        # A connection needs a file descriptor, and one to the back office; the usual soft limit of
        # 1,024 is for programs that use `select`.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        share_heaps()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except Exception as error:
            # The next one is started at once: without a pause a lasting fault would spin.
            _log.critical("worker failed", error=type(error).__name__)
            time.sleep(_RESTART_SECONDS)
            raise

    async def _serve(self) -> None:
        settings = cast("Settings", self.app.settings)
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(name, stopping.set)
        loop.add_signal_handler(signal.SIGUSR1, self.log.reopen_files)
        loop.add_signal_handler(signal.SIGWINCH, lambda: None)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        with Assembly(settings, loop) as assembly:
            front = self._front = assembly.front
            self._reception = reception(front, settings, self._certificate, loop)
            # What was put together lives as long as the worker: the collector need not walk it.
            gc.collect()
            gc.freeze()
            gc.set_threshold(_GC_ALLOCATIONS)
            self._counts.note(self.age, 0)
            housekeeper = loop.create_task(front.keep_house(self._note_connections))
            for listener, way in zip(self.sockets, Way, strict=False):
                listener.setblocking(False)
                self._listen(listener.sock, way)
            _log.info("serving", pid=os.getpid())
            beats, collecting = 0, Collecting(loop.time, time.thread_time)
            scheduling = loop.create_task(self._schedule(loop))
            while not stopping.is_set() and self.ppid == os.getppid():
                self.notify()
                try:
                    await asyncio.wait_for(stopping.wait(), _HEARTBEAT_SECONDS)
                except TimeoutError:
                    beats += 1
                    if beats % _GC_BEATS == 0 and collecting.collect():
                        await loop.run_in_executor(None, give_back)
                    await loop.run_in_executor(None, self._renew)
            self._stopping = True
            self._counts.leave(self.age)
            for listener in self.sockets:
                loop.remove_reader(listener.fileno())
            if self._accepting:
                await asyncio.wait(self._accepting)
            draining = loop.create_task(front.drain(settings.gateway.drain_seconds))
            while not draining.done():
                self.notify()
                await asyncio.wait({draining}, timeout=_HEARTBEAT_SECONDS)
            housekeeper.cancel()
            scheduling.cancel()

    async def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        scheduling = Scheduling(loop.time, core_seconds)
        while True:
            await asyncio.sleep(_SCHEDULING_SECONDS)
            scheduling.look(*self._counts.place(self.age))

    def _renew(self) -> None:
        """Look whether there is a new certificate."""
        if self._certificate is not None:
            self._certificate.refresh()

    def _listen(self, listener: socket.socket, way: Way) -> None:
        """Take connections from a listener, unless the worker is stopping."""
        if not self._stopping:
            loop = asyncio.get_running_loop()
            loop.add_reader(listener.fileno(), self._accept, listener, way)

    def _accept(self, listener: socket.socket, way: Way) -> None:
        """Take one connection, or leave it to a worker that has fewer for a moment."""
        connections = len(self._front.connections) + len(self._accepting)
        if self._counts.are_uneven(self.age, connections):
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener.fileno())
            loop.call_later(_LEAVE_SECONDS, self._take_what_is_left, listener, way)
            return
        self._take(listener, way)

    def _take_what_is_left(self, listener: socket.socket, way: Way) -> None:
        """Take what no other worker took, and go on."""
        if not self._stopping:
            self._listen(listener, way)
            self._take(listener, way)

    def _take(self, listener: socket.socket, way: Way) -> None:
        """Take one connection; another worker may have been quicker."""
        try:
            accepted, peer = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            _log.error("accept failed", error=type(error).__name__, detail=error.strerror)
            # Out of file descriptors, most likely: the connection stays in line, and asking for it
            # again at once would only keep the worker from closing others.
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener.fileno())
            loop.call_later(_ACCEPT_AGAIN_SECONDS, self._listen, listener, way)
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        entering = self._reception.receive(accepted, peer[0], way)
        task: asyncio.Task[Any] = loop.create_task(entering)
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        self._note_connections(len(self._front.connections) + len(self._accepting))

    def _note_connections(self, connections: int) -> None:
        if not self._stopping:
            self._counts.note(self.age, connections)

    @property
    def _certificate(self) -> ServedCertificate | None:
        return cast("ServedCertificate | None", self.app.certificate)

    @property
    def _counts(self) -> ConnectionCounts:
        return cast("ConnectionCounts", self.app.connection_counts)

    @property
    def _accepting(self) -> set[asyncio.Task[Any]]:
        tasks: set[asyncio.Task[Any]] = self.__dict__.setdefault("accepting_tasks", set())
        return tasks
