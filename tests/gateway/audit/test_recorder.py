"""Recorded means durable; not durable in time means nobody goes on."""

import asyncio
import errno
import os
import threading
import time
from pathlib import Path

import pytest

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.audit.journal import LANES
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.errors import RecordUnavailable
from tests.doubles.faulty_disk import FaultyDisk
from tests.doubles.record import SMALL, RecordBench, decision
from tests.doubles.waiting import wait_until

SHORT = RecorderLimits(
    segment_bytes=64 << 10, reserve_bytes=32 << 10, headroom_bytes=0, wait_seconds=0.4
)


def journalled(bench: RecordBench) -> bytes:
    return b"".join(path.read_bytes() for path in bench.journal.rglob("0*.seg"))


def test_an_acknowledged_entry_is_on_the_disk(bench: RecordBench) -> None:
    draft = decision(1)
    with bench.recorder() as recorder:
        recorder.record_and_wait(draft)

        assert draft.reference.encode() in journalled(bench)


def test_it_is_flushed_before_it_is_acknowledged(bench: RecordBench) -> None:
    disk = FaultyDisk()
    told = threading.Event()
    with bench.recorder(disk=disk) as recorder:
        disk.released.clear()
        recorder.record(decision(1), lambda _: told.set())
        wait_until(lambda: disk.calls.get("write"))

        assert not told.wait(0.2)
        disk.released.set()
        assert told.wait(5)


def test_entries_that_wait_together_share_a_flush(bench: RecordBench) -> None:
    disk = FaultyDisk()
    told: list[BaseException | None] = []
    with bench.recorder(disk=disk) as recorder:
        recorder.record_and_wait(decision(0))
        wait_until((bench.journal / recorder.writer / "next.seg").exists)
        disk.released.clear()
        flushes = disk.calls["flush"]
        for number in range(40):
            recorder.record(decision(number), told.append)
        disk.released.set()
        wait_until(lambda: len(told) == 40)

        assert told == [None] * 40
        assert disk.calls["flush"] - flushes <= 3


async def test_futures_resolve_on_the_loop(bench: RecordBench) -> None:
    with bench.recorder() as recorder:
        await asyncio.gather(*(recorder.record_async(decision(number)) for number in range(50)))

    bench.drain()
    assert bench.verify().holds
    assert len(bench.search(limit=100, kind=Kind.ACCESS).rows) == 50


