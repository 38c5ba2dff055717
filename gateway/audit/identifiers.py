"""Names for visits and their entries, made many at a time.

Each call for randomness to the system costs more than all else that naming a visit takes, and lets
other threads in between. So it is drawn in pieces of 4 kB, by one owner, on one thread.
"""

import os
import struct
from collections.abc import Iterator
from typing import Final

from gateway.audit.entry import REFERENCE_PAIRS, reference_second

# What a visit takes: bits of the reference; those of the id before its variant, and after.
_CHANCE: Final = struct.Struct(">IHQ")
_DRAWS: Final = 292  # visits; 4 kB at a time
_ID: Final = struct.Struct(">QQ")
_VERSION: Final = 0x7000
_VARIANT: Final = 0x8000_0000_0000_0000


class Identifiers:
    """Names visits. For one thread, in one process: make it after any fork."""

    def __init__(self) -> None:
        """Start with nothing drawn."""
        self._chances: Iterator[tuple[int, int, int]] = iter(())
        self._second = -1
        self._second_text = ""

    def for_visit(self, at_us: int) -> tuple[str, bytes]:
        """Name a visit: the reference that people read out, and the id of its decision's entry.

        As `reference_from` and `entry_id_from` do, a visit in half of their time.

        Args:
            at_us: when it was opened, in microseconds since 1970 UTC.
        """
        second = at_us // 1_000_000
        if second != self._second:
            self._second, self._second_text = second, reference_second(second)
        drawn = next(self._chances, None)
        if drawn is None:
            self._chances = _CHANCE.iter_unpack(os.urandom(_CHANCE.size * _DRAWS))
            drawn = next(self._chances)
        bits, before, after = drawn
        pairs = REFERENCE_PAIRS
        return (
            self._second_text
            + pairs[bits >> 20 & 1023]
            + pairs[bits >> 10 & 1023]
            + pairs[bits & 1023],
            _ID.pack(
                at_us // 1000 << 16 | _VERSION | before & 0x0FFF,
                _VARIANT | after & 0x3FFF_FFFF_FFFF_FFFF,
            ),
        )
