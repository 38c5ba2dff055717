"""Who waits for the disk, and how each is told: exactly once, whichever thread comes first."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import filterfalse

import structlog

from gateway.audit.entry import EntryDraft, Outcome, Phase
from gateway.audit.journal import LANES
from gateway.audit.sealing import Sealed
from gateway.errors import RecordUnavailable

Done = Callable[[BaseException | None], None]

_NEVER = float("inf")
_loop_of = asyncio.Future.get_loop

_log = structlog.get_logger("record")


class Waiting:
    """One entry on its way to the disk, and whom to tell.

    Attributes:
        sealed: What is written of it. It has none before it has its place; changed under the
            sealing lock.
    """

    __slots__ = ("done", "draft", "due", "future", "sealed", "settled")
    sealed: Sealed

    def __init__(
        self,
        draft: EntryDraft,
        due: float = _NEVER,
        done: Done | None = None,
        future: "asyncio.Future[None] | None" = None,
    ) -> None:
        """Note who waits.

        Args:
            draft: The entry.
            due: When the wait must end, on the monotonic clock; by default nobody waits.
            done: Called with None or an error.
            future: Resolved on its own loop.
        """
        self.draft = draft
        self.due = due
        self.done = done
        self.future = future
        self.settled = False  # of those without a future; changed under the room's lock


class WaitingRoom:
    """All who wait: `pending` not yet taken, `in_flight` in the hands of each committer."""

    def __init__(self) -> None:
        self.pending: deque[Waiting] = deque()
        self.in_flight: list[tuple[Waiting, ...]] = [()] * LANES
        self.lost = 0
        self._settling = threading.Lock()

    def take(self, lane: int, most: int) -> tuple[Waiting, ...]:
        """Give those who came first into the hands of a committer; one at a time may ask."""
        pending = self.pending
        batch = tuple([pending.popleft() for _ in range(min(len(pending), most))])
        if batch:
            self.in_flight[lane] = batch
        return batch

    def land(self, lane: int) -> None:
        """Note that everyone in the hands of a committer has been told, or waits again."""
        self.in_flight[lane] = ()

    def settle(self, batch: Sequence[Waiting], failure: str | None) -> None:
        """Tell everyone in a batch how it went; each event loop is woken once.

        Args:
            batch: Those to tell; whoever was told before is passed over.
            failure: Why the entries are not durable, or None when they are.
        """
        futures = [waiting.future for waiting in batch if waiting.future is not None]
        if len(futures) < len(batch):
            self._call_others(batch, failure)
        # Whoever of these was told before is passed over where they are resolved, on one thread.
        loops = set(map(_loop_of, futures))
        for loop in loops:
            theirs = futures
            if len(loops) > 1:
                theirs = [future for future in futures if future.get_loop() is loop]
            try:
                loop.call_soon_threadsafe(_resolve, theirs, failure)
            except RuntimeError:
                continue  # the loop is closed: nobody waits any more

    def _call_others(self, batch: Sequence[Waiting], failure: str | None) -> None:
        """Tell those who have no future; with whom nobody waits the loss is counted."""
        with self._settling:
            told = [waiting for waiting in batch if waiting.future is None and not waiting.settled]
            for waiting in told:
                waiting.settled = True
        for waiting in told:
            if waiting.done is not None:
                _call(waiting.done, failure)
            elif failure is not None:
                self.lost += 1
                _log.error("entry-lost", reference=waiting.draft.reference, detail=failure)

    def settle_late(self, now: float) -> None:
        """Fail everyone who is due, though the committer may hang."""
        flying = tuple(self.in_flight)
        late = [waiting for batch in flying for waiting in batch if waiting.due <= now]
        with contextlib.suppress(IndexError):
            # Entries nobody waits for are never due, so one at the head may hide some behind it.
            if self.pending[0].due <= now or self.pending[0].due == _NEVER:
                late += [waiting for waiting in tuple(self.pending) if waiting.due <= now]
        if late:
            self.settle(late, "the disk did not answer in time")
            for waiting in late:
                waiting.due = _NEVER  # not again each time while the disk hangs


def _call(done: Done, failure: str | None) -> None:
    try:
        done(None if failure is None else RecordUnavailable(f"record: {failure}"))
    except Exception:  # noqa: BLE001 - one who fails when told must not silence the others
        _log.exception("record-waiter-failed")


def _resolve(futures: list["asyncio.Future[None]"], failure: str | None) -> None:
    for future in filterfalse(asyncio.Future.done, futures):
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(RecordUnavailable(f"record: {failure}"))


def lets_happen(draft: EntryDraft) -> bool:
    """Tell whether an entry lets something happen: on a full disk nothing new may."""
    return draft.phase is Phase.DECISION and draft.outcome is Outcome.PERMIT
