"""A disk that is really full: a small tmpfs, which needs root. Without root the doubles remain."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.audit.entry import EntryDraft, Outcome
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.audit.sequencer import Sequencer, SequencerTimes
from gateway.errors import RecordUnavailable
from tests.doubles.record import ORIGIN, RecordBench, decision

MEBIBYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root; run as root to count this test")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def running(bench: RecordBench) -> tuple[Sequencer, threading.Thread, threading.Event]:
    stop = threading.Event()
    sequencer = Sequencer(
        directory=bench.directory,
        key_ring=bench.key_ring,
        origin=ORIGIN,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - as the running service has it
        times=SequencerTimes(tick_seconds=0.02),
    )
    thread = threading.Thread(target=sequencer.run, args=(stop,))
    thread.start()
    return sequencer, thread, stop


def wait_until_permitted(recorder: Recorder, seconds: float = 15.0) -> EntryDraft:
    deadline = time.monotonic() + seconds
    number = 500_000
    while True:
        number += 1
        draft = decision(number)
        try:
            recorder.record_and_wait(draft)
        except RecordUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return draft


@pytest.mark.parametrize("headroom", [0, MEBIBYTE], ids=["to-the-last-block", "with-headroom"])
def test_a_full_disk_refuses_permits_keeps_refusals_and_recovers(
    small_disk: Path, headroom: int
) -> None:
    """Nothing acknowledged is lost, nothing needs a restart, the log holds."""
    bench = RecordBench(small_disk)
    limits = RecorderLimits(
        segment_bytes=256 << 10, reserve_bytes=256 << 10, headroom_bytes=headroom
    )
    acknowledged: list[EntryDraft] = []
    with bench.recorder(limits) as recorder:
        sequencer, thread, stop = running(bench)
        acknowledged.append(wait_until_permitted(recorder))
        time.sleep(0.1)
        filler = small_disk / "filler"
        filler.write_bytes(b"")
        with filler.open("r+b") as file:
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            os.posix_fallocate(file.fileno(), 0, free)

        refused = 0
        for number in range(400):
            draft = decision(number, detail="d" * 4_000)
            try:
                recorder.record_and_wait(draft)
            except RecordUnavailable:
                refused += 1
                if refused == 3:
                    break
            else:
                acknowledged.append(draft)
        assert refused == 3
        states = [recorder.state]
        denial = decision(600_000, outcome=Outcome.DENY)
        recorder.record_and_wait(denial)
        acknowledged.append(denial)

        filler.unlink()
        acknowledged.append(wait_until_permitted(recorder))
        states.append(recorder.state)
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
        sequencer.close()
    bench.drain()
    report = bench.verify()

    assert states == ["reserve", "ok"]
    assert {draft.id for draft in acknowledged} <= set(bench.ids())
    assert report.holds, report.lines()
    assert report.alarms == ()
    assert report.sealed == report.size
