"""Makes entries durable: one recorder per process, one committer thread, one flush per batch.

Rules it keeps, in order: (1) `done` without an error means the entry survives a power cut;
(2) nobody waits longer than `wait_seconds`, whatever the disk does; (3) a full disk still takes
refusals, from a reserve, and what it takes recovers by itself; (4) after a failed flush or an
input/output error it never writes again, since nobody knows what the disk kept.

An entry is sealed, and so given its place, by whoever hands it over: sealing is work for the
interpreter, which one thread has at a time. What is left for the threads is the disk. The committer
writes and flushes; the preparer fills the next segment with zeros; the watchdog fails those who
waited too long, even while the committer hangs in the kernel.
"""

import asyncio
import contextlib
import queue
import threading
import time
from pathlib import Path
from typing import Literal

import structlog

from gateway.audit.closings import Outcomes
from gateway.audit.disk import Disk
from gateway.audit.entry import Closing, EntryDraft
from gateway.audit.errors import DiskFullError, JournalError, SealError
from gateway.audit.journal import FRAME, JournalWriter, frame, frame_head, unique_writer
from gateway.audit.recorder_limits import RecorderLimits
from gateway.audit.sealing import NO_LEAF, Position, Sealer
from gateway.audit.waiting import Done, Waiting, WaitingRoom, lets_happen
from gateway.errors import RecordUnavailable
from gateway.keys import KeyRing

RecorderState = Literal["ok", "reserve", "stopped"]

JOURNAL_FOLDER = "journal"
_BATCH_ENTRIES = 1_024
_WATCH_SECONDS = 0.05
# The watchdog comes by every 50 ms, so whoever is due a little later is told now.
_NOTICE_SECONDS = 2 * _WATCH_SECONDS
_RETRY_SECONDS = 0.25
# How long an outcome, which nobody waits for, may lie before it is written by itself.
_IDLE_SECONDS = 0.05

_log = structlog.get_logger("record")


