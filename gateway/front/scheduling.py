"""How the system schedules a worker while it is busy: as a batch, and on a core of its own.

Linux lets what wakes interrupt what runs, on whichever core is free. Under load an answer wakes the
client, whose next request wakes the worker, and each interrupts the other amid its work and finds
the processor's caches cold. Scheduled as a batch (sched(7)) a worker interrupts nobody: more waits
for it when its turn comes, and what it needs is still in the caches of its core. At ease it would
only answer later: then it is as it was started.

What an operator chose is left alone: a worker that was not started with the ordinary policy keeps
its own, and none leaves the cores that it may use.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger("worker")
# Of the time, its thread on a core, and with waiting for one. Two workers as fast as two cores let
# them are on one for 0.3 to 0.65 and wait for another 0.2 to 0.4, as the rest goes to whom they
# serve and ask; with 500 requests a second each, both make 0.1 to 0.2. Among others' programs that
# want every core it gets less, and would get less still as a batch that cannot leave its own.
_ON_CORE: Final = 0.3
_WANTED: Final = 0.5
_STILL_ON_CORE: Final = 0.2  # what is busy stays so until it is clearly not, not from look to look
_THREADS: Final = Path("/proc/self/task")
_SPENT: Final = Path("/proc/thread-self/schedstat")


class CoreSeconds(NamedTuple):
    """For how long a thread was on a core, and for how long it waited for one."""

    on_core: float
    waiting: float


class Scheduling:
    """How one worker is scheduled; for the thread of its event loop."""

    def __init__(self, clock: Callable[[], float], spent: Callable[[], CoreSeconds]) -> None:
        """Begin as the worker was started.

        Args:
            clock: seconds, from any beginning.
            spent: what the thread has had of the cores.
        """
        self._clock, self._spent = clock, spent
        self._looked_at, self._spent_then = clock(), spent()
        self._may_change = sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER
        self._cores: frozenset[int] = frozenset()
        if self._may_change:
            self._cores = frozenset(os.sched_getaffinity(0))
        self._as_it_is = False, self._cores

    def look(self, place: int, workers: int) -> None:
        """See whether the worker was busy since the last look, and have it scheduled accordingly.

        Args:
            place: its own among the workers, from 0.
            workers: how many there are; on fewer cores none has one of its own.
        """
        now, spent = self._clock(), self._spent()
        took = now - self._looked_at
        on_core = spent.on_core - self._spent_then.on_core
        wanted = on_core + spent.waiting - self._spent_then.waiting
        self._looked_at, self._spent_then = now, spent
        if self._as_it_is[0]:
            busy = on_core >= _STILL_ON_CORE * took
        else:
            busy = on_core >= _ON_CORE * took and wanted >= _WANTED * took
        cores = self._cores
        if busy and place < workers <= len(cores):
            cores = frozenset({sorted(cores)[place]})
        if self._may_change and self._as_it_is != (busy, cores):
            self._as_it_is = busy, cores
            self._schedule(cores, busy=busy)

    def _schedule(self, cores: frozenset[int], *, busy: bool) -> None:
        """Have every thread scheduled so; those that are started later take after theirs."""
        policy = os.SCHED_BATCH if busy else os.SCHED_OTHER
        try:
            for each in _THREADS.iterdir():
                thread = int(each.name)
                with suppress(ProcessLookupError):  # it ended meanwhile
                    os.sched_setscheduler(thread, policy, os.sched_param(0))
                    os.sched_setaffinity(thread, cores)
        except OSError as error:
            # Forbidden here, as in some containers: it is as quick as without.
            self._may_change = False
            _log.info("scheduling left as it is", error=type(error).__name__)


def core_seconds() -> CoreSeconds:
    """Tell what this thread has had of the cores; where Linux does not tell who waits, nobody does.

    The first two numbers of its `schedstat`, in nanoseconds (Linux, "Scheduler Statistics").
    """
    with suppress(OSError, ValueError):
        on_core, waiting, _ = map(int, _SPENT.read_bytes().split())
        if on_core:
            return CoreSeconds(on_core / 1e9, waiting / 1e9)
    return CoreSeconds(time.thread_time(), 0.0)
