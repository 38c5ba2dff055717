"""Decides what of a journal goes into the log, and says so when something is not as it should be.

Nothing is dropped. An entry whose MAC does not hold, or before which others are missing, is kept
and flagged; what cannot even be an entry is kept as damaged bytes. Each time the log itself gets an
entry of kind `system` about it, so that the finding is as durable as the rest, and the operational
log an alarm.
"""

import hashlib
import re
import time
from dataclasses import dataclass, field
from itertools import compress, repeat
from operator import itemgetter
from typing import Any, cast

import orjson

from gateway.audit.batch import (
    CODE_DUPLICATE,
    CODE_GAP,
    CODE_GIVEN_UP,
    CODE_MAC,
    CODE_UNREADABLE,
    Batch,
    Row,
)
from gateway.audit.body_runs import RUN_BODIES, UNREADABLE, BodyRun, read_run
from gateway.audit.bundles import FLAG_MAC, FLAG_SEQUENCE, KEPT
from gateway.audit.closings import closed_by
from gateway.audit.columns import (
    KIND_CODES,
    OUTCOME_CODES,
    PHASE_CODES,
    EnvelopeColumns,
    clear_columns,
)
from gateway.audit.entry import JsonValue, Kind, Outcome, Phase
from gateway.audit.journal_tail import Damage
from gateway.audit.keyed_hash import KeyedHash
from gateway.audit.log_store import DamagedPiece, JournalPosition, LogStore
from gateway.audit.merkle import leaf_hash
from gateway.audit.sealing import (
    CLOSE_BODY,
    ENTRY_BODY,
    HEADER,
    MAC_MESSAGE,
    MARK,
    START_BODY,
)
from gateway.keys import KeyRing

# Codes of kind, phase and outcome of an entry that a result must close: a permitted access.
_AWAITS_RESULT = (
    KIND_CODES[Kind.ACCESS],
    PHASE_CODES[Phase.DECISION],
    OUTCOME_CODES[Outcome.PERMIT],
)
_RESULT = PHASE_CODES[Phase.RESULT]
_RELOAD_SECONDS = 1.0
_HEADER_BYTES = HEADER.size
_MARK_BYTES = 1 + MARK.size
_MAX_INTEGER = 2**63
# What a forged envelope must hold, where it says it at all.
_TEXTS = (
    "id", "corr", "reference", "op", "code", "organisation", "vetting", "vetting_expires", "roles",
    "function", "regime", "classification", "system", "agreement", "policy", "method", "route",
    "recipient", "writer", "prev", "kid", "kc", "ct_sha256", "fields_root", "index_root",
)  # fmt: skip
_NUMBERS = ("time", "status", "bytes_in", "bytes_out", "duration_us", "count", "wseq")
_LISTS = ("rules", "obligations", "closes", "shortened")
_ID_TEXT = re.compile("[0-9a-f]{32}")
_AN_ID = "0" * 32
_LAST_TIME = 250_000_000_000_000_000  # microseconds; some years before the last that Python knows
# A writer that never closes its visits is a fault elsewhere; it must not fill this memory.
_MAX_UNDECIDED = 100_000

_new_row = tuple.__new__
# Of columns: the id; the codes of kind, phase and outcome.
_ID, _CODES = itemgetter(0), itemgetter(slice(2, 5))


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

    @classmethod
    def from_position(cls, position: JournalPosition) -> "WriterProgress":
        """Go on where a journal was left."""
        return cls(position.writer, position.wseq, dict.fromkeys(position.undecided))


