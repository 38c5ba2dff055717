"""Where idle committers sleep, so that one piece of work wakes one of them.

A queue that several threads wait at wakes them all, one after the other, to find it empty; each
takes the interpreter from whoever has work. So would a second one, woken for what comes while the
first gets up and waits for the interpreter: by then it takes all there is.
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
        # Whether one that was woken has still to look for work. Set before its bed is released and
        # cleared by itself, so nobody's work can fall between: it is seen, or wakes the next.
        self._getting_up = False

    def wake(self) -> None:
        """Wake one, if one sleeps and none gets up; whoever is awake looks before it sleeps."""
        if self._getting_up:
            return
        try:
            bed = self._sleeping.pop()
        except IndexError:
            return
        self._getting_up = True
        bed.release()

    def wake_all(self) -> None:
        """Wake everyone who sleeps."""
        while self._sleeping:
            self._getting_up = False
            self.wake()

    def sleep(self, lane: int, seconds: float | None, has_work: Callable[[], bool]) -> None:
        """Sleep until woken, or so long; not at all while there is work.

        Args:
            lane: Who sleeps.
            seconds: How long at most; None for ever.
            has_work: Whether there is any. It is asked once whoever makes some would wake us.
        """
        bed = self._beds[lane]
        self._sleeping.append(bed)
        if has_work() or not bed.acquire(timeout=-1 if seconds is None else seconds):
            try:
                self._sleeping.remove(bed)
            except ValueError:
                bed.acquire()  # somebody is about to wake us
            else:
                return
        self._getting_up = False
