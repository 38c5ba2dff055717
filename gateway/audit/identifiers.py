"""Names for visits and their entries, made many at a time.

Each call for randomness to the system costs more than all else that naming a visit takes, and lets
other threads in between. So it is drawn in pieces of 4 kB, by one owner, on one thread.
"""

import os
from typing import Final

from gateway.audit.entry import entry_id_from, reference_from

_DRAW_BYTES: Final = 4088  # a multiple of what a visit takes
_REFERENCE_BYTES: Final = 4
_VISIT_BYTES: Final = _REFERENCE_BYTES + 10


class Identifiers:
    """Names visits. For one thread, in one process: make it after any fork."""

    def __init__(self) -> None:
        """Start with nothing drawn."""
        self._drawn = b""
        self._at = 0

    def for_visit(self, at_us: int) -> tuple[str, bytes]:
        """Name a visit: the reference that people read out, and the id of its decision's entry.

        Args:
            at_us: when it was opened, in microseconds since 1970 UTC.
        """
        start = self._at
        end = start + _VISIT_BYTES
        if end > len(self._drawn):
            self._drawn, start, end = os.urandom(_DRAW_BYTES), 0, _VISIT_BYTES
        self._at = end
        middle = start + _REFERENCE_BYTES
        return (
            reference_from(at_us, self._drawn[start:middle]),
            entry_id_from(at_us, self._drawn[middle:end]),
        )
