"""Two flushes at a time: nobody waits for the flush before, and nothing is told that is not so."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.committer import Committer
from gateway.audit.disk import Disk
from gateway.audit.entry import Kind, Outcome
from gateway.audit.journal import FRAME, frame
from gateway.audit.recorder import Recorder
from gateway.audit.sealing import MARK, START_BODY, Sealed
from gateway.audit.waiting import Waiting
from gateway.errors import RecordUnavailable
from tests.doubles.faulty_disk import FaultyDisk
from tests.doubles.record import SMALL, RecordBench, decision
from tests.doubles.waiting import wait_until


class SlowDisk(FaultyDisk):
    """A disk that numbers the flushes of the committers, from when it is told to.

    Attributes:
        held: Numbers of flushes that wait until they are let go.
        failures: Numbers of flushes that fail.
        begun: How many have begun.
    """

    def __init__(self, *held: int, failing: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.held = {number: threading.Event() for number in held}
        self.failures = failing
        self.begun = 0
        self.counts = False

    def flush(self, handle: int) -> None:
        if self.counts and threading.current_thread().name.startswith("commit"):
            number, self.begun = self.begun, self.begun + 1
            if number in self.held:
                self.held[number].wait(10)
            if number in self.failures:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().flush(handle)


class Told(list[BaseException | None]):
    """What somebody who waits was told."""

    def __call__(self, error: BaseException | None) -> None:
        self.append(error)


def keep_both_flushing(recorder: Recorder, disk: SlowDisk, told: Told) -> None:
    """Have each committer hang in a flush that the disk holds, the first two of them."""
    disk.counts = True
    for number in range(2):
        recorder.record(decision(number), told)
        wait_until(lambda: disk.begun > number)  # noqa: B023 - it is called before the next


def test_whoever_comes_while_the_disk_is_busy_does_not_wait_for_that_flush(
    bench: RecordBench,
) -> None:
    disk, first, second = SlowDisk(0), Told(), Told()
    with bench.recorder(disk=disk) as recorder:
        recorder.record_and_wait(decision(0))
        disk.counts = True
        recorder.record(decision(1), first)
        wait_until(lambda: disk.begun == 1)
        recorder.record(decision(2), second)
        wait_until(lambda: second)

        assert (first, second) == ([], [None])
        disk.held[0].set()
        wait_until(lambda: first)

    bench.drain()
    report = bench.verify()
    assert first == [None]
    assert (report.holds, report.alarms) == (True, ())
    assert len(bench.search(kind=Kind.ACCESS, limit=9).rows) == 3


def test_a_flush_that_fails_takes_the_one_beside_it_along(bench: RecordBench) -> None:
    """Nobody knows what the disk kept, whatever the other flush says."""
    disk, first, second = SlowDisk(0, failing=(1,)), Told(), Told()
    with bench.recorder(disk=disk) as recorder:
        disk.counts = True
        recorder.record(decision(1), first)
        wait_until(lambda: disk.begun == 1)
        recorder.record(decision(2), second)
        wait_until(lambda: second)
        assert (recorder.state, first) == ("stopped", [])
        disk.held[0].set()
        wait_until(lambda: first)

    assert [type(error) for error in (*first, *second)] == [RecordUnavailable] * 2


def test_the_next_segment_begins_when_all_of_the_one_before_is_durable(bench: RecordBench) -> None:
    """Its first frame says up to where this writer's entries are durable."""
    disk, told = SlowDisk(0), Told()
    with bench.recorder(SMALL, disk) as recorder:
        recorder.record_and_wait(decision(0))
        disk.counts = True
        recorder.record(decision(1), told)
        wait_until(lambda: disk.begun == 1)
        for number in range(2, 20):
            recorder.record(decision(number, detail="d" * 6_000), told)
        wait_until(lambda: len(told) > 5)  # as many as the segment takes
        segments = bench.journal / recorder.writer
        assert [path.name for path in segments.glob("0*.seg")] == ["00000001.seg"]

        disk.held[0].set()
        wait_until(lambda: len(told) == 19)
        assert len(list(segments.glob("0*.seg"))) > 1

    bench.drain()
    report = bench.verify()
    assert told == [None] * 19
    assert (report.holds, report.alarms) == (True, ())


