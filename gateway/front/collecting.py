"""When a worker has cycles collected: at rest, and all of its memory as often as costs nothing.

A collection of all gives back more than cycles that grew old. CPython keeps up to 2,000 tuples of
each length below 20 for use again, and a tuple that was made of what has no length takes the place
of one of ten and is kept as one of its own length: so those lists fill by dozens a second, to some
4 MiB a worker, and only a collection of all empties them. The more sessions there are the longer it
takes, in which nobody is served; so it comes the less often.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

_OLDER: Final = 10  # collections of what is young for one of what outlived one
_REST: Final = 5_000  # times as long as a collection of all took until there is another
_MOST_REST_SECONDS: Final = 3600.0


class Collecting:
    """The collections of one worker, one after another."""

    def __init__(self, clock: Callable[[], float], spent: Callable[[], float]) -> None:
        """Begin with what is young.

        Args:
            clock: seconds, from any beginning.
            spent: seconds of the processor; on a busy machine the others' pass meanwhile.
        """
        self._clock, self._spent = clock, spent
        self._turns = 0
        self._all_from = clock()

    def collect(self) -> bool:
        """Collect what is young, or now and then what is older (blocks); tells whether it was."""
        self._turns += 1
        if self._turns % _OLDER:
            gc.collect(0)
            return False
        if self._clock() < self._all_from:
            gc.collect(1)
            return True
        before = self._spent()
        gc.collect()
        rest = _REST * (self._spent() - before)
        self._all_from = self._clock() + min(_MOST_REST_SECONDS, rest)
        return True