class Recorder:
    """The way into the record for one process. Start it after any fork."""

    def __init__(
        self,
        *,
        directory: Path,
        key_ring: KeyRing,
        writer: str,
        limits: RecorderLimits | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Prepare; nothing is written before `start`.

        Args:
            directory: The directory of the record (`record.directory`).
            key_ring: For sealing.
            writer: What this process is (`worker`, `cli`); made unique with host, pid and chance.
            limits: Sizes and times; the defaults suit production.
            disk: The file operations; tests make them fail.
        """
        self.writer = unique_writer(writer)
        self._journal_directory = directory / JOURNAL_FOLDER
        self._limits = limits or RecorderLimits()
        self._disk = disk or Disk()
        self._sealer = Sealer(key_ring, self.writer)
        self._journal: JournalWriter | None = None
        self._state: RecorderState = "ok"
        self._room = WaitingRoom()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._signalled = False
        self._closing = False
        self._closed = threading.Event()
        self._prepare = threading.Event()
        self._start_frame = b""
        self._acknowledged = 0
        # The last entry written or given up; what follows it is still to come.
        self._reached = Position(wseq=0, leaf=NO_LEAF)
        self._retry_at = 0.0
        # Held from the seal of an entry until it stands in `pending`: both follow one order.
        self._sealing = threading.Lock()
        self._wake_planned = False
        self._outcomes = Outcomes(_IDLE_SECONDS)
        self._threads: list[threading.Thread] = []

    @property
    def state(self) -> RecorderState:
        """`ok`; `reserve`: disk full, only refusals are taken; `stopped`: never again."""
        return self._state

    @property
    def lost(self) -> int:
        """How many queued entries could not be made durable."""
        return self._room.lost

    def start(self) -> None:
        """Open the journal and start the threads; a full disk starts in the state `reserve`.

        Raises:
            JournalError: The journal directory cannot be made.
        """
        sizes = self._limits.sizes
        self._journal = JournalWriter(self._journal_directory, self.writer, sizes, self._disk)
        try:
            self._guarded_rotation(self._journal, ())
        except OSError as error:
            raise JournalError(
                f"journal: the disk failed at the start: {error.strerror}"
            ) from error
        for work in (self._commit_forever, self._prepare_forever, self._watch_forever):
            thread = threading.Thread(target=work, name=f"record{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Write what waits, mark the journal closed, end the threads.

        A disk that hangs is left to itself after the time-out, and those who wait are told.
        """
        if not self._threads:
            return
        self._closing = True
        self._wake.put(None)
        committer, *others = self._threads
        committer.join(timeout_seconds)
        self._closed.set()
        self._prepare.set()
        for thread in others:
            thread.join(timeout_seconds)
        self._threads.clear()
        self._room.settle(tuple(self._room.pending), "the record is closed")
        if self._journal is not None and not any(t.is_alive() for t in (committer, *others)):
            self._journal.close()

    def record(self, draft: EntryDraft, done: Done) -> None:
        """Make durable.

        `done(None)` comes from the committer thread; `done(RecordUnavailable)` from any, within
        `wait_seconds`, also from this call itself. After a time-out the entry may still appear in
        the log: then whoever drafted it has refused what the log says was decided, never the
        reverse.
        """
        due = time.monotonic() + self._limits.wait_seconds - _NOTICE_SECONDS
        self._hand_over(Waiting(draft, due=due, done=done))
        self._wake_committer()

    def record_async(self, draft: EntryDraft) -> "asyncio.Future[None]":
        """Make durable; the future of the running loop fails with RecordUnavailable."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        due = time.monotonic() + self._limits.wait_seconds - _NOTICE_SECONDS
        self._hand_over(Waiting(draft, due=due, future=future))
        if not self._wake_planned:
            # Once for all that this turn of the loop hands over.
            self._wake_planned = True
            loop.call_soon(self._wake_as_planned)
        return future

    def record_and_wait(self, draft: EntryDraft, timeout_seconds: float = 2.0) -> None:
        """Make durable and block until it is; for page threads and the command line.

        Raises:
            RecordUnavailable: It is not, or not known to be within the time.
        """
        outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self.record(draft, outcome.put)
        try:
            error = outcome.get(timeout=timeout_seconds)
        except queue.Empty:
            raise RecordUnavailable("record: the disk did not answer in time") from None
        if error is not None:
            raise error

    def queue(self, draft: EntryDraft) -> None:
        """Hand over without waiting; a failure is only counted and logged.

        It wakes nobody: it is written with the next entry somebody waits for, or within
        `_IDLE_SECONDS`.
        """
        self._hand_over(Waiting(draft))

    def close_visit(self, outcome: Closing) -> None:
        """Hand over how a visit ended that ended as permitted; it is not waited for.

        Many share one entry, which is written within about `_IDLE_SECONDS`.
        """
        self._outcomes.add(outcome)

    def _hand_over(self, waiting: Waiting) -> None:
        """Seal an entry and put it in its place, or tell at once why not."""
        failure = self._refusal(waiting.draft)
        if failure is None:
            self._place(waiting)
        else:
            self._room.settle((waiting,), failure)

    def _place(self, waiting: Waiting) -> None:
        try:
            with self._sealing:
                waiting.sealed = self._sealer.seal_next(waiting.draft)
                self._room.pending.append(waiting)
        except SealError as error:
            self._room.settle((waiting,), str(error))

    def _refusal(self, draft: EntryDraft) -> str | None:
        if self._closing or not self._threads:
            return "the record is not open"
        if self._state == "stopped":
            return "the record has stopped after a disk error"
        if len(self._room.pending) >= self._limits.queue_entries:
            return "too many entries wait for the disk"
        if self._state == "reserve" and lets_happen(draft):
            return "the disk is full"
        return None

    def _wake_as_planned(self) -> None:
        self._wake_planned = False
        self._wake_committer()

    def _wake_committer(self) -> None:
        # The committer clears the flag before it drains, so no entry is left asleep.
        if not self._signalled:
            self._signalled = True
            self._wake.put(None)

    # The committer thread.

    def _commit_forever(self) -> None:
        while not (self._closing and not self._room.pending and not self._outcomes):
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=_IDLE_SECONDS)
            self._signalled = False
            for draft in self._outcomes.take(time.monotonic(), everything=self._closing):
                self._place(Waiting(draft))
            while self._room.pending:
                pending = self._room.pending
                count = min(len(pending), _BATCH_ENTRIES)
                self._room.in_flight = tuple(pending.popleft() for _ in range(count))
                self._commit(self._room.in_flight)
                self._room.in_flight = ()
            if self._state == "reserve":
                self._recover()
        self._write_closing_frame()

    def _commit(self, batch: tuple[Waiting, ...]) -> None:
        """Write a batch; every one of it is settled on return, whatever happens."""
        journal = self._journal
        try:
            while batch and journal is not None and self._state != "stopped":
                batch = self._commit_some(journal, batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is on disk is uncertain
            self._stop(error)
        self._room.settle(batch, "the record has stopped after a disk error")

    def _commit_some(
        self, journal: JournalWriter, batch: tuple[Waiting, ...]
    ) -> tuple[Waiting, ...]:
        """Write what fits the current segment, and return the rest after turning to the next."""
        full = self._state == "reserve" and not self._recover()
        if full and any(lets_happen(waiting.draft) for waiting in batch):
            self._reseal_without_permits(batch)
            return ()
        count, content = self._fitting(batch, journal.room())
        rest = batch[count:]
        if count:
            written = batch[:count]
            self._reached = written[-1].placed.position
            try:
                journal.append(self._start_frame + content)
            except DiskFullError:
                # The numbers of this batch are never used again: the sequencer may have seen them.
                self._room.settle(written, "the disk is full")
                return rest if self._guarded_rotation(journal, rest) else ()
            self._start_frame = b""
            self._acknowledged = self._reached.wseq
            self._room.settle(written, None)
        if not rest:
            return ()
        return rest if self._guarded_rotation(journal, rest) else ()

    def _fitting(self, batch: tuple[Waiting, ...], room: int) -> tuple[int, bytes]:
        """Take the longest start of a batch that fits; return its count and its frames."""
        pieces: list[bytes] = []
        room -= len(self._start_frame)
        for count, waiting in enumerate(batch):
            body = waiting.placed.body
            room -= FRAME.size + len(body)
            if room < 0:
                return count, b"".join(pieces)
            pieces += (frame_head(body), body)
        return len(batch), b"".join(pieces)

    def _reseal_without_permits(self, batch: tuple[Waiting, ...]) -> None:
        """On a full disk: refuse the permits that came before it was known, keep the refusals.

        What is kept gets new numbers, so that the journal has no gap where the permits were.
        """
        with self._sealing:
            waiting = (*batch, *self._room.pending)
            self._room.pending.clear()
            self._sealer.restore(self._reached)
            refused = []
            for each in waiting:
                if lets_happen(each.draft):
                    refused.append(each)
                    continue
                try:
                    each.sealed = self._sealer.seal_next(each.draft)
                except SealError:
                    refused.append(each)
                else:
                    self._room.pending.append(each)
        self._room.settle(refused, "the disk is full")

    def _guarded_rotation(self, journal: JournalWriter, waiting: tuple[Waiting, ...]) -> bool:
        """Turn to the next segment, or to the reserve; without either, fail those who wait."""
        try:
            journal.keep_reserve()
            journal.next_segment(use_reserve=False)
            self._enter("ok")
        except DiskFullError:
            self._enter("reserve")
            try:
                journal.next_segment(use_reserve=True)
            except DiskFullError:
                self._room.settle(waiting, "the disk is full, and the reserve too")
                if waiting:
                    self._reached = waiting[-1].placed.position  # these numbers are given up
                return False
        self._start_frame = frame(self._start_body(journal))
        self._prepare.set()
        return True

    def _start_body(self, journal: JournalWriter) -> bytes:
        return self._sealer.start_body(journal.number, self._acknowledged, self._reached.wseq)

    def _recover(self) -> bool:
        """Try for ordinary segments again, at most every quarter of a second."""
        journal = self._journal
        now = time.monotonic()
        if journal is None or now < self._retry_at:
            return False
        self._retry_at = now + _RETRY_SECONDS
        try:
            journal.keep_reserve()
            journal.next_segment(use_reserve=False)
        except DiskFullError:
            return False
        except OSError as error:
            self._stop(error)
            return False
        self._start_frame = frame(self._start_body(journal))
        self._enter("ok")
        self._prepare.set()
        return True

    def _write_closing_frame(self) -> None:
        if self._journal is None or self._state == "stopped" or self._journal.number == 0:
            return
        try:
            self._journal.append(self._start_frame + frame(self._sealer.close_body()))
        except (DiskFullError, OSError) as error:
            _log.warning("journal-not-closed", writer=self.writer, detail=str(error))

    def _enter(self, state: RecorderState) -> None:
        if state != self._state:
            self._state = state
            log = _log.info if state == "ok" else _log.error
            log("record-state", state=state, writer=self.writer)

    def _stop(self, error: Exception) -> None:
        _log.critical("record-stopped", writer=self.writer, detail=str(error))
        self._state = "stopped"
        self._room.settle(tuple(self._room.pending), "the record has stopped after a disk error")

    # The other threads.

    def _prepare_forever(self) -> None:
        while not self._closed.is_set():
            self._prepare.wait()
            self._prepare.clear()
            if self._closed.is_set() or self._journal is None or self._state != "ok":
                continue
            try:
                self._journal.prepare_next()
            except (DiskFullError, OSError) as error:
                # The committer meets the same and decides; this only saves time.
                _log.warning("segment-not-prepared", writer=self.writer, detail=str(error))

    def _watch_forever(self) -> None:
        while not self._closed.wait(_WATCH_SECONDS):
            self._room.settle_late(time.monotonic())
