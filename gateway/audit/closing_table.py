"""The log's table `closing`: which entries close which decisions, so that each leads to its end.

For each block of decisions and each entry that closes some of them, their places in the block, two
bytes each. The first entry to close a decision counts. An entry whose MAC did not hold closes
nothing.
"""

import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from operator import sub
from typing import Any, Final

from gateway.audit.blocks import BLOCK_ENTRIES, find_entry
from gateway.audit.bundles import StoredEntry, read_entry
from gateway.audit.closings import closed_by
from gateway.audit.entry import Kind, Outcome, Phase

CLOSING_TABLE: Final = """CREATE TABLE closing (
    block INTEGER NOT NULL,
    result INTEGER NOT NULL,
    decisions BLOB NOT NULL,
    PRIMARY KEY (block, result)
) STRICT, WITHOUT ROWID"""
_PLACE_BYTES: Final = 2

Closed = tuple[int, tuple[int, ...]]
"""Index of an entry, and those of the decisions that it closes."""


def closing_rows(closed: Iterable[Closed]) -> Iterator[tuple[int, int, bytes]]:
    """Give the rows of the table for some entries, none of which comes twice."""
    for result, decisions in closed:
        ordered, at = sorted(decisions), 0
        while at < len(ordered):
            block = ordered[at] // BLOCK_ENTRIES
            first = block * BLOCK_ENTRIES
            end = bisect_left(ordered, first + BLOCK_ENTRIES, at)
            places = map(sub, ordered[at:end], repeat(first))
            yield block, result, struct.pack(f">{end - at}H", *places)
            at = end


def save_closings(connection: sqlite3.Connection, closed: Iterable[Closed]) -> None:
    """Note which entries close which decisions, inside a transaction."""
    connection.executemany("INSERT INTO closing VALUES (?,?,?)", closing_rows(closed))


def find_result(connection: sqlite3.Connection, decision: int) -> StoredEntry | None:
    """Find the entry that closed the decision at an index."""
    block, place = divmod(decision, BLOCK_ENTRIES)
    wanted = place.to_bytes(_PLACE_BYTES, "big")
    for result, places in connection.execute(
        "SELECT result, decisions FROM closing WHERE block = ? ORDER BY result", (block,)
    ):
        if any(wanted == places[at : at + 2] for at in range(0, len(places), _PLACE_BYTES)):
            return read_entry(connection, result)
    return None


class ClosingCheck:
    """Compares the table `closing` with what the entries say, taken in the order of the log."""

    def __init__(
        self, connection: sqlite3.Connection, fault: Callable[[str, str, int | None], None]
    ) -> None:
        self._connection = connection
        self._fault = fault
        self._borne_out = 0
        # Permitted accesses that nothing has closed: nearly all that is closed is among them.
        self._open: dict[bytes, int] = {}

    def add(self, index: int, entry: Mapping[str, Any]) -> None:
        """Take the next entry, and check what it closes.

        Raises:
            LookupError, ValueError, TypeError: It does not say it as every entry does.
        """
        if entry["phase"] != Phase.RESULT:
            if entry["outcome"] == Outcome.PERMIT and entry["kind"] == Kind.ACCESS:
                self._open[bytes.fromhex(entry["id"])] = index
            return
        decisions = tuple(
            found for each in closed_by(entry) if (found := self._find(each, index)) is not None
        )
        for row in closing_rows([(index, decisions)]):
            block, _, places = row
            stored = self._connection.execute(
                "SELECT decisions FROM closing WHERE block = ? AND result = ?", (block, index)
            ).fetchone()
            if stored is not None:
                self._borne_out += 1
            if stored != (places,):
                what = f"table `closing` does not say which entries of block {block} it closes"
                self._fault(f"entry {index}", what, index)

    def finish(self) -> None:
        """Check that the table says no more than that."""
        stored = self._connection.execute("SELECT count(*) FROM closing").fetchone()[0]
        if stored != self._borne_out:
            what = f"holds {stored} rows, of which the entries bear out {self._borne_out}"
            self._fault("table `closing`", what, None)

    def _find(self, decision: bytes, before: int) -> int | None:
        index = self._open.pop(decision, None)
        if index is None:
            found = find_entry(self._connection, decision, before)
            index = None if found is None else found.idx
        return index
