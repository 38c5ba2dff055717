"""What comes for the first time, told from what comes again.

What a worker remembers so that the next request is cheaper is worth its memory only where there is
a next one. Addresses with a number in them that is never seen twice (a page's transaction, a
scanner's guesses) would fill every such table, and drive out what is asked for all the time.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable


class Newcomers:
    """The hashes of what came lately for the first time, in memory of one size. For one thread."""

    def __init__(self, most: int) -> None:
        """Know nothing.

        Args:
            most: how many are told apart at a time; eight bytes each.
        """
        self._once = array("q", bytes(8 * most))

    def came_before(self, what: Hashable) -> bool:
        """Tell whether this came before, and note that it did now.

        What has to share its place with another is forgotten for it. Now and then wrong for what
        shares its very hash: whoever asks may lose a little memory by that, and nothing else.
        """
        once = hash(what) or 1  # 0 is an empty place
        place = once % len(self._once)
        if self._once[place] == once:
            self._once[place] = 0  # it is remembered elsewhere from now on
            return True
        self._once[place] = once
        return False
