"""A bulkhead: how many sign-ins may wait for one directory at a time, whatever it does.

Each organisation has its own few threads. When they are all waiting, the next sign-in there is told
so at once; no other organisation's staff notice. Of a directory that has fallen silent, only one
answer is waited for at a time until there is one. A call that outlives its time is given up by its
caller, but holds its thread, and so its place, until it really ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gateway.errors import DirectoryUnavailable
from gateway.identity.directories.directory import DirectoryBusy

Result = TypeVar("Result")

FAILURES_OF_A_SILENT_ONE = 2
"""How many calls in a row a directory leaves unanswered before it is held to be silent."""


class Bulkhead:
    """The places at one directory."""

    def __init__(self, name: str, *, at_once: int) -> None:
        """Make the places; threads are started as they are needed.

        Args:
            name: the organisation's, for the names of the threads and messages.
            at_once: how many calls may run at a time.
        """
        self._name = name
        self._at_once = at_once
        self._running = 0
        self._failures = 0  # one after another
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=f"directory-{name}")

    def run(self, call: Callable[[], Result], *, timeout_seconds: float) -> Result:
        """Run a call in one of the places and wait for it.

        Raises:
            DirectoryBusy: at once, if every place is taken.
            DirectoryUnavailable: if the call has not ended in time.
        """
        self._take_place()
        try:
            future: Future[Result] = self._threads.submit(call)
        except BaseException:
            self._free_place()
            raise
        # The place is free when the call has ended, not when its caller has stopped waiting.
        future.add_done_callback(self._ended)
        try:
            return future.result(timeout_seconds)
        except TimeoutError as error:
            if future.done() and not future.cancelled():
                return future.result()  # its own, or an answer that has come in this moment
            self._failures += 1
            message = f"directory: `{self._name}` did not answer in time"
            raise DirectoryUnavailable(message) from error

    def _take_place(self) -> None:
        with self._lock:
            # Of a directory that has just not answered, one call at a time finds out whether it is
            # back; more would hold threads that the pages of everybody else need.
            silent = self._failures >= FAILURES_OF_A_SILENT_ONE
            if self._running >= (1 if silent else self._at_once):
                message = f"directory: `{self._name}` has as many sign-ins as it may at a time"
                raise DirectoryBusy(message)
            self._running += 1

    def _free_place(self) -> None:
        with self._lock:
            self._running -= 1

    def _ended(self, future: Future[Result]) -> None:
        if not future.cancelled():
            failed = isinstance(future.exception(), DirectoryUnavailable)
            self._failures = self._failures + 1 if failed else 0
        self._free_place()

    def close(self) -> None:
        """Take no more calls; those that run are left to end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
