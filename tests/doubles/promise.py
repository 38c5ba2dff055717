"""A time within which something is promised, on a machine that has other work besides.

A process that is ready to run while others run waits for their sake, and the kernel counts how long
(`/proc/<pid>/schedstat`). That long more it may take; on a machine at rest nothing comes of it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from pathlib import Path

NANOSECONDS = 1_000_000_000


class Promise:
    """It begins when it is made.

    Attributes:
        began: monotonic seconds.
    """

    def __init__(self, seconds: float, processes: Collection[int]) -> None:
        """Promise something.

        Args:
            seconds: within which it comes about.
            processes: ids of those who bring it about, each by itself; then it is seen by us.
        """
        self._seconds = seconds
        self._waited = {pid: _waited(pid) for pid in processes}
        self._we_waited = _waited(os.getpid())
        self.began = time.monotonic()

    @property
    def latest(self) -> float:
        """Until when it had to come about, as of now: monotonic seconds."""
        they = (_since(pid, before) for pid, before in self._waited.items())
        waited = max(they, default=0.0) + _since(os.getpid(), self._we_waited)
        return self.began + self._seconds + waited


def _since(pid: int, before: dict[str, int]) -> float:
    """Give the seconds that the threads of a process waited since a reading."""
    waited = (now - before.get(thread, 0) for thread, now in _waited(pid).items())
    return sum(waited) / NANOSECONDS


def _waited(pid: int) -> dict[str, int]:
    """Give how long each thread of a process waited for a processor, nanoseconds."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):  # it has ended, or nobody counts here
            found[thread.name] = int((thread / "schedstat").read_text().split()[1])
    return found
