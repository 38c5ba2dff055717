"""What comes for the first time, told from what comes again.

What a worker remembers so that the next request is cheaper is worth its memory only where there is
a next one. Addresses with a number in them that is never seen twice (a page's transaction, a
scanner's guesses) would fill every such table, and drive out what is asked for all the time.
"""

from __future__ import annotations

from collections.abc import Hashable


class Newcomers:
    """The hashes of what came lately for the first time. For one thread."""

    def __init__(self, most: int) -> None:
        """Know nothing.

        Args:
            most: how many are told apart at a time; 64 bytes each.
        """
        self._most = most
        self._once: set[int] = set()

    def came_before(self, what: Hashable) -> bool:
        """Tell whether this came before, and note that it did now.

        Now and then wrong for what shares its hash with something else: whoever asks may lose a
        little memory by that, and nothing else.
        """
        once = hash(what)
        if once in self._once:
            self._once.discard(once)  # it is remembered elsewhere from now on
            return True
        if len(self._once) >= self._most:
            self._once.clear()
        self._once.add(once)
        return False
