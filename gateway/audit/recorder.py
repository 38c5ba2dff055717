"""Makes entries durable: one recorder per process, one committer thread, one flush per batch.

Rules it keeps, in order: (1) `done` without an error means the entry survives a power cut;
(2) nobody waits longer than `wait_seconds`, whatever the disk does; (3) a full disk still takes
refusals, from a reserve; (4) after an input/output error it never writes again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.audit.entry import EntryDraft
from gateway.keys import KeyRing

RecorderState = Literal["ok", "reserve", "stopped"]
Done = Callable[[BaseException | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderLimits:
    """How much the recorder takes, and how long it lets anyone wait.

    Attributes:
        segment_bytes: Size of one journal segment, preallocated.
        reserve_bytes: Size of the segment kept for refusals on a full disk.
        headroom_bytes: Free space below which the disk counts as full, so that the sequencer can
            still drain the journals into the log.
        wait_seconds: Longest wait for durability, counted from the hand-over.
        queue_entries: Entries that may wait; more are refused at once.
    """

    segment_bytes: int = 8 << 20
    reserve_bytes: int = 4 << 20
    headroom_bytes: int = 16 << 20
    wait_seconds: float = 2.0
    queue_entries: int = 20_000


class Recorder:
    """The way into the record for one process. Start it after any fork."""

    def __init__(
        self,
        *,
        directory: Path,
        key_ring: KeyRing,
        writer: str,
        limits: RecorderLimits | None = None,
    ) -> None:
        """Prepare; nothing is written before `start`.

        Args:
            directory: The directory of the record (`record.directory`).
            key_ring: For sealing.
            writer: What this process is (`worker`, `cli`); made unique with host, pid and chance.
            limits: Sizes and times; the defaults suit production.
        """
        raise NotImplementedError

    @property
    def state(self) -> RecorderState:
        """`ok`; `reserve`: disk full, only refusals are taken; `stopped`: never again."""
        raise NotImplementedError

    def start(self) -> None:
        """Open the journal and start the committer thread. Raises JournalError."""
        raise NotImplementedError

    def close(self) -> None:
        """Write what waits, mark the journal closed, end the threads."""
        raise NotImplementedError

    def record(self, draft: EntryDraft, done: Done) -> None:
        """Make durable; `done(None)`, or `done(RecordUnavailable)`, comes from another thread."""
        raise NotImplementedError

    def record_async(self, draft: EntryDraft) -> "asyncio.Future[None]":
        """Make durable; the future of the running loop fails with RecordUnavailable."""
        raise NotImplementedError

    def record_and_wait(self, draft: EntryDraft, timeout_seconds: float = 2.0) -> None:
        """Make durable and block until it is; for page threads and the command line.

        Raises:
            RecordUnavailable: It is not, or not known to be within the time.
        """
        raise NotImplementedError

    def queue(self, draft: EntryDraft) -> None:
        """Hand over without waiting; a failure is only counted and logged."""
        raise NotImplementedError
