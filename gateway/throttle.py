"""Which refusals of strangers are recorded one by one, and which are only counted.

Anybody can cause refusals without a session, as fast as the network carries them, so they must not
fill the disk. Of each source (an address) the first few in a minute are recorded as they come.
Later ones are counted, and given out when the minute is over as one entry for each source and
code, which says how many there were. What is not recorded by itself is still in the count: nothing
is lost.

Memory is bounded: when there are too many sources at a time, what the least recent ones have left
is given out at once, and the sources that find no place are counted together.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from gateway.audit.entry import EntryDraft, Kind, Outcome, new_reference
from gateway.sources import place_of

MINUTE_US: Final = 60_000_000
SINGLES_PER_MINUTE: Final = 20
"""Refusals of one source that are recorded one by one in a minute: a person's mistakes, no more."""

TOTAL_PER_MINUTE: Final = 600
"""Refusals of all sources together that are recorded one by one in a minute: some 10 a second keep
a flood from many addresses below half a gigabyte of log a day."""

SOURCES: Final = 4_096
CODES_PER_SOURCE: Final = 16
MANY: Final = "many"
"""Stands for the address where sources are counted together."""

OTHER: Final = "other"
"""Stands for the code where codes are counted together."""


@dataclass(slots=True)
class _Count:
    """Refusals with one code that were not recorded one by one."""

    refusals: int
    first_us: int
    last_us: int


@dataclass(slots=True)
class _Source:
    """What one source did since its minute began."""

    began_us: int
    singles: int = 0
    counts: dict[str, _Count] = field(default_factory=dict)


class RefusalThrottle:
    """Decides for one worker. `admit` takes about a microsecond; safe for several threads."""

    def __init__(
        self,
        *,
        singles_per_minute: int = SINGLES_PER_MINUTE,
        total_per_minute: int = TOTAL_PER_MINUTE,
        sources: int = SOURCES,
    ) -> None:
        """Start with nobody known.

        Args:
            singles_per_minute: how many of one source are recorded one by one in a minute.
            total_per_minute: how many of all sources together are.
            sources: how many sources are told apart at a time.
        """
        self._singles_per_minute = singles_per_minute
        self._total_per_minute = total_per_minute
        self._limit = sources
        self._lock = threading.Lock()
        self._sources: OrderedDict[str, _Source] = OrderedDict()  # least recent first
        self._many = _Source(began_us=0)
        self._total_began_us = 0
        self._total = 0
        self._due: list[EntryDraft] = []

    def admit(self, source: str, code: str, at_us: int) -> bool:
        """Tell whether a refusal is to be recorded by itself; if not, it is counted here.

        Args:
            source: the address it came from.
            code: why it was refused, from the closed list of codes.
            at_us: now, microseconds since 1970 UTC.
        """
        place = place_of(source)
        with self._lock:
            # A clock that went back begins a new minute too, or the old one would never end.
            if not 0 <= at_us - self._total_began_us < MINUTE_US:
                self._total_began_us, self._total = at_us, 0
            held = self._held(place, at_us)
            if (
                held is not self._many
                and held.singles < self._singles_per_minute
                and self._total < self._total_per_minute
            ):
                held.singles += 1
                self._total += 1
                return True
            _count(held, code, at_us)
            return False

    def flush(self, at_us: int, *, everything: bool = False) -> tuple[EntryDraft, ...]:
        """Give out the counts whose minute is over, each as one entry.

        Args:
            at_us: now, microseconds since 1970 UTC.
            everything: also those whose minute is not over; for a worker that stops.
        """
        with self._lock:
            for place in tuple(self._sources):
                held = self._sources[place]
                if everything or not 0 <= at_us - held.began_us < MINUTE_US:
                    del self._sources[place]
                    self._due += _drafts(place, held)
            if everything or not 0 <= at_us - self._many.began_us < MINUTE_US:
                self._due += _drafts(MANY, self._many)
                self._many = _Source(began_us=at_us)
            due, self._due = self._due, []
        return tuple(due)

    def _held(self, place: str, at_us: int) -> _Source:
        held = self._sources.get(place)
        if held is not None and 0 <= at_us - held.began_us < MINUTE_US:
            self._sources.move_to_end(place)
            return held
        if held is not None:
            del self._sources[place]
            self._due += _drafts(place, held)
        if len(self._sources) >= self._limit and not self._make_room(at_us):
            return self._many
        held = self._sources[place] = _Source(began_us=at_us)
        return held

    def _make_room(self, at_us: int) -> bool:
        """Drop the least recent source unless it owes an entry: those would be a flood."""
        place, held = next(iter(self._sources.items()))
        if held.counts and 0 <= at_us - held.began_us < MINUTE_US:
            return False
        del self._sources[place]
        self._due += _drafts(place, held)
        return True


def _count(held: _Source, code: str, at_us: int) -> None:
    if code not in held.counts and len(held.counts) >= CODES_PER_SOURCE:
        code = OTHER
    count = held.counts.get(code)
    if count is None:
        held.counts[code] = _Count(refusals=1, first_us=at_us, last_us=at_us)
    else:
        count.refusals += 1
        count.last_us = at_us


def _drafts(place: str, held: _Source) -> list[EntryDraft]:
    return [
        EntryDraft(
            kind=Kind.ACCESS,
            at_us=count.first_us,
            outcome=Outcome.DENY,
            reference=new_reference(count.first_us),
            code=code,
            ip=place,
            count=count.refusals,
            duration_us=max(0, count.last_us - count.first_us),
        )
        for code, count in held.counts.items()
    ]