def test_a_flush_that_fails_while_the_next_segment_waits_for_it_stops_for_good(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other lane has turned to the next segment by then; it must not write there."""
    disk, told = SlowDisk(0, failing=(0,)), Told()
    with bench.recorder(SMALL, disk) as recorder:
        recorder.record_and_wait(decision(0))
        landings = Mock(side_effect=recorder._committer._wait_for_landings)
        monkeypatch.setattr(recorder._committer, "_wait_for_landings", landings)
        disk.counts = True
        recorder.record(decision(1), told)
        wait_until(lambda: disk.begun == 1)
        for number in range(2, 20):
            recorder.record(decision(number, detail="d" * 6_000), told)
        wait_until(lambda: landings.called)  # as many are told as the segment takes
        durable = len(told)
        assert durable > 5
        disk.held[0].set()
        wait_until(lambda: len(told) == 19)

        assert recorder.state == "stopped"
        assert [type(error) for error in told[durable:]] == [RecordUnavailable] * (19 - durable)
        segments = bench.journal / recorder.writer
        assert [path.name for path in segments.glob("0*.seg")] == ["00000001.seg"]


def test_the_reserve_is_left_when_all_of_it_is_durable(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, told, later = SlowDisk(0), Told(), Told()
    with bench.recorder(disk=disk) as recorder:
        disk.free = 0
        with suppress(RecordUnavailable):
            for number in range(1_000):
                recorder.record_and_wait(decision(number, detail="d" * 3_000))
        segments = bench.journal / recorder.writer
        before = sorted(segments.glob("0*.seg"))
        disk.counts = True
        recorder.record(decision(1, outcome=Outcome.DENY), told)
        wait_until(lambda: disk.begun == 1)
        landings = Mock(side_effect=recorder._committer._wait_for_landings)
        monkeypatch.setattr(recorder._committer, "_wait_for_landings", landings)
        disk.free, recorder._committer._retry_at = None, 0.0
        recorder.record(decision(2, outcome=Outcome.DENY), later)
        wait_until(lambda: landings.called or later)

        assert (recorder.state, sorted(segments.glob("0*.seg"))) == ("reserve", before)
        disk.held[0].set()
        wait_until(lambda: later)
        assert (recorder.state, len(list(segments.glob("0*.seg")))) == ("ok", len(before) + 1)

    bench.drain()
    report = bench.verify()
    assert told == later == [None]
    assert (report.holds, report.alarms) == (True, ())


def test_what_has_stopped_is_not_well_again_when_it_closes(bench: RecordBench) -> None:
    """Whoever notes that nothing is taken any more says nothing of the disk."""
    with bench.recorder() as recorder:
        committer = recorder._committer  # a race that cannot be made otherwise
        committer._stop(OSError(errno.EIO, "input/output error"))
        committer._note_state("ok")  # read before it stopped

        assert (committer.state, committer.takes_all) == ("stopped", False)


def test_a_fault_of_ours_stops_it_and_nobody_waits(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.recorder() as recorder:
        recorder.record_and_wait(decision(0))
        with monkeypatch.context() as patched:
            patched.setattr(recorder._committer.outcomes, "take", Mock(side_effect=ArithmeticError))
            told = Told()
            recorder.record(decision(1), told)
            wait_until(lambda: told)

        assert isinstance(told[0], RecordUnavailable)
        assert "stopped" in str(told[0])
        assert recorder.state == "stopped"
        with pytest.raises(RecordUnavailable, match="stopped"):
            recorder.record_and_wait(decision(2))


def test_closing_waits_for_both_and_marks_the_end(bench: RecordBench) -> None:
    disk, told = SlowDisk(0, 1), Told()
    with bench.recorder(disk=disk) as recorder:
        keep_both_flushing(recorder, disk, told)
        for held in disk.held.values():
            threading.Timer(0.05, held.set).start()

    bench.drain()
    assert told == [None, None]
    assert not list(bench.journal.iterdir())  # drained, closed and removed


@given(
    start=st.sampled_from((b"", frame(b"start"))),
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    full=st.integers(0, 8),
    spare=st.sampled_from((-20, -1, 0, 1)),
)
def test_as_many_are_written_as_fit(start: bytes, sizes: list[int], full: int, spare: int) -> None:
    committer = Committer(directory=Path(), sealer=Mock(), limits=SMALL, disk=Disk())
    committer._start_frame = start
    bodies = [bytes([number]) * size for number, size in enumerate(sizes)]
    batch = [Waiting(decision(number)) for number in range(len(sizes))]
    for waiting, body in zip(batch, bodies, strict=True):
        waiting.sealed = Sealed(body, b"", 0)
    ends = list(accumulate((FRAME.size + size for size in sizes), initial=len(start)))
    room = ends[min(full, len(sizes))] + spare
    count, content = committer._fitting(tuple(batch), room)

    assert count == max(sum(end <= room for end in ends) - 1, 0)
    if count:
        assert content == start + b"".join(frame(body) for body in bodies[:count])


def test_the_next_segment_says_up_to_where_all_is_durable(bench: RecordBench) -> None:
    """Whichever lane flushed last before it."""
    with bench.recorder() as recorder:
        for number in range(60):
            recorder.record_and_wait(decision(number, detail="d" * 6_000))
        segments = sorted((bench.journal / recorder.writer).glob("0*.seg"))
        marks = [path.read_bytes()[FRAME.size :][: 1 + MARK.size] for path in segments]

    assert len(marks) > 3
    assert all(mark.startswith(START_BODY) for mark in marks)
    said = [MARK.unpack(mark[1:]) for mark in marks]
    assert [number for number, _, _ in said] == list(range(1, len(marks) + 1))
    assert all(durable == reached for _, durable, reached in said)
    assert [durable > 0 for _, durable, _ in said] == [False] + [True] * (len(marks) - 1)


def test_what_fills_several_segments_at_once_is_all_there(bench: RecordBench) -> None:
    """Each of them begins with where its writer was, though a part of one batch is all it has."""
    disk, told = SlowDisk(0, 1), Told()
    with bench.recorder(disk=disk) as recorder:
        keep_both_flushing(recorder, disk, told)
        for number in range(2, 60):
            recorder.record(decision(number, detail="d" * 6_000), told)
        for held in disk.held.values():
            held.set()
        wait_until(lambda: len(told) == 60)

    assert told == [None] * 60
    bench.drain()
    report = bench.verify()
    assert (report.holds, report.alarms) == (True, ())
    assert len(bench.search(kind=Kind.ACCESS, limit=90).rows) == 60
