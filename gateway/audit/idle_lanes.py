"""Where idle committers sleep, so that one piece of work wakes one of them.

A queue that several threads wait at wakes them all, one after the other, to find it empty; each
takes the interpreter from whoever has work.
"""

import threading
from collections.abc import Callable


class IdleLanes:
    """The committers that sleep; the one that fell asleep last is woken first."""

    def __init__(self, count: int) -> None:
        """Make a bed for each lane; nobody sleeps yet."""
        self._beds = [threading.Lock() for _ in range(count)]
        for bed in self._beds:
            bed.acquire()
        self._sleeping: list[threading.Lock] = []

    def wake(self) -> None:
        """Wake one, if one sleeps; whoever is awake looks again before it sleeps."""
        try:
            bed = self._sleeping.pop()
        except IndexError:
            return
        bed.release()

    def sleep(self, lane: int, seconds: float | None, has_work: Callable[[], bool]) -> None:
        """Sleep until woken, or so long; not at all while there is work.

        Args:
            lane: Who sleeps.
            seconds: How long at most; None for ever.
            has_work: Whether there is any. It is asked once whoever makes some would wake us.
        """
        bed = self._beds[lane]
        self._sleeping.append(bed)
        if not has_work() and bed.acquire(timeout=-1 if seconds is None else seconds):
            return
        try:
            self._sleeping.remove(bed)
        except ValueError:
            bed.acquire()  # somebody is about to wake us
