"""How many connections each worker has, in memory that they share, so that none takes too many.

All workers wait for one listening socket, and the one that is awake is the quickest: it would take
most of what comes at once, and one core would stand idle. Who has more than its share leaves the
next connection to the others for a moment, and takes it after all if nobody else does. The same
memory tells a worker which of them it is.
"""

from __future__ import annotations

import mmap
from typing import Final

_NOBODY: Final = -1
_SLOT_BYTES: Final = 8
_SLOTS: Final = 256  # far more than workers; two in one slot only spread connections less evenly


class ConnectionCounts:
    """A count a worker. Made before any fork; each worker writes its own slot only."""

    def __init__(self) -> None:
        """Share the memory with every process forked from here on."""
        self._counts = memoryview(mmap.mmap(-1, _SLOTS * _SLOT_BYTES)).cast("q")
        for slot in range(_SLOTS):
            self._counts[slot] = _NOBODY

    def note(self, worker: int, connections: int) -> None:
        """Say how many connections a worker has.

        Args:
            worker: its number; each that is started gets the next.
            connections: that it has open, or is about to.
        """
        self._counts[worker % _SLOTS] = connections

    def leave(self, worker: int) -> None:
        """Say that a worker takes no more."""
        self._counts[worker % _SLOTS] = _NOBODY

    def place(self, worker: int) -> tuple[int, int]:
        """Give a worker's place among those that take connections, from 0, and their number."""
        taking = [slot for slot, count in enumerate(self._counts.tolist()) if count != _NOBODY]
        return sum(slot < worker % _SLOTS for slot in taking), len(taking)

    def are_uneven(self, worker: int, connections: int) -> bool:
        """Tell whether another worker has so many fewer that it should have the next one."""
        own = worker % _SLOTS
        others = [
            count
            for slot, count in enumerate(self._counts.tolist())
            if count != _NOBODY and slot != own
        ]
        # The more there are, the less one more matters, and the more quickly they are taken.
        return bool(others) and connections > min(others) + min(others) // 8