class Admission:
    """Checks journalled bodies and makes rows of them. For one thread at a time."""

    def __init__(
        self,
        key_ring: KeyRing,
        store: LogStore,
    ) -> None:
        """Start.

        Args:
            key_ring: For the MACs.
            store: The log, to find entries of before.
        """
        self._key_ring = key_ring
        self._store = store
        self._macs = [KeyedHash(key) for key in key_ring.writer_mac_keys]
        self._reloaded_at = float("-inf")
        self._columns = EnvelopeColumns()

    def admit(
        self,
        progress: WriterProgress,
        bodies: list[bytes],
        batch: Batch,
    ) -> None:
        """Add the entries of one writer to a batch, in order."""
        at = 0
        while at < len(bodies):
            if bodies[at][:1] != ENTRY_BODY:
                self._admit_mark(progress, bodies[at], batch)
                at += 1
                continue
            some = bodies[at : at + RUN_BODIES]
            run = read_run(some, progress.wseq + 1, progress.suffix, self._macs[0], self._columns)
            if run is None or not self._admit_run(run, progress, batch):
                self._admit_each(some, progress, batch)
            at += len(some)

    def _admit_run(self, run: BodyRun, progress: WriterProgress, batch: Batch) -> bool:
        """Add entries that are as they should be.

        It returns False, with nothing done, if not all are new or too many would be left open.
        """
        newest, columns = self._store.newest, run.columns
        count, undecided = len(columns), progress.undecided
        ids = [*map(_ID, columns)]
        new = {*ids}
        if not (
            len(new) == count
            and min(ids) >= newest.least_new
            and all(
                known.keys().isdisjoint(new)
                for known in (batch.places, newest.ids, newest.ids_before)
            )
            and len(undecided) + count <= _MAX_UNDECIDED
        ):
            return False
        first = batch.first + len(batch.rows)
        places = [*zip(ids, range(first, first + count), strict=True)]
        batch.places.update(places)
        batch.rows.extend(map(_new_row, repeat(Row), zip(repeat(0), run.kept, columns)))
        batch.leaves.extend(run.leaves)
        progress.wseq += count
        awaits = [*map(_AWAITS_RESULT.__eq__, map(_CODES, columns))]
        done = 0
        for place, closed in run.closed:
            undecided.update(compress(places[done:place], awaits[done:place]))
            self._close(first + place, closed, progress, batch)
            done = place
        undecided.update(compress(places[done:], awaits[done:]))
        return True

    def _admit_each(self, bodies: list[bytes], progress: WriterProgress, batch: Batch) -> None:
        """Add entries one by one, and say what is wrong with any."""
        newest = self._store.newest
        ids, ids_before, least_new = newest.ids, newest.ids_before, newest.least_new
        places, rows, leaves, undecided = batch.places, batch.rows, batch.leaves, progress.undecided
        for body in bodies:
            if body[:1] != ENTRY_BODY:
                self._admit_mark(progress, body, batch)
                continue
            try:
                row, leaf, wseq, closed = self._read(body, progress)
            except UNREADABLE:
                self._keep_unreadable(progress, body, batch)
                continue
            columns = row[2]
            if wseq == progress.wseq + 1 and not row[0]:
                progress.wseq = wseq
            else:
                row = self._note_fault(progress, row, wseq, batch)
            entry_id = columns[0]
            if (
                entry_id in places or entry_id in ids or entry_id in ids_before
                or entry_id < least_new
            ) and self._is_known(row, batch):  # fmt: skip
                continue
            index = batch.first + len(rows)
            places[entry_id] = index
            rows.append(row)
            leaves.append(leaf)
            if columns[3] == _RESULT:
                if closed:
                    self._close(index, closed, progress, batch)
            elif columns[2:5] == _AWAITS_RESULT and len(undecided) < _MAX_UNDECIDED:
                undecided[entry_id] = index

    def _read(
        self, body: bytes, progress: WriterProgress
    ) -> tuple[Row, bytes, int, tuple[bytes, ...]]:
        """Make a row of a body; return it with its leaf hash, its number, and what it closes."""
        _, mac, index_columns, length, more = HEADER.unpack_from(body)
        start = _HEADER_BYTES + length
        if start + more != len(body):
            raise ValueError(body[:1])
        envelope = body[_HEADER_BYTES:start]
        leaf = leaf_hash(envelope)
        ct_sha256 = hashlib.sha256(body[start:]).digest() if more else b""
        entry: dict[str, Any] = orjson.loads(envelope)
        wseq = entry["wseq"]
        number = wseq.to_bytes(8, "big")
        message = MAC_MESSAGE % (leaf, index_columns, number, ct_sha256, progress.suffix)
        flag = 0 if self._find_mac(message, mac) else _check_forged(entry)
        row = Row(flag, body[KEPT], clear_columns(entry))
        return row, leaf, wseq, () if flag else closed_by(entry)

    def _close(
        self, index: int, closed: tuple[bytes, ...], progress: WriterProgress, batch: Batch
    ) -> None:
        """Note which decisions an entry closes; most are this writer's and still open."""
        opened = list(map(progress.undecided.pop, closed, repeat(None)))
        if None not in opened:
            known = cast("list[int]", opened)
            if max(known, default=index) < index:
                batch.closed.append((index, tuple(known)))
                return
        decisions: list[int] = []
        for ended, at in zip(closed, opened, strict=True):
            place = batch.places.get(ended) if at is None else at
            if place is None and (found := self._store.find(ended)) is not None:
                place = found.idx
            if place is not None and place < index:
                decisions.append(place)
        if decisions:
            batch.closed.append((index, tuple(decisions)))

    def _is_known(self, row: Row, batch: Batch) -> bool:
        """Tell whether the id of an entry is in the log: the same silently, others with an alarm.

        One whose MAC did not hold hides no entry: it is only looked for by the time its id tells.
        """
        newest = self._store.newest
        place = batch.places.get(row.id)
        if place is not None:
            envelope = batch.rows[place - batch.first].envelope
        elif newest.index_of(row.id) is None and not self._store.has_older(row.id):
            return False
        elif (found := self._store.find(row.id)) is not None:
            envelope = found.envelope
        else:
            return False
        if envelope != row.envelope:
            self.keep_duplicate(row, batch)
        return True

    def _note_fault(self, progress: WriterProgress, row: Row, wseq: int, batch: Batch) -> Row:
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

    def keep_duplicate(self, row: Row, batch: Batch) -> None:
        """Keep an entry whose id another entry of the log has; its own number is then missing."""
        entry = orjson.loads(row.envelope)
        writer = str(entry.get("writer", ""))
        content = row.kept[_HEADER_BYTES - KEPT.start :]
        batch.damaged.append(
            DamagedPiece(writer=writer, segment=0, offset=0, code=CODE_DUPLICATE, content=content)
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
    """Refuse what no sealer can have written and nobody could show; return the flag for the rest.

    Else whoever can write into a journal keeps auditors from all that is listed beside it.
    """
    if not all(isinstance(entry.get(name, ""), str) for name in _TEXTS):
        raise TypeError("text")
    if not all(type(entry.get(name, 0)) is int for name in _NUMBERS):
        raise TypeError("number")
    if not all(isinstance(entry.get(name, []), list) for name in _LISTS):
        raise TypeError("list")
    if not all(0 <= entry.get(name, 0) < _MAX_INTEGER for name in _NUMBERS):
        raise ValueError("number")
    if not (entry.get("reference", "") + "0").isalnum() or not entry.get("reference", "").isascii():
        raise ValueError("reference")
    if entry["time"] >= _LAST_TIME:
        raise ValueError("time")
    if not all(_ID_TEXT.fullmatch(entry.get(name, _AN_ID)) for name in ("id", "corr")):
        raise ValueError("id")
    return FLAG_MAC
