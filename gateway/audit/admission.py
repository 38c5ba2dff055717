"""Decides what of a journal goes into the log, and says so when something is not as it should be.

Nothing is dropped. An entry whose MAC does not hold, or before which others are missing, is kept
and flagged; what cannot even be an entry is kept as damaged bytes. Each time the log itself gets an
entry of kind `system` about it, so that the finding is as durable as the rest, and the operational
log an alarm.
"""

import hashlib
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from gateway.audit.closings import closed_by
from gateway.audit.columns import KIND_CODES, OUTCOME_CODES, PHASE_CODES, EnvelopeColumns
from gateway.audit.entry import EntryDraft, JsonValue, Kind, Outcome, Phase
from gateway.audit.journal_tail import Damage
from gateway.audit.keyed_hash import KeyedHash
from gateway.audit.log_store import FLAG_MAC, FLAG_SEQUENCE, DamagedPiece, EntryRow, JournalPosition
from gateway.audit.merkle import leaf_hash
from gateway.audit.sealing import (
    CLOSE_BODY,
    ENTRY_BODY,
    HEADER,
    MARK,
    NO_PSEUDONYM,
    START_BODY,
    mac_message,
)
from gateway.keys import KeyRing

CODE_MAC = "mac-mismatch"
CODE_GAP = "sequence-gap"
CODE_GIVEN_UP = "entries-given-up"
CODE_UNREADABLE = "unreadable-entry"
CODE_DUPLICATE = "duplicate-id"
CODE_VANISHED = "journal-vanished"
NOTE_SYSTEM = "journal"

# Codes of kind, phase and outcome of an entry that a result must close: a permitted access.
_AWAITS_RESULT = (
    KIND_CODES[Kind.ACCESS],
    PHASE_CODES[Phase.DECISION],
    OUTCOME_CODES[Outcome.PERMIT],
)
_RESULT = PHASE_CODES[Phase.RESULT]
_RELOAD_SECONDS = 1.0
_ID_BYTES = 16
_HEADER_BYTES = HEADER.size
_MARK_BYTES = 1 + MARK.size
_MAX_INTEGER = 2**63
# A writer that never closes its visits is a fault elsewhere; it must not fill this memory.
_MAX_UNDECIDED = 100_000

_new_row = tuple.__new__

# What reading a body can raise that somebody has meddled with; ours raise none.
_UNREADABLE = (
    struct.error,
    AttributeError,
    LookupError,
    OverflowError,
    TypeError,
    ValueError,
)

_log = structlog.get_logger("sequencer")


@dataclass(slots=True)
class WriterProgress:
    """How far one writer's entries have been admitted.

    Attributes:
        writer: Its name.
        wseq: Number of its last entry.
        undecided: Ids of its decisions that nothing has closed yet, in order, with their index in
            the log; None where that must be looked up.
        suffix: What its MACs end with.
    """

    writer: str
    wseq: int = 0
    undecided: dict[bytes, int | None] = field(default_factory=dict)
    suffix: bytes = b""

    def __post_init__(self) -> None:
        self.suffix = self.writer.encode()

    def forget_places(self, first: int) -> None:
        """Forget at which index decisions are from `first` on; it will be looked up."""
        for entry_id, index in self.undecided.items():
            if index is not None and index >= first:
                self.undecided[entry_id] = None

    @classmethod
    def from_position(cls, position: JournalPosition) -> "WriterProgress":
        """Go on where a journal was left."""
        return cls(position.writer, position.wseq, dict.fromkeys(position.undecided))


@dataclass(slots=True)
class Batch:
    """What one step of the sequencer adds to the log.

    Attributes:
        first: Index of the first row.
        at_us: The instant of the step, for its own entries.
        rows: Rows in order of their index.
        leaves: Their leaf hashes.
        closed: Index of a decision, and of the result that closes it.
        closed_ids: Index of a result, and id of a decision that must be looked up.
        damaged: What could not become an entry.
        notes: Entries about what was found, still to be sealed and admitted.
    """

    first: int
    at_us: int
    rows: list[EntryRow] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    closed: list[tuple[int, int]] = field(default_factory=list)
    closed_ids: list[tuple[int, bytes]] = field(default_factory=list)
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

    def replace_rows(self, rows: Iterable[EntryRow]) -> None:
        """Keep only these rows, numbered anew."""
        kept = list(rows)
        ids = {row.idx: row.id for row in self.rows}
        moved = {row.idx: self.first + n for n, row in enumerate(kept)}
        self.closed_ids += [(result, ids[at]) for at, result in self.closed if at in ids]
        self.closed = [(at, moved[n]) for at, n in self.closed if at not in ids and n in moved]
        self.rows = [row._replace(idx=moved[row.idx]) for row in kept]
        self.closed_ids = [(moved[at], ended) for at, ended in self.closed_ids if at in moved]
        self.leaves = [leaf_hash(bytes(row.envelope)) for row in self.rows]


