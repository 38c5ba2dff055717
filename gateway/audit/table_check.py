"""Compares the tables by which entries are found with what the entries say.

A table that says less would hide entries from a search, though every one of them is proved.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from gateway.audit.blocks import BLOCK_ENTRIES, Block, read_blocks
from gateway.audit.bundles import FLAG_MAC, StoredEntry, log_size
from gateway.audit.closing_table import ClosingCheck
from gateway.audit.columns import ClearColumns, clear_columns
from gateway.audit.entry import Phase
from gateway.audit.persons import PART_BLOCKS, PART_ENTRIES, read_part
from gateway.audit.sealing import NO_PSEUDONYM

Fault = Callable[[str, str, int | None], None]


class TableCheck:
    """Takes entries in the order of the log, and reports what the tables say otherwise."""

    def __init__(self, connection: sqlite3.Connection, fault: Fault) -> None:
        self._connection = connection
        self._fault = fault
        self._closings = ClosingCheck(connection, fault)
        self._blocks: dict[int, Block] = {}
        self._number = 0
        self._columns: list[ClearColumns] = []
        self._part = 0
        self._persons: dict[bytes, int] = {}
        self._parts = 0

    def add(self, stored: StoredEntry, entry: Mapping[str, Any]) -> None:
        """Take the next entry.

        Raises:
            AttributeError, LookupError, ValueError, TypeError: It does not say what every entry
                says.
        """
        columns = clear_columns(entry)
        if stored.idx // BLOCK_ENTRIES != self._number:
            self._end_block()
            self._number = stored.idx // BLOCK_ENTRIES
        self._columns.append(columns)
        if stored.idx // PART_ENTRIES != self._part:
            self._end_part()
            self._part = stored.idx // PART_ENTRIES
        bit = 1 << self._number % PART_BLOCKS
        for pseudonym in (stored.actor, stored.subject):
            if pseudonym != NO_PSEUDONYM:
                self._persons[pseudonym] = self._persons.get(pseudonym, 0) | bit
        if entry["phase"] != Phase.RESULT or not stored.flag & FLAG_MAC:
            self._closings.add(stored.idx, entry)

    def finish(self) -> None:
        """Check that the tables say no more than that."""
        self._end_block()
        if log_size(self._connection) >= PART_ENTRIES * (self._part + 1):
            self._end_part()
        self._closings.finish()
        stored = read_blocks(self._connection)
        for number in sorted(stored.keys() | self._blocks.keys()):
            if stored.get(number) != self._blocks.get(number):
                what = "times, outcomes or references are not those of its entries"
                self._fault(f"block {number}", what, None)
        parts = self._connection.execute("SELECT count(DISTINCT part) FROM person").fetchone()[0]
        if parts != self._parts:
            what = f"speaks of {parts} parts, of which the entries bear out {self._parts}"
            self._fault("table `person`", what, None)

    def _end_block(self) -> None:
        if self._columns:
            self._blocks[self._number] = Block.of(self._columns)
        self._columns.clear()

    def _end_part(self) -> None:
        self._parts += bool(self._persons)
        if read_part(self._connection, self._part) != self._persons:
            what = "table `person` does not say where its persons are"
            self._fault(f"part {self._part}", what, None)
        self._persons.clear()
