"""Puts journalled entries into the one order of the log, grows the tree, signs its head.

One step, in this order: (1) read the journals; (2) one durable transaction with the entries, their
indexes, how far each journal was read, and the checkpoint before; (3) remove drained segments;
(4) tiles; (5) a signed checkpoint, as the file. Where much waits, (1) to (3) are done several times
before (4), each with as much as memory is meant for. Killed between any two, the next start goes
on: the order is durable before a tile is written, and tiles depend on the order alone.

INVARIANT: a checkpoint is signed only if the tree extends the last one signed. After a start that
is proved from the tiles; a log that was rolled back or changed stops, loudly, and is not signed.
"""

import errno
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog

from gateway.audit.admission import Admission, WriterProgress
from gateway.audit.batch import CODE_VANISHED, Batch
from gateway.audit.checkpoint import Checkpoint, sign_checkpoint
from gateway.audit.disk import Disk
from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase
from gateway.audit.errors import SequencerBusyError, SequencerError
from gateway.audit.journal import unique_writer
from gateway.audit.journal_tail import JournalTail, Portion, remove_stillborn, writers_in
from gateway.audit.log_recovery import recover_tree
from gateway.audit.log_store import (
    CHECKPOINT_FILE,
    LOG_FOLDER,
    JournalPosition,
    LogStore,
)
from gateway.audit.recorder import JOURNAL_FOLDER
from gateway.audit.sealing import Sealed, Sealer
from gateway.keys import KeyRing

_LOCK_FILE = "sequencer.lock"
_CODE_DIED = "process-died"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PAUSE_SECONDS = 1.0
# What is read at a time, of all journals: memory grows by some four times as much. Reading less
# each time would cost more, as would sealing each time: by far the most of a step's own cost.
_TAKEN_BYTES = 2 << 20
_SEALED_TOGETHER = 8192
_BUSY = 750  # entries of one look that make the next one later; one with fewer is over in 30 ms

_log = structlog.get_logger("sequencer")


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencerTimes:
    """How often things happen.

    Attributes:
        tick_seconds: Longest pause between two looks at the journals.
        busy_tick_seconds: The same while many entries come. Each look costs several milliseconds
            besides its entries, so fewer cost less; and an entry is sealed within a second even so.
        heartbeat: How often an entry shows that silence is silence.
    """

    tick_seconds: float = 0.25
    busy_tick_seconds: float = 0.5
    heartbeat: timedelta = timedelta(minutes=15)


@dataclass(slots=True)
class _Source:
    """A writer being drained."""

    tail: JournalTail
    progress: WriterProgress