class Admission:
    """Checks journalled bodies and makes rows of them. For one thread at a time."""

    def __init__(self, key_ring: KeyRing) -> None:
        self._key_ring = key_ring
        self._macs = [KeyedHash(key) for key in key_ring.writer_mac_keys]
        self._reloaded_at = float("-inf")
        self._columns = EnvelopeColumns()
        self._leaf_hash = hashlib.sha256(b"\0")

    def admit(self, progress: WriterProgress, bodies: list[bytes], batch: Batch) -> None:
        """Add the entries of one writer to a batch, in order."""
        rows, leaves, undecided = batch.rows, batch.leaves, progress.undecided
        for body in bodies:
            if body[:1] != ENTRY_BODY:
                self._admit_mark(progress, body, batch)
                continue
            try:
                row, leaf, wseq, closed = self._read(body, batch.first + len(rows), progress)
            except _UNREADABLE:
                self._keep_unreadable(progress, body, batch)
                continue
            if wseq == progress.wseq + 1 and not row[9]:
                progress.wseq = wseq
            else:
                row = self._note_fault(progress, row, wseq, batch)
            rows.append(row)
            leaves.append(leaf)
            if row[4] == _RESULT:
                for ended in closed:
                    opened = undecided.pop(ended, None)
                    if opened is None:
                        batch.closed_ids.append((row[0], ended))
                    else:
                        batch.closed.append((opened, row[0]))
            elif row[3:6] == _AWAITS_RESULT and len(undecided) < _MAX_UNDECIDED:
                undecided[row[1]] = row[0]

    def _read(
        self, body: bytes, index: int, progress: WriterProgress
    ) -> tuple[EntryRow, bytes, int, tuple[bytes, ...]]:
        """Make a row of a body; return it with its leaf hash, its number, and what it closes."""
        mac, salt, actor, subject, length, more = HEADER.unpack_from(body)
        start = _HEADER_BYTES + length
        if start + more != len(body):
            raise ValueError(body[:1])
        envelope, ciphertext = body[_HEADER_BYTES:start], body[start:]
        hasher = self._leaf_hash.copy()
        hasher.update(envelope)
        leaf = hasher.digest()
        ct_sha256 = hashlib.sha256(ciphertext).digest() if more else b""
        pseudonyms = salt + actor + subject
        kept = (
            None if salt == NO_PSEUDONYM else bytearray(salt),
            None if actor == NO_PSEUDONYM else bytearray(actor),
            None if subject == NO_PSEUDONYM else bytearray(subject),
            bytearray(envelope),
            bytearray(ciphertext) if more else None,
        )
        wseq = progress.wseq + 1
        message = mac_message(wseq, leaf, pseudonyms, ct_sha256, progress.suffix)
        if self._macs[0].digest(message) == mac and (said := self._columns.read(envelope)):
            # The MAC covers the number: this is the next one, in an envelope that a sealer wrote.
            columns, closed = said
            return _new_row(EntryRow, (index, *columns, 0, *kept)), leaf, wseq, closed
        entry: dict[str, Any] = orjson.loads(envelope)
        wseq = entry["wseq"]
        message = mac_message(wseq, leaf, pseudonyms, ct_sha256, progress.suffix)
        flag = 0
        if self._macs[0].digest(message) != mac and not self._find_mac(message, mac):
            flag = _check_forged(entry)
        get = entry.get
        row = EntryRow(
            index,
            bytes.fromhex(entry["id"]),
            entry["time"],
            KIND_CODES[entry["kind"]],
            PHASE_CODES[entry["phase"]],
            OUTCOME_CODES[entry["outcome"]],
            get("reference"),
            get("organisation"),
            get("function"),
            flag,
            *kept,
        )
        return row, leaf, wseq, () if flag else closed_by(entry)

    def _note_fault(
        self, progress: WriterProgress, row: EntryRow, wseq: int, batch: Batch
    ) -> EntryRow:
        """Say what is wrong with an entry, and flag it."""
        if row.flag:
            batch.note(CODE_MAC, progress.writer, id=row.id.hex(), **{"from": wseq})
            return row
        _note_gap(batch, progress, wseq - 1, row.id.hex())
        progress.wseq = max(wseq, progress.wseq)
        return row._replace(flag=FLAG_SEQUENCE)

    def keep_damage(self, progress: WriterProgress, damage: Damage, batch: Batch) -> None:
        """Keep bytes of a journal that are no frame."""
        self._keep(progress, damage.content, batch, damage.code, damage.segment, damage.offset)

    def keep_duplicate(self, row: EntryRow, batch: Batch) -> None:
        """Keep an entry whose id another entry of the log has; its own number is then missing."""
        entry = orjson.loads(row.envelope)
        writer = str(entry.get("writer", ""))
        content = bytes(row.envelope + (row.ciphertext or b""))
        batch.damaged.append(
            DamagedPiece(
                writer=writer, segment=0, offset=0, code=CODE_DUPLICATE, content=bytes(content)
            )
        )
        digest = hashlib.sha256(content).hexdigest()
        span: dict[str, JsonValue] = {"from": entry["wseq"], "to": entry["wseq"]}
        batch.note(CODE_DUPLICATE, writer, id=row.id.hex(), sha256=digest, **span)

    def _keep_unreadable(self, progress: WriterProgress, body: bytes, batch: Batch) -> None:
        self._keep(progress, body, batch, CODE_UNREADABLE, 0, 0)

    def _keep(
        self,
        progress: WriterProgress,
        content: bytes,
        batch: Batch,
        code: str,
        segment: int,
        offset: int,
    ) -> None:
        batch.damaged.append(
            DamagedPiece(
                writer=progress.writer,
                segment=segment,
                offset=offset,
                code=code,
                content=content,
            )
        )
        digest = hashlib.sha256(content).hexdigest()
        batch.note(code, progress.writer, sha256=digest, bytes=len(content))

    def _admit_mark(self, progress: WriterProgress, body: bytes, batch: Batch) -> None:
        """Take what a writer says about itself at the start of a segment, and at its end."""
        content, mac = body[:_MARK_BYTES], body[_MARK_BYTES:]
        if body[:1] not in {START_BODY, CLOSE_BODY} or len(content) != _MARK_BYTES:
            self._keep_unreadable(progress, body, batch)
            return
        if not self._find_mac(content + progress.suffix, mac):
            batch.note(CODE_MAC, progress.writer, mark=body[0])
            return
        _, acknowledged, sealed = MARK.unpack(content[1:])
        if progress.wseq < acknowledged:
            _note_gap(batch, progress, acknowledged, None)
            progress.wseq = acknowledged
        if progress.wseq < sealed:
            # The disk was full while these were written; nobody was told they were durable.
            span: dict[str, JsonValue] = {"from": progress.wseq + 1, "to": sealed}
            batch.note(CODE_GIVEN_UP, progress.writer, **span)
            progress.wseq = sealed

    def _find_mac(self, message: bytes, mac: bytes) -> bool:
        """Tell whether any journal key made this MAC, also one made since we started."""
        if any(keyed.digest(message) == mac for keyed in self._macs):
            return True
        now = time.monotonic()
        if now - self._reloaded_at < _RELOAD_SECONDS:
            return False
        self._reloaded_at = now
        self._key_ring = KeyRing.open(self._key_ring.directory)
        self._macs = [KeyedHash(key) for key in self._key_ring.writer_mac_keys]
        return any(keyed.digest(message) == mac for keyed in self._macs)


def _note_gap(batch: Batch, progress: WriterProgress, last: int, before: str | None) -> None:
    """Say that entries up to `last` are missing before the entry `before`, or that one came twice.

    Entries of the same number twice show as a span that ends before it starts.
    """
    facts: dict[str, JsonValue] = {"from": progress.wseq + 1, "to": last}
    if before is not None:
        facts["id"] = before
    batch.note(CODE_GAP, progress.writer, **facts)


def _check_forged(entry: dict[str, Any]) -> int:
    """Refuse types that the log's columns cannot hold; return the flag for what they can."""
    for name in ("reference", "organisation", "function"):
        if not isinstance(entry.get(name, ""), str):
            raise TypeError(name)
    if type(entry["time"]) is not int or not -_MAX_INTEGER <= entry["time"] < _MAX_INTEGER:
        raise TypeError("time")
    if len(entry["id"]) != 2 * _ID_BYTES or not isinstance(entry.get("corr", ""), str):
        raise TypeError("id")
    bytes.fromhex(entry.get("corr", ""))
    return FLAG_MAC
