"""A bulkhead: how many sign-ins may wait for one directory at a time, whatever it does.

Each organisation has its own few threads. When they are all waiting, the next sign-in there is told
so at once; no other organisation's staff notice. A call that outlives its time is given up by its
caller, but holds its thread, and so its place, until it really ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gateway.errors import DirectoryUnavailable
from gateway.identity.directory import DirectoryBusy

Result = TypeVar("Result")


class Bulkhead:
    """The places at one directory."""

    def __init__(self, name: str, *, at_once: int) -> None:
        """Make the places; threads are started as they are needed.

        Args:
            name: the organisation's, for the names of the threads and messages.
            at_once: how many calls may run at a time.
        """
        self._name = name
        self._places = threading.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=f"directory-{name}")

    def run(self, call: Callable[[], Result], *, timeout_seconds: float) -> Result:
        """Run a call in one of the places and wait for it.

        Raises:
            DirectoryBusy: at once, if every place is taken.
            DirectoryUnavailable: if the call has not ended in time.
        """
        if not self._places.acquire(blocking=False):
            message = f"directory: `{self._name}` has as many sign-ins as it may at a time"
            raise DirectoryBusy(message)
        try:
            future: Future[Result] = self._threads.submit(call)
        except BaseException:
            self._places.release()
            raise
        # The place is free when the call has ended, not when its caller has stopped waiting.
        future.add_done_callback(lambda _: self._places.release())
        try:
            return future.result(timeout_seconds)
        except TimeoutError as error:
            if future.done() and not future.cancelled():
                raise  # it is the call's own
            message = f"directory: `{self._name}` did not answer in time"
            raise DirectoryUnavailable(message) from error

    def close(self) -> None:
        """Take no more calls; those that run are left to end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
