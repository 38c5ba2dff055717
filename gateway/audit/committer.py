"""Commits entries to the journal: what waits is written in one piece, then flushed.

Writing takes turns. Whoever has the turn takes all that waits, in its order, writes it, and passes
the turn on before it waits for the disk: as many flushes as there are lanes run at a time, and an
entry that comes while the disk is busy waits for one flush, not for two. A flush covers all that
was written before it began. The next segment is begun only while no flush runs, as its first frame
says how far this writer's entries are durable.

The preparer fills the next segment with zeros; the watchdog fails those who waited too long, even
while the committers hang in the kernel.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import structlog

from gateway.audit.closings import Outcomes
from gateway.audit.disk import Disk
from gateway.audit.errors import DiskFullError, JournalError, SealError
from gateway.audit.idle_lanes import IdleLanes
from gateway.audit.journal import FRAME, LANES, JournalWriter, frame
from gateway.audit.recorder_limits import RecorderLimits
from gateway.audit.sealing import NO_LEAF, Position, Sealed, Sealer
from gateway.audit.waiting import Waiting, WaitingRoom, lets_happen

RecorderState = Literal["ok", "reserve", "stopped"]

_BATCH_ENTRIES = 1_024
WATCH_SECONDS = 0.05
_RETRY_SECONDS = 0.25
# How long an outcome, which nobody waits for, may lie before it is written by itself.
IDLE_SECONDS = 0.05
STOPPED = "the record has stopped after a disk error"

_log = structlog.get_logger("record")


class Committer:
    """Seals entries into their order, and makes them durable. Start it after any fork.

    Attributes:
        room: Those who wait, and whom to tell.
        outcomes: Ends of visits that nobody waits for.
        takes_all: Whether it is open and well, so that whatever comes is taken.
        wake: Has what waits committed.
    """

    takes_all = False

    def __init__(
        self, *, directory: Path, sealer: Sealer, limits: RecorderLimits, disk: Disk
    ) -> None:
        """Prepare; nothing is written before `start`.

        Args:
            directory: Of the journals of all writers.
            sealer: Of this writer.
            limits: Sizes and times.
            disk: The file operations.
        """
        self.room = WaitingRoom()
        self.outcomes = Outcomes(IDLE_SECONDS)
        self._directory = directory
        self._sealer = sealer
        self._limits = limits
        self._disk = disk
        self._journal: JournalWriter
        self._state: RecorderState = "ok"
        self._noting = threading.Lock()
        self._idle = IdleLanes(LANES)
        self.wake: Callable[[], None] = self._idle.wake
        self._closing = False
        self._closed = threading.Event()
        self._prepare = threading.Event()
        self._start_frame = b""
        self._acknowledged = [0] * LANES  # the last entry each has flushed; all before it are too
        # The last entry written or given up; what follows it is still to come.
        self._reached: Position | Sealed = Position(wseq=0, leaf=NO_LEAF)
        self._retry_at = 0.0
        # Held from the seal of an entry until it stands in `pending`: both follow one order.
        self._sealing = threading.Lock()
        self._turn = threading.Lock()  # held while entries are taken and written
        # Each is held while its lane flushes: from when it still has the turn until it has noted
        # how that went. Nobody takes one without the turn.
        self._flying = [threading.Lock() for _ in range(LANES)]
        self._lanes = LANES  # committers that have not ended; changed with the turn
        self._threads: list[threading.Thread] = []

    @property
    def state(self) -> RecorderState:
        """`ok`; `reserve`: disk full, only refusals are taken; `stopped`: never again."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether anything is taken."""
        return bool(self._threads) and not self._closing

    def start(self) -> None:
        """Open the journal and start the threads; a full disk starts in the state `reserve`.

        Raises:
            JournalError: The journal directory cannot be made.
        """
        self._journal = JournalWriter(
            self._directory, self._sealer.writer, self._limits.sizes, self._disk
        )
        try:
            self._guarded_rotation(())
        except OSError as error:
            raise JournalError(
                f"journal: the disk failed at the start: {error.strerror}"
            ) from error
        for lane in range(LANES):
            self._threads.append(
                threading.Thread(
                    target=self._commit_forever, args=(lane,), name=f"commit-{lane}", daemon=True
                )
            )
        for work in (self._prepare_forever, self._watch_forever):
            self._threads.append(threading.Thread(target=work, daemon=True))
        for thread in self._threads:
            thread.start()
        self._note_state(None)

    def close(self, timeout_seconds: float) -> None:
        """Write what waits, mark the journal closed, end the threads.

        A disk that hangs is left to itself after the time-out, and those who wait are told.
        """
        if not self._threads:
            return
        self._closing = True
        self._note_state(None)
        self._idle.wake_all()
        for thread in self._threads[:LANES]:
            thread.join(timeout_seconds)
        self._closed.set()
        self._prepare.set()
        for thread in self._threads[LANES:]:
            thread.join(timeout_seconds)
        ended = not any(thread.is_alive() for thread in self._threads)
        self._threads.clear()
        self.room.settle(tuple(self.room.pending), "the record is closed")
        if ended:
            self._journal.close()

    def place(self, waiting: Waiting) -> None:
        """Seal an entry and put it in its place; one that cannot be sealed is told so."""
        try:
            with self._sealing:
                waiting.sealed = self._sealer.seal(waiting.draft)
                self.room.pending.append(waiting)
        except SealError as error:
            self.room.settle((waiting,), str(error))

    # The committers.

    def _commit_forever(self, lane: int) -> None:
        # One is enough to look after what wakes nobody.
        patience_seconds = None if lane else IDLE_SECONDS
        try:
            while not (self._closing and not self.room.pending and not self.outcomes):
                self._idle.sleep(lane, patience_seconds, self._has_work)
                self._commit_what_waits(lane)
                while self.room.pending:
                    self._commit_what_waits(lane)
        except Exception as error:  # noqa: BLE001 - a fault of ours: nobody may wait for who is gone
            self._stop(error)
        with self._turn:
            self._lanes -= 1
            if not self._lanes:
                self._write_closing_frame()
        self.wake()  # for the next, if it is still asleep

    def _has_work(self) -> bool:
        return bool(self.room.pending) or self._closing

    def _commit_what_waits(self, lane: int) -> None:
        """Write and flush what waits."""
        with self._turn:
            for draft in self.outcomes.take(time.monotonic(), everything=self._closing):
                self.place(Waiting(draft))
            batch = self.room.take(lane, _BATCH_ENTRIES)
            if not batch:
                if self._state == "reserve":
                    self._recover()
                return
            try:
                written = self._write(lane, batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, what is on disk is uncertain
                self._stop(error)
                written = ()
            if written:
                self._flying[lane].acquire()
        if written:
            self._flush(lane, written)
        if self._state == "stopped":
            self.room.settle(batch, STOPPED)  # those who were not even written
        self.room.land(lane)

    def _write(self, lane: int, batch: tuple[Waiting, ...]) -> tuple[Waiting, ...]:
        """Write a batch; return those of it that are still to be flushed. Has the turn."""
        while batch and self._state != "stopped":
            full = self._state == "reserve" and not self._recover()
            if full and any(lets_happen(waiting.draft) for waiting in batch):
                self._reseal_without_permits(batch)
                return ()
            count, content = self._fitting(batch, self._journal.room())
            written, batch = batch[:count], batch[count:]
            if written:
                self._reached = written[-1].sealed
                try:
                    self._journal.write(content)
                except DiskFullError:
                    # The numbers of these are never used again: the sequencer may have seen them.
                    self.room.settle(written, "the disk is full")
                else:
                    self._start_frame = b""
                    if not batch:
                        return written
                    self._flying[lane].acquire()
                    self._flush(lane, written)
            # The flush may have stopped all: then there is no next segment.
            if self.state == "stopped" or not self._guarded_rotation(batch):
                return ()
        return ()

    def _flush(self, lane: int, written: tuple[Waiting, ...]) -> None:
        """Wait for the disk, and tell everyone of whom it is known by then."""
        try:
            self._journal.flush(lane)
        except Exception as error:  # noqa: BLE001 - as above
            self._stop(error)
        failure = STOPPED if self._state == "stopped" else None
        if failure is None:
            self._acknowledged[lane] = written[-1].sealed.wseq
        self._flying[lane].release()
        self.room.settle(written, failure)

    def _wait_for_landings(self) -> None:
        """Wait until nobody flushes. Has the turn, so nobody begins to either."""
        for flying in self._flying:
            with flying:
                pass

    def _fitting(self, batch: tuple[Waiting, ...], room: int) -> tuple[int, bytes]:
        """Take the longest start of a batch that fits; return its count and what is written."""
        bodies = [waiting.sealed.body for waiting in batch]
        content = self._start_frame + frame(*bodies)
        size = len(content)
        while bodies and size > room:
            size -= FRAME.size + len(bodies.pop())
        if len(bodies) < len(batch):
            content = self._start_frame + frame(*bodies)
        return len(bodies), content

    def _reseal_without_permits(self, batch: tuple[Waiting, ...]) -> None:
        """On a full disk: refuse the permits that came before it was known, keep the refusals.

        What is kept gets new numbers, so that the journal has no gap where the permits were.
        """
        with self._sealing:
            waiting = (*batch, *self.room.pending)
            self.room.pending.clear()
            self._sealer.restore(self._reached)
            refused = []
            for each in waiting:
                if lets_happen(each.draft):
                    refused.append(each)
                    continue
                try:
                    each.sealed = self._sealer.seal(each.draft)
                except SealError:
                    refused.append(each)
                else:
                    self.room.pending.append(each)
        self.room.settle(refused, "the disk is full")

    def _guarded_rotation(self, waiting: tuple[Waiting, ...]) -> bool:
        """Turn to the next segment, or to the reserve; without either, fail those who wait."""
        journal = self._journal
        self._wait_for_landings()
        if self._state == "stopped":  # one that was waited for has failed
            return False
        try:
            journal.keep_reserve()
            journal.next_segment(use_reserve=False)
            self._enter("ok")
        except DiskFullError:
            self._enter("reserve")
            try:
                journal.next_segment(use_reserve=True)
            except DiskFullError:
                self.room.settle(waiting, "the disk is full, and the reserve too")
                if waiting:
                    self._reached = waiting[-1].sealed  # these numbers are given up
                return False
        self._begin_segment()
        return True

    def _begin_segment(self) -> None:
        acknowledged = max(self._acknowledged)
        body = self._sealer.start_body(self._journal.number, acknowledged, self._reached.wseq)
        self._start_frame = frame(body)
        self._prepare.set()

    def _recover(self) -> bool:
        """Try for ordinary segments again, at most every quarter of a second."""
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + _RETRY_SECONDS
        self._wait_for_landings()
        if self.state == "stopped":
            return False
        try:
            self._journal.keep_reserve()
            self._journal.next_segment(use_reserve=False)
        except DiskFullError:
            return False
        except OSError as error:
            self._stop(error)
            return False
        self._enter("ok")
        self._begin_segment()
        return True

    def _write_closing_frame(self) -> None:
        if self._state == "stopped" or self._journal.number == 0:
            return
        try:
            self._journal.append(self._start_frame + frame(self._sealer.close_body()))
        except (DiskFullError, OSError) as error:
            _log.warning("journal-not-closed", writer=self._sealer.writer, detail=str(error))

    def _enter(self, state: RecorderState) -> None:
        if state != self._state:
            self._note_state(state)
            log = _log.info if state == "ok" else _log.error
            log("record-state", state=state, writer=self._sealer.writer)

    def _stop(self, error: Exception) -> None:
        _log.critical("record-stopped", writer=self._sealer.writer, detail=str(error))
        self._note_state("stopped")
        self.room.settle(tuple(self.room.pending), STOPPED)

    def _note_state(self, state: RecorderState | None) -> None:
        """Note how the disk is, or with None whether anything is taken. What has stopped stays."""
        with self._noting:
            if state is not None and self._state != "stopped":
                self._state = state
            self.takes_all = self._state == "ok" and self.is_open

    # The other threads.

    def _prepare_forever(self) -> None:
        while not self._closed.is_set():
            self._prepare.wait()
            self._prepare.clear()
            if self._closed.is_set() or self._state != "ok":
                continue
            try:
                self._journal.prepare_next()
            except (DiskFullError, OSError) as error:
                # The committer meets the same and decides; this only saves time.
                _log.warning("segment-not-prepared", writer=self._sealer.writer, detail=str(error))

    def _watch_forever(self) -> None:
        while not self._closed.wait(WATCH_SECONDS):
            self.room.settle_late(time.monotonic())