async def test_entries_that_come_later_are_woken_for_again(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[None] = []
    with bench.recorder() as recorder:
        wake = recorder._committer.wake

        def note() -> None:
            woken.append(None)
            wake()

        with monkeypatch.context() as patched:
            patched.setattr(recorder._committer, "wake", note)
            for number in range(3):
                await recorder.record_async(decision(number))

    assert len(woken) == 3


def test_more_than_a_segment_is_spread_over_segments_without_a_gap(bench: RecordBench) -> None:
    drafts = [decision(number, detail="d" * 3_000) for number in range(120)]
    bench.record(*drafts)
    bench.drain()
    report = bench.verify()

    assert report.holds
    assert report.alarms == ()
    assert set(bench.ids()) >= {draft.id for draft in drafts}


def test_a_batch_that_turns_a_segment_keeps_its_numbers(bench: RecordBench) -> None:
    """Entries sealed for a segment they did not fit are sealed again under the same numbers."""
    with bench.recorder() as recorder:
        for number in range(200):
            recorder.queue(decision(number, detail="d" * 3_000))
    bench.drain()

    assert len(bench.search(kind=Kind.ACCESS, limit=500).rows) == 200
    assert [row.clear["code"] for row in bench.search(kind=Kind.SYSTEM).rows] == [
        "sequencer-started"
    ]


def test_a_hanging_disk_fails_all_who_wait_within_the_time(bench: RecordBench) -> None:
    """Those in the committer's hands and those behind them, though the committer hangs."""
    disk = FaultyDisk()
    told: list[BaseException | None] = []
    with bench.recorder(SHORT, disk) as recorder:
        recorder.record_and_wait(decision(0))
        disk.released.clear()
        began = time.monotonic()
        for number in range(5):
            recorder.record(decision(number), told.append)
            time.sleep(0.01)
        wait_until(lambda: len(told) == 5)
        took = time.monotonic() - began
        disk.released.set()

    assert all(isinstance(error, RecordUnavailable) for error in told)
    assert took < SHORT.wait_seconds + 0.15


def test_after_a_hang_the_recorder_goes_on(bench: RecordBench) -> None:
    disk = FaultyDisk()
    with bench.recorder(SHORT, disk) as recorder:
        disk.released.clear()
        with pytest.raises(RecordUnavailable, match="did not answer in time"):
            recorder.record_and_wait(decision(1))
        disk.released.set()
        recorder.record_and_wait(decision(2))

        assert recorder.state == "ok"


@pytest.mark.parametrize("operation", ["write", "flush"])
def test_an_error_of_the_disk_stops_it_for_good(bench: RecordBench, operation: str) -> None:
    disk = FaultyDisk()
    with bench.recorder(disk=disk) as recorder:
        recorder.record_and_wait(decision(1))
        wait_until((bench.journal / recorder.writer / "next.seg").exists)
        disk.fail(operation, code=errno.EIO)
        with pytest.raises(RecordUnavailable, match="stopped"):
            recorder.record_and_wait(decision(2))
        calls = dict(disk.calls)

        assert recorder.state == "stopped"
        for outcome in (Outcome.PERMIT, Outcome.DENY):
            with pytest.raises(RecordUnavailable, match="stopped"):
                recorder.record_and_wait(decision(3, outcome=outcome))
    assert disk.calls == calls


def test_a_flush_that_fails_for_space_stops_it_too(bench: RecordBench) -> None:
    """What the disk dropped then is unknown: trying again could acknowledge what is not there."""
    disk = FaultyDisk()
    with bench.recorder(disk=disk) as recorder:
        wait_until((bench.journal / recorder.writer / "next.seg").exists)
        disk.fail("flush", code=errno.ENOSPC)
        with pytest.raises(RecordUnavailable):
            recorder.record_and_wait(decision(1))

        assert recorder.state == "stopped"


def fill(recorder: Recorder, disk: FaultyDisk) -> None:
    """Let space run out, and use up the segment."""
    disk.free = 0
    record_until_refused(recorder, Outcome.PERMIT)


def record_until_refused(recorder: Recorder, outcome: Outcome) -> tuple[int, str]:
    """Record large entries until one is not taken; return how many were, and the refusal."""
    for number in range(1_000):
        try:
            recorder.record_and_wait(decision(number, outcome=outcome, detail="d" * 3_000))
        except RecordUnavailable as error:
            return number, str(error)
    pytest.fail("the disk never filled up")


def test_a_full_disk_takes_refusals_and_results_but_no_permits(bench: RecordBench) -> None:
    disk = FaultyDisk()
    permit, deny = decision(1), decision(2, outcome=Outcome.DENY)
    with bench.recorder(disk=disk) as recorder:
        recorder.record_and_wait(permit)
        fill(recorder, disk)

        assert recorder.state == "reserve"
        recorder.record_and_wait(deny)
        recorder.record_and_wait(permit.result(Outcome.PERMIT, at_us=permit.at_us))
        with pytest.raises(RecordUnavailable, match="disk is full"):
            recorder.record_and_wait(decision(3))
    bench.drain()

    assert bench.search(reference=deny.reference).rows[0].id == deny.id
    assert bench.search(reference=permit.reference).rows[0].result is not None
    assert bench.verify().holds


def test_a_refusal_in_a_batch_with_permits_is_taken_when_space_runs_out(bench: RecordBench) -> None:
    disk = FaultyDisk()
    told: dict[int, BaseException | None] = {}
    with bench.recorder(disk=disk) as recorder:
        recorder.record_and_wait(decision(0))
        wait_until((bench.journal / recorder.writer / "next.seg").exists)
        (bench.journal / recorder.writer / "next.seg").unlink()
        disk.free = 0
        disk.released.clear()
        for number in range(60):
            outcome = Outcome.DENY if number == 59 else Outcome.PERMIT
            draft = decision(number, outcome=outcome, detail="d" * 3_000)

            def note(error: BaseException | None, number: int = number) -> None:
                told[number] = error

            recorder.record(draft, note)
        disk.released.set()
        wait_until(lambda: len(told) == 60)

    assert told[0] is None
    assert told[59] is None
    assert isinstance(told[58], RecordUnavailable)
    bench.drain()
    assert bench.verify().alarms == ()


def test_it_recovers_by_itself_when_space_returns(bench: RecordBench) -> None:
    disk = FaultyDisk()
    with bench.recorder(disk=disk) as recorder:
        fill(recorder, disk)
        disk.free = None
        wait_until(lambda: recorder.state == "ok")
        recorder.record_and_wait(decision(7))

        assert (bench.journal / recorder.writer / "reserve.seg").exists()
    bench.drain()
    assert bench.verify().holds
    assert bench.verify().alarms == ()


def test_the_reserve_too_can_be_used_up(bench: RecordBench) -> None:
    disk = FaultyDisk()
    with bench.recorder(disk=disk) as recorder:
        fill(recorder, disk)
        taken, refusal = record_until_refused(recorder, Outcome.DENY)

        assert "and the reserve too" in refusal
        assert taken >= 5
        disk.free = None
        wait_until(lambda: recorder.state == "ok")
    bench.drain()
    assert bench.verify().alarms == ()


def test_a_disk_full_at_the_start_takes_nothing_and_recovers(bench: RecordBench) -> None:
    disk = FaultyDisk()
    disk.free = 0
    with bench.recorder(disk=disk) as recorder:
        assert recorder.state == "reserve"
        with pytest.raises(RecordUnavailable):
            recorder.record_and_wait(decision(1, outcome=Outcome.DENY))
        disk.free = None
        wait_until(lambda: recorder.state == "ok")
        recorder.record_and_wait(decision(2))
    bench.drain()
    assert bench.verify().holds


def test_a_write_that_ran_out_of_space_half_way_leaves_no_alarm(bench: RecordBench) -> None:
    """Its numbers are given up, in so many words; nobody was told they were durable."""
    disk = FaultyDisk()
    with bench.recorder(disk=disk) as recorder:
        recorder.record_and_wait(decision(1))
        wait_until((bench.journal / recorder.writer / "next.seg").exists)
        disk.fail("write", code=errno.ENOSPC)
        with pytest.raises(RecordUnavailable):
            recorder.record_and_wait(decision(2))
        wait_until(lambda: recorder.state == "ok")
        recorder.record_and_wait(decision(3))
    bench.drain()
    report = bench.verify()

    assert report.holds
    assert [code for _, code in report.alarms] == ["torn-end"]
    assert "entries-given-up" in {row.clear["code"] for row in bench.search(kind=Kind.SYSTEM).rows}


@pytest.mark.parametrize("operation", ["allocate", "write", "flush", "rename", "flush_directory"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whatever_fails_at_the_nth_call_acknowledged_entries_are_there(
    tmp_path: Path, operation: str, code: int
) -> None:
    for nth in range(1, 8):
        bench = RecordBench(tmp_path / str(nth))
        disk = FaultyDisk()
        acknowledged: list[EntryDraft] = []
        with bench.recorder(disk=disk) as recorder:
            disk.fail(operation, nth, code)
            for number in range(20):
                draft = decision(number, detail="d" * 3_500)
                try:
                    recorder.record_and_wait(draft)
                except RecordUnavailable:
                    continue
                acknowledged.append(draft)
        bench.drain()

        assert set(bench.ids()) >= {draft.id for draft in acknowledged}, nth
        assert bench.verify().holds, nth


def test_too_many_waiting_entries_are_refused_at_once(bench: RecordBench) -> None:
    disk = FaultyDisk()
    limits = RecorderLimits(
        segment_bytes=64 << 10, reserve_bytes=32 << 10, headroom_bytes=0, queue_entries=10
    )
    told: list[BaseException | None] = []
    with bench.recorder(limits, disk) as recorder:
        disk.released.clear()
        for lane in range(LANES):
            recorder.record(decision(lane), told.append)
            wait_until(lambda: not recorder._room.pending)
        for number in range(11):
            recorder.record(decision(number), told.append)

        assert [str(error) for error in told] == ["record: too many entries wait for the disk"]
        disk.released.set()


def test_queued_entries_are_written_without_anyone_waiting(bench: RecordBench) -> None:
    draft = decision(1)
    with bench.recorder() as recorder:
        recorder.record_and_wait(draft)
        recorder.queue(draft.result(Outcome.PERMIT, at_us=draft.at_us + 5))
    bench.drain()

    assert bench.search(reference=draft.reference).rows[0].result is not None
    assert recorder.lost == 0


def test_after_closing_nothing_is_taken(bench: RecordBench) -> None:
    with bench.recorder() as recorder:
        recorder.record_and_wait(decision(1))

    with pytest.raises(RecordUnavailable, match="not open"):
        recorder.record_and_wait(decision(2))


def test_before_starting_nothing_is_taken(bench: RecordBench) -> None:
    recorder = Recorder(directory=bench.directory, key_ring=bench.key_ring, writer="worker")

    with pytest.raises(RecordUnavailable, match="not open"):
        recorder.record_and_wait(decision(1))


def test_an_entry_that_cannot_be_sealed_fails_alone(bench: RecordBench) -> None:
    with bench.recorder() as recorder:
        with pytest.raises(RecordUnavailable, match="cannot be expressed"):
            recorder.record_and_wait(decision(1, at_us=2**80, staff_id="", subject=""))
        recorder.record_and_wait(decision(2))


def test_many_threads_record_at_once_and_nothing_is_lost(bench: RecordBench) -> None:
    drafts = [decision(number) for number in range(200)]

    def work(part: list[EntryDraft]) -> None:
        for draft in part:
            recorder.record_and_wait(draft)

    with bench.recorder(SMALL) as recorder:
        threads = [threading.Thread(target=work, args=(drafts[n::8],)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    bench.drain()

    assert set(bench.ids()) >= {draft.id for draft in drafts}
    assert bench.verify().holds


def test_the_record_is_not_open_to_others(bench: RecordBench) -> None:
    os.umask(0o022)
    with bench.recorder() as recorder:
        recorder.record_and_wait(decision(1))
        modes = {path.stat().st_mode & 0o007 for path in bench.journal.rglob("*")}

    assert modes == {0}