class Sequencer:
    """The single leader of a log. For one thread at a time."""

    def __init__(
        self,
        *,
        directory: Path,
        key_ring: KeyRing,
        origin: str,
        clock: Callable[[], datetime],
        times: SequencerTimes | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Take the lead, and prove that the log extends what was last signed.

        Args:
            directory: The directory of the record (`record.directory`).
            key_ring: For MACs, the log's signature and the sequencer's own entries.
            origin: The name of the log, as in its checkpoints.
            clock: Gives the present instant, aware.
            times: How often things happen.
            disk: The file operations; tests make them fail.

        Raises:
            SequencerBusyError: Another sequencer leads.
            LogForkedError: The log does not extend its last signed checkpoint.
        """
        self._journal_directory = directory / JOURNAL_FOLDER
        self._directory = directory / LOG_FOLDER
        self._key_ring = key_ring
        self._origin = origin
        self._clock = clock
        self._times = times or SequencerTimes()
        self._disk = disk or Disk()
        self._disk.make_directory(self._directory)
        self._lock = _take_lead(self._directory)
        try:
            self._store = LogStore(self._directory)
            self._admission = Admission(key_ring, self._store)
            self._own = WriterProgress(unique_writer("sequencer"))
            self._sealer = Sealer(key_ring, self._own.writer)
            self._sources: dict[str, _Source] = {}
            self._heartbeat_due: datetime | None = None
            self._tree, self._signed_size = recover_tree(
                self._store, self._directory, self._disk, key_ring.log_signing, origin
            )
            self._vanished: list[JournalPosition] = []
            # The head in the file that the table does not have yet: minute, size, note.
            self._unsaved_head: tuple[int, int, str] | None = None
            self._opening: list[EntryDraft] = self._note_vanished_journals()
            self._more = False
            remove_stillborn(self._journal_directory)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def size(self) -> int:
        """Number of entries in the log."""
        return self._tree.size

    @property
    def sealed_size(self) -> int:
        """Number of entries under the last signed checkpoint."""
        return self._signed_size

    def close(self) -> None:
        """Give up the lead."""
        for source in self._sources.values():
            source.tail.close()
        self._store.close()
        os.close(self._lock)

    def run(self, stop: threading.Event) -> None:
        """Sequence until told to stop; then what is left, so that nothing recorded stays unsealed.

        A full disk or a locked file makes it wait and try again; any other failure ends it.

        Raises:
            SequencerError: It must not go on.
        """
        times = self._times
        while True:
            stopping = stop.is_set()
            began = time.monotonic()
            try:
                added = self.step()
                more = added > 0 and self._more
                tick_seconds = times.tick_seconds if added < _BUSY else times.busy_tick_seconds
            except (OSError, sqlite3.Error) as error:
                if not _may_pass(error):
                    raise SequencerError(f"sequencer: the disk failed: {error}") from error
                _log.error("log-not-written", detail=str(error))
                more, tick_seconds = False, times.tick_seconds
                stop.wait(_PAUSE_SECONDS)
            if stopping and not more:
                return
            if not more:
                stop.wait(max(0.005, tick_seconds - (time.monotonic() - began)))

    def step(self) -> int:
        """Take in what the journals hold now, and sign; return how many entries were added.

        Raises:
            OSError, sqlite3.Error: The disk failed or is full; nothing is lost, call again.
            TileError: A tile is there already with other content: two histories.
        """
        at, size = self._clock(), self._tree.size
        try:
            while self._take_in(at) and self._more and self._tree.size - size < _SEALED_TOGETHER:
                pass
        finally:  # also what was taken in before something failed
            if self._tree.size != self._signed_size:
                self._seal(at)
        return self._tree.size - size

    def _take_in(self, at: datetime) -> int:
        """Take in some of what the journals hold; return how many entries were added."""
        before = self._sealer.position, self._own.wseq
        batch = Batch(first=self._tree.size, at_us=_microseconds(at))
        try:
            portions = self._collect(batch)
            self._add_own_entries(batch, at)
            if portions or batch.rows or self._unsaved_head:
                self._commit(batch, portions)
        except BaseException:
            # The journals are where they were; so must be everything in memory.
            self._sealer.restore(before[0])
            self._own.wseq = before[1]
            self._close_sources()
            raise
        # From here on the entries are in the log, whatever fails after.
        for writer, portion in portions.items():
            self._sources[writer].tail.advance(portion)
        self._tree.extend(batch.leaves)
        self._opening.clear()
        self._vanished.clear()
        self._unsaved_head = None
        self._heartbeat_due = self._heartbeat_due or at + self._times.heartbeat
        if at >= self._heartbeat_due:
            self._heartbeat_due = at + self._times.heartbeat
        self._discard(portions)
        return len(batch.rows)

    # Step 1: what the journals hold.

    def _collect(self, batch: Batch) -> dict[str, Portion]:
        portions: dict[str, Portion] = {}
        self._more = False
        writers = writers_in(self._journal_directory)
        share = max(1, _TAKEN_BYTES // max(1, len(writers)))
        for writer in writers:
            source = self._sources.get(writer) or self._open_source(writer)
            if source is None:
                continue
            portion = source.tail.read(share)
            self._more = self._more or portion.more
            if not (portion.bodies or portion.damages or portion.finished):
                if (portion.segment, portion.offset) != (source.tail.segment, source.tail.offset):
                    portions[writer] = portion
                continue
            self._admission.admit(source.progress, portion.bodies, batch)
            for damage in portion.damages:
                self._admission.keep_damage(source.progress, damage, batch)
            if portion.finished:
                self._close_visits(source.progress, batch)
            portions[writer] = portion
        return portions

    def _open_source(self, writer: str) -> _Source | None:
        position = self._store.journal(writer) or JournalPosition(writer=writer)
        tail = JournalTail(
            self._journal_directory, writer, segment=position.segment, offset=position.offset
        )
        if position.closed:
            # Drained before a crash, and not yet removed.
            tail.remove()
            return None
        source = _Source(tail, WriterProgress.from_position(position))
        self._sources[writer] = source
        return source

    def _close_visits(self, progress: WriterProgress, batch: Batch) -> None:
        """Close what a dead writer permitted and never closed: nobody knows how it ended."""
        for entry_id in progress.undecided:
            envelope = self._envelope_of(entry_id, batch)
            if envelope is not None:
                batch.notes.append(_unknown_result(orjson.loads(envelope), batch.at_us))
        progress.undecided.clear()

    def _envelope_of(self, entry_id: bytes, batch: Batch) -> bytes | None:
        place = batch.places.get(entry_id)
        if place is not None:
            return batch.rows[place - batch.first].envelope
        stored = self._store.find(entry_id)
        return None if stored is None else stored.envelope

    def _note_vanished_journals(self) -> list[EntryDraft]:
        """Find journals that were taken away before they were drained."""
        present = set(writers_in(self._journal_directory))
        batch = Batch(first=0, at_us=_microseconds(self._clock()))
        for position in self._store.open_journals():
            if position.writer in present:
                continue
            batch.note(CODE_VANISHED, position.writer, **{"from": position.wseq + 1})
            self._close_visits(WriterProgress.from_position(position), batch)
            self._vanished.append(replace(position, closed=True, undecided=()))
        return batch.notes

    def _add_own_entries(self, batch: Batch, at: datetime) -> None:
        drafts = [*self._opening, *batch.notes]
        if self._heartbeat_due is None:
            drafts.append(_own_entry(Kind.SYSTEM, "sequencer-started", batch.at_us))
        elif at >= self._heartbeat_due:
            drafts.append(_own_entry(Kind.HEARTBEAT, "", batch.at_us))
        batch.notes = []
        sealed = self._sealer.seal_all(drafts)
        bodies = [item.body for item in sealed if isinstance(item, Sealed)]
        self._admission.admit(self._own, bodies, batch)

    # Step 2: one durable transaction.

    def _commit(self, batch: Batch, portions: dict[str, Portion]) -> None:
        with self._store.transaction():
            if batch.rows:
                flags, kept, columns = zip(*batch.rows, strict=True)
                self._store.add(bytes(flags), kept, columns)
                self._store.note_closed(batch.closed)
            for piece in batch.damaged:
                self._store.keep_damaged(piece)
            for position in self._vanished:
                self._store.save_journal(position)
            if self._unsaved_head is not None:
                minute, size, note = self._unsaved_head
                self._store.save_checkpoint(minute=minute, size=size, note=note)
            for writer, portion in portions.items():
                progress = self._sources[writer].progress
                self._store.save_journal(
                    JournalPosition(
                        writer=writer,
                        segment=portion.segment,
                        offset=portion.offset,
                        wseq=progress.wseq,
                        closed=portion.finished,
                        undecided=tuple(progress.undecided),
                    )
                )

    # Steps 3 to 5.

    def _discard(self, portions: dict[str, Portion]) -> None:
        for writer, portion in portions.items():
            source = self._sources[writer]
            source.tail.discard()
            if portion.finished:
                source.tail.remove()
                del self._sources[writer]

    def _seal(self, at: datetime) -> None:
        self._tree.write()
        signing = self._key_ring.log_signing
        head = Checkpoint(origin=self._origin, size=self._tree.size, root=self._tree.root())
        note = sign_checkpoint(head, signing.private)
        self._disk.replace_file(self._directory / CHECKPOINT_FILE, note.encode())
        self._signed_size = head.size
        self._unsaved_head = _microseconds(at) // 60_000_000, head.size, note

    def _close_sources(self) -> None:
        for source in self._sources.values():
            source.tail.close()
        self._sources.clear()


def _take_lead(directory: Path) -> int:
    handle = os.open(directory / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SequencerBusyError(f"sequencer: another one leads the log in `{directory}`") from None
    return handle


def _unknown_result(decision: Mapping[str, Any], at_us: int) -> EntryDraft:
    return EntryDraft(
        kind=Kind.ACCESS,
        at_us=at_us,
        phase=Phase.RESULT,
        outcome=Outcome.UNKNOWN,
        code=_CODE_DIED,
        reference=decision.get("reference", ""),
        corr=bytes.fromhex(decision["id"]),
        organisation=decision.get("organisation", ""),
        function=decision.get("function", ""),
    )


def _own_entry(kind: Kind, code: str, at_us: int) -> EntryDraft:
    return EntryDraft(kind=kind, at_us=at_us, outcome=Outcome.PERMIT, code=code)


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _may_pass(error: Exception) -> bool:
    """Tell whether trying again can help: the disk is full, or somebody else locks the file."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR)
    return code & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
