"""Transactions: each page of some screens is opened under a number, and sent under that alone.

Such suites keep what a page is of beside its number, and believe whoever names it. That a page goes
on under the function it was opened for is what the gateway sees to.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

PARAMETER = "_ti"
MOST = 10_000


class Transactions:
    """The pages that are open, the oldest forgotten first. Safe for threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._screens: OrderedDict[str, str] = OrderedDict()

    def begin(self, screen_id: str) -> str:
        """Open a page of a screen; gives its number."""
        with self._lock:
            number = _drawn()
            while number in self._screens:  # of thousands, two are alike now and then
                number = _drawn()
            self._screens[number] = screen_id
            if len(self._screens) > MOST:
                self._screens.popitem(last=False)
        return number

    def screen_of(self, number: str | None) -> str | None:
        """Give the id of the screen that a page is of."""
        with self._lock:
            return None if number is None else self._screens.get(number)


def _drawn() -> str:
    return str(100_000_000 + secrets.randbelow(900_000_000))
