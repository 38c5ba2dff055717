"""The way into the record for one process: hand an entry over, and be told when it is durable.

Rules it keeps, in order: (1) `done` without an error means the entry survives a power cut;
(2) nobody waits longer than `wait_seconds`, whatever the disk does; (3) a full disk still takes
refusals, from a reserve, and what it takes recovers by itself; (4) after a failed flush or an
input/output error it never writes again, since nobody knows what the disk kept.

An entry is sealed, and so given its place, by whoever hands it over: sealing is work for the
interpreter, which one thread has at a time. What is left for the threads is the disk
(`gateway.audit.committer`).
"""

import asyncio
import queue
import time
from pathlib import Path

from gateway.audit.committer import STOPPED, WATCH_SECONDS, Committer, RecorderState
from gateway.audit.disk import Disk
from gateway.audit.entry import Closing, EntryDraft
from gateway.audit.journal import unique_writer
from gateway.audit.recorder_limits import RecorderLimits
from gateway.audit.sealing import Sealer
from gateway.audit.waiting import Done, Waiting, lets_happen
from gateway.errors import RecordUnavailable
from gateway.keys import KeyRing

JOURNAL_FOLDER = "journal"
# The watchdog comes by now and then, so whoever is due a little later is told now.
_NOTICE_SECONDS = 2 * WATCH_SECONDS


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
        self._limits = limits or RecorderLimits()
        self._committer = Committer(
            directory=directory / JOURNAL_FOLDER,
            sealer=Sealer(key_ring, self.writer),
            limits=self._limits,
            disk=disk or Disk(),
        )
        self._room = self._committer.room
        self._pending = self._room.pending
        self._most_pending = self._limits.queue_entries
        self._wake_planned = False
        self._patience_seconds = self._limits.wait_seconds - _NOTICE_SECONDS

    @property
    def state(self) -> RecorderState:
        """`ok`; `reserve`: disk full, only refusals are taken; `stopped`: never again."""
        return self._committer.state

    @property
    def lost(self) -> int:
        """How many queued entries could not be made durable."""
        return self._room.lost

    def start(self) -> None:
        """Open the journal and start the threads; a full disk starts in the state `reserve`.

        Raises:
            JournalError: The journal directory cannot be made.
        """
        self._committer.start()

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Write what waits, mark the journal closed, end the threads.

        A disk that hangs is left to itself after the time-out, and those who wait are told.
        """
        self._committer.close(timeout_seconds)

    def record(self, draft: EntryDraft, done: Done) -> None:
        """Make durable.

        `done(None)` comes from a thread of the committer; `done(RecordUnavailable)` from any,
        within `wait_seconds`, also from this call itself. After a time-out the entry may still
        appear in the log: then whoever drafted it has refused what the log says was decided, never
        the reverse.
        """
        due = time.monotonic() + self._patience_seconds
        self._hand_over(Waiting(draft, due=due, done=done))
        self._committer.wake()

    def record_async(
        self, draft: EntryDraft, loop: asyncio.AbstractEventLoop | None = None
    ) -> "asyncio.Future[None]":
        """Make durable; the future fails with RecordUnavailable.

        Args:
            draft: The entry.
            loop: The running one; to find it costs a call to the system.
        """
        loop = loop or asyncio.get_running_loop()
        future = loop.create_future()
        waiting = Waiting(draft, time.monotonic() + self._patience_seconds, None, future)
        committer = self._committer
        if committer.takes_all and len(self._pending) < self._most_pending:
            committer.place(waiting)
        else:
            self._hand_over(waiting)
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
        a twentieth of a second.
        """
        self._hand_over(Waiting(draft))

    def close_visit(self, outcome: Closing) -> None:
        """Hand over how a visit ended that ended as permitted; it is not waited for.

        Many share one entry, which is written within about a twentieth of a second.
        """
        self._committer.outcomes.add(outcome)

    def _hand_over(self, waiting: Waiting) -> None:
        """Have an entry sealed and put in its place, or tell at once why not."""
        failure = self._refusal(waiting.draft)
        if failure is None:
            self._committer.place(waiting)
        else:
            self._room.settle((waiting,), failure)

    def _refusal(self, draft: EntryDraft) -> str | None:
        """Say why an entry is not taken; None if it is."""
        state = self._committer.state
        if not self._committer.is_open:
            return "the record is not open"
        if state == "stopped":
            return STOPPED
        if len(self._pending) >= self._most_pending:
            return "too many entries wait for the disk"
        if state == "reserve" and lets_happen(draft):
            return "the disk is full"
        return None

    def _wake_as_planned(self) -> None:
        self._wake_planned = False
        self._committer.wake()
