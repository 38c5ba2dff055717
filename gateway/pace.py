"""How fast requests may come: of one person who is signed in, and of one source before that.

Both are the same bucket: so many requests a second, and ten seconds' worth of them at once. It is
kept as one number, the moment at which what was taken is paid for (the generic cell rate
algorithm), so that a request costs one comparison and one addition. Each worker keeps its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from gateway.sources import place_of

if TYPE_CHECKING:
    from collections.abc import Callable

PER_SECOND: Final = 100
"""Of a person or a source, unless the settings say otherwise: far beyond what people do."""

BURST_SECONDS: Final = 10
"""How many seconds' worth may come at once: a page with its pictures, a shift that begins."""

SOURCES: Final = 4_096
SOURCE_RATE: Final = "source-rate"
PERSON_RATE: Final = "person-rate"
_SECOND_US: Final = 1_000_000


class Pace:
    """One bucket. For the event loop alone."""

    __slots__ = ("__weakref__", "_burst_us", "_paid_us", "_step_us")

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Start full.

        Args:
            per_second: how many requests it lets through in the long run.
        """
        self._step_us = max(1, _SECOND_US // per_second)
        self._burst_us = BURST_SECONDS * _SECOND_US - self._step_us
        self._paid_us = 0

    def take(self, at_us: int) -> int:
        """Take one request out of the bucket.

        Args:
            at_us: now, microseconds since 1970 UTC.

        Returns:
            0 where there was one; else after how many seconds it may be tried again.
        """
        ahead_us = self._paid_us - at_us
        # Further ahead than one can get: the clock went back, and nobody is to wait for that.
        if ahead_us <= 0 or ahead_us > self._burst_us + self._step_us:
            self._paid_us = at_us + self._step_us
            return 0
        if ahead_us <= self._burst_us:
            self._paid_us += self._step_us
            return 0
        return -((self._burst_us - ahead_us) // _SECOND_US)


class PersonPaces:
    """The paces of the people whose sessions a worker holds; all of one person share one."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Know nobody.

        Args:
            per_second: of each person.
        """
        self._per_second = per_second
        self._paces: WeakValueDictionary[str, Pace] = WeakValueDictionary()

    def of(self, staff_id: str) -> Pace:
        """Give the pace of a person; it lasts as long as a session in memory holds it."""
        return self._paces.setdefault(staff_id, Pace(self._per_second))


class SourcePaces:
    """The paces of sources, by address (of IPv6, by network). For the event loop alone."""

    def __init__(
        self,
        per_second: int = PER_SECOND,
        *,
        sources: int = SOURCES,
        exempt: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Know nobody.

        Args:
            per_second: of each source.
            sources: how many are told apart; beyond it the one that was quiet longest is forgotten.
            exempt: by canonical path, what has limits of its own, as what programs call.
        """
        self._per_second = per_second
        self._limit = sources
        self._exempt = exempt
        self._paces: OrderedDict[str, Pace] = OrderedDict()  # the one that was quiet longest first

    def take(self, source: str, path: str, at_us: int) -> int:
        """Take one request of a source; see `Pace.take`.

        Args:
            source: the address it came from.
            path: canonical, what it asks for.
            at_us: now, microseconds since 1970 UTC.
        """
        if self._exempt(path):
            return 0
        place = place_of(source)
        pace = self._paces.get(place)
        if pace is None:
            if len(self._paces) >= self._limit:
                self._paces.popitem(last=False)
            pace = self._paces[place] = Pace(self._per_second)
        else:
            self._paces.move_to_end(place)
        return pace.take(at_us)
