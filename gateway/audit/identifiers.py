"""Names for visits and their entries, made many at a time.

Each call for randomness to the system costs more than all else that naming a visit takes, and lets
other threads in between. So it is drawn in pieces of 4 kB, by one owner, on one thread.
"""

import os
import struct
from collections.abc import Iterator
from typing import Final

from gateway.audit.entry import CROCKFORD, reference_second

_VISITS: Final = 256  # drawn for at a time: 4 kB
_LETTERS: Final = 6  # of a reference, behind those that tell the second: five bits of a byte each
_LETTER: Final = CROCKFORD.encode() * 8
_ID_END: Final = struct.Struct("10s")  # of an id, behind its milliseconds
# As one number, the ends of as many ids: which bits are left to chance, and version and variant.
_FREE: Final = int.from_bytes(bytes.fromhex("0fff3fffffffffffffff") * _VISITS, "big")
_FIXED: Final = int.from_bytes(bytes.fromhex("70008000000000000000") * _VISITS, "big")


class Identifiers:
    """Names visits. For one thread, in one process: make it after any fork."""

    def __init__(self) -> None:
        """Start with nothing drawn."""
        self._ends: Iterator[tuple[str, bytes]] = iter(())
        self._second = -1
        self._second_text = ""

    def for_visit(self, at_us: int) -> tuple[str, bytes]:
        """Name a visit: the reference that people read out, and the id of its decision's entry.

        As `reference_from` and `entry_id_from` do, a visit in a third of their time.

        Args:
            at_us: when it was opened, in microseconds since 1970 UTC.
        """
        second = at_us // 1_000_000
        if second != self._second:
            self._second, self._second_text = second, reference_second(second)
        try:
            letters, rest = next(self._ends)
        except StopIteration:
            self._ends = _drawn()
            letters, rest = next(self._ends)
        return self._second_text + letters, (at_us // 1000).to_bytes(6, "big") + rest


def _drawn() -> Iterator[tuple[str, bytes]]:
    """Draw the ends of the names of many visits, all of them in a few steps."""
    letters = os.urandom(_LETTERS * _VISITS).translate(_LETTER).decode("ascii")
    chance = int.from_bytes(os.urandom(_ID_END.size * _VISITS), "big")
    rest = (chance & _FREE | _FIXED).to_bytes(_ID_END.size * _VISITS, "big")
    ends = [letters[at : at + _LETTERS] for at in range(0, len(letters), _LETTERS)]
    return zip(ends, [end for (end,) in _ID_END.iter_unpack(rest)], strict=True)
