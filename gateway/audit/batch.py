"""What one step of the sequencer adds to the log, before it is stored."""

from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from gateway.audit.bundles import envelope_of
from gateway.audit.closing_table import Closed
from gateway.audit.columns import ClearColumns
from gateway.audit.entry import EntryDraft, JsonValue, Kind, Outcome
from gateway.audit.log_store import DamagedPiece

CODE_MAC = "mac-mismatch"
CODE_GAP = "sequence-gap"
CODE_GIVEN_UP = "entries-given-up"
CODE_UNREADABLE = "unreadable-entry"
CODE_DUPLICATE = "duplicate-id"
CODE_VANISHED = "journal-vanished"
NOTE_SYSTEM = "journal"

_log = structlog.get_logger("sequencer")


class Row(NamedTuple):
    """An entry on its way into the log: what is kept of it, and what it says."""

    flag: int
    kept: bytes
    columns: ClearColumns

    @property
    def id(self) -> bytes:
        """Its id."""
        return self.columns[0]

    @property
    def envelope(self) -> bytes:
        """Its envelope, out of what is kept."""
        return envelope_of(self.kept)


@dataclass(slots=True)
class Batch:
    """What one step of the sequencer adds to the log.

    Attributes:
        first: Index of the first row.
        at_us: The instant of the step, for its own entries.
        rows: The entries in order of their index.
        leaves: Their leaf hashes.
        places: Their ids, with their index.
        closed: Index of each entry that closes decisions, and theirs.
        damaged: What could not become an entry.
        notes: Entries about what was found, still to be sealed and admitted.
    """

    first: int
    at_us: int
    rows: list[Row] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)
    closed: list[Closed] = field(default_factory=list)
    damaged: list[DamagedPiece] = field(default_factory=list)
    notes: list[EntryDraft] = field(default_factory=list)

    def note(self, code: str, writer: str, **facts: JsonValue) -> None:
        """Say in the log, and to the operators, what was found in a journal."""
        outcome = Outcome.PERMIT if code == CODE_GIVEN_UP else Outcome.ERROR
        self.notes.append(
            EntryDraft(
                kind=Kind.SYSTEM,
                at_us=self.at_us,
                outcome=outcome,
                system=NOTE_SYSTEM,
                code=code,
                inputs={"writer": writer, **facts},
            )
        )
        log = _log.warning if outcome is Outcome.PERMIT else _log.error
        log("journal-alarm", code=code, writer=writer, sequence=facts.get("from"))
