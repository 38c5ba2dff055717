"""How visits ended: which entry closes which decision.

Most visits end as they were permitted, and nothing is to be said of that but five numbers. Such
outcomes are written many in one entry, under `closes`: for each the id of the decision, when, the
status, bytes out and in, and microseconds. Whatever ended otherwise has an entry of its own, which
names its decision as `corr`.

The table `closing` says for each decision which entry was the first to close it, so that it is
found from there. An entry whose MAC did not hold closes nothing.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from gateway.audit.entry import Closing, EntryDraft, Kind, Outcome, Phase

MOST_CLOSINGS: Final = 96  # in one entry: with the longest numbers it stays below the limit
CLOSING_TABLE: Final = """CREATE TABLE closing (
    decision INTEGER PRIMARY KEY,
    result INTEGER NOT NULL
) STRICT"""
_FIELDS: Final = ("corr", "time", "status", "bytes_out", "bytes_in", "duration_us")
_ID_CHARACTERS: Final = 32
# Of several results the first counts, and none comes before its decision.
_INSERT: Final = "INSERT OR IGNORE INTO closing VALUES (?, ?)"
_INSERT_BY_ID: Final = (
    "INSERT INTO closing SELECT idx, ?1 FROM entry WHERE id = ?2 AND idx < ?1"
    " ON CONFLICT (decision) DO UPDATE SET result = min(result, excluded.result)"
)


class Outcomes:
    """Visits that ended as permitted, until they are written many in one entry.

    One thread adds, another takes.
    """

    def __init__(self, patience_seconds: float) -> None:
        """Start with none.

        Args:
            patience_seconds: How long one may lie where there are few.
        """
        self._patience_seconds = patience_seconds
        self._ended: deque[Closing] = deque()
        self._due = 0.0
        self.add: Callable[[Closing], None] = self._ended.append

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._ended)

    def take(self, now: float, *, everything: bool) -> Iterator[EntryDraft]:
        """Draft entries for as many as fill one, or for all where it is time.

        Args:
            now: On the monotonic clock.
            everything: Whether to wait for no more.
        """
        ended = self._ended
        while ended and (len(ended) >= MOST_CLOSINGS or everything or now >= self._due):
            count = min(len(ended), MOST_CLOSINGS)
            yield closing_draft(tuple(ended.popleft() for _ in range(count)))
            if not ended or count < MOST_CLOSINGS:
                self._due = now + self._patience_seconds


def closing_draft(closings: tuple[Closing, ...]) -> EntryDraft:
    """Draft the entry that closes visits, at the instant at which the last of them ended."""
    return EntryDraft(
        kind=Kind.ACCESS,
        at_us=closings[-1][1],
        phase=Phase.RESULT,
        outcome=Outcome.PERMIT,
        closes=closings,
    )


def closed_by(entry: Mapping[str, Any]) -> tuple[bytes, ...]:
    """List the ids of the decisions that a parsed envelope closes.

    Raises:
        LookupError, ValueError, TypeError: It does not say it as every entry does.
    """
    if "closes" in entry:
        ids = dict.fromkeys(str(each[0]) for each in entry["closes"])
    else:
        ids = dict.fromkeys((entry["corr"],) if "corr" in entry else ())
    if any(len(each) != _ID_CHARACTERS for each in ids):
        raise ValueError("closes")
    return tuple(bytes.fromhex(each) for each in ids)


def as_result(entry: Mapping[str, Any], decision: bytes) -> dict[str, Any]:
    """Give what an envelope says of one decision it closes, as an envelope for that alone."""
    alone = {name: value for name, value in entry.items() if name != "closes"}
    for each in entry.get("closes", ()):
        if each[0] == decision.hex():
            alone.update(zip(_FIELDS, each, strict=True))
    return alone


def save_closings(
    connection: sqlite3.Connection,
    closed: Iterable[tuple[int, int]],
    closed_ids: Iterable[tuple[int, bytes]],
) -> None:
    """Note which entries close which decisions, inside a transaction.

    Args:
        connection: Of the log, with all these entries in it.
        closed: Index of a decision, and of the entry that closes it; each decision once.
        closed_ids: Index of an entry, id of a decision.
    """
    connection.executemany(_INSERT, closed)
    connection.executemany(_INSERT_BY_ID, closed_ids)


def find_result(connection: sqlite3.Connection, decision: int) -> tuple[Any, ...] | None:
    """Find the row of the entry that closed the one at an index."""
    found: tuple[Any, ...] | None = connection.execute(
        "SELECT entry.* FROM closing JOIN entry ON idx = result WHERE decision = ?", (decision,)
    ).fetchone()
    return found


class ClosingCheck:
    """Compares the table `closing` with what the entries say, taken in the order of the log."""

    def __init__(
        self, connection: sqlite3.Connection, fault: Callable[[str, str, int | None], None]
    ) -> None:
        self._connection = connection
        self._fault = fault
        self._borne_out = 0

    def add(self, index: int, entry: Mapping[str, Any]) -> None:
        """Check what one result closes.

        Raises:
            LookupError, ValueError, TypeError: It does not say it as every entry does.
        """
        for decision in closed_by(entry):
            found = self._connection.execute(
                "SELECT idx, result FROM entry LEFT JOIN closing ON decision = idx"
                " WHERE id = ? AND idx < ?",
                (decision, index),
            ).fetchone()
            if found is None:
                continue
            opened, stored = found
            if stored == index:
                self._borne_out += 1
            elif stored is None or stored > index:
                what = f"table `closing` does not say that it closes entry {opened}"
                self._fault(f"entry {index}", what, index)

    def finish(self) -> None:
        """Check that the table says no more than that."""
        stored = self._connection.execute("SELECT count(*) FROM closing").fetchone()[0]
        if stored != self._borne_out:
            what = f"holds {stored} rows, of which the entries bear out {self._borne_out}"
            self._fault("table `closing`", what, None)
