"""Lets entries of one moment gather, so that one flush of the disk makes more of them durable.

A flush costs the same for one entry as for a hundred. While the event loop still hands entries
over, turn after turn, the disk is not asked; it is once a whole turn has brought none, or after a
moment about as long as a flush takes. A visit that is alone waits for two empty turns of the loop:
some microseconds.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

LEAST_SECONDS: Final = 0.0005
MOST_SECONDS: Final = 0.005


class Gathering:
    """Asks for the disk once a loop has handed over what it has. For the thread of one loop."""

    def __init__(self, ask: Callable[[], None]) -> None:
        """Start with nothing gathered.

        Args:
            ask: Has what was handed over written; called on the loop.
        """
        self._ask = ask
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handed_over = self._seen = 0
        self._until = 0.0
        self._longest = LEAST_SECONDS

    def note_flush(self, seconds: float) -> None:
        """Learn how long a flush took; may be called from any thread."""
        self._longest = min(max(seconds, LEAST_SECONDS), MOST_SECONDS)

    def note_entry(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note that an entry was handed over that somebody waits for."""
        self._handed_over += 1
        if self._loop is None:
            self._loop = loop
            self._until = time.monotonic() + self._longest
            # What this turn brings is not known yet: the first look is no verdict.
            self._seen = 0
            loop.call_soon(self._look)

    def _look(self) -> None:
        loop = self._loop
        if loop is None:
            return
        if self._handed_over != self._seen and time.monotonic() < self._until:
            self._seen = self._handed_over
            loop.call_soon(self._look)
            return
        self._loop = None
        self._handed_over = 0
        self._ask()
