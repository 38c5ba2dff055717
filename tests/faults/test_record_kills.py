"""kill -9 of whoever writes the record, at any moment, loses nothing that was acknowledged.

Sixty kills by default; `RECORD_KILLS=1000` for a long run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gateway.audit.log_store import CHECKPOINT_FILE
from tests.doubles.record import RecordBench
from tests.doubles.record_processes import now
from tests.doubles.waiting import wait_until

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("RECORD_KILLS", "60"))


class Victim:
    """A process that is going to be killed, and what it said before."""

    def __init__(self, bench: RecordBench, role: str, *rest: str) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.doubles.record_processes",
                role,
                str(bench.directory),
                str(bench.key_ring.directory),
                *rest,
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.lines: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.lines.append(line.strip())

    def wait_for_lines(self, count: int) -> None:
        wait_until(
            lambda: len(self.lines) >= count or self.process.poll() is not None,
            seconds=30,
            every=0.002,
            found=lambda: f"{len(self.lines)} lines",
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def drain(bench: RecordBench) -> None:
    """Put what was journalled into the log, at the time of those who wrote it."""
    bench.at = now()
    bench.drain()


def tell(**figures: int) -> None:
    """Say how far it is, for whoever runs it with `-s`."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


@pytest.mark.timeout(600 + 4 * KILLS)
def test_no_acknowledged_entry_is_lost_when_writers_and_sequencers_are_killed(
    tmp_path: Path,
) -> None:
    """Each round runs one of each and kills both, in random order, at random moments."""
    bench = RecordBench(tmp_path)
    generator = random.Random(20261120)
    acknowledged: list[bytes] = []
    held = None
    for round_number in range(KILLS // 2):
        writer = Victim(bench, "writer", str(round_number))
        sequencer = Victim(bench, "sequencer")
        writer.wait_for_lines(1)
        sequencer.wait_for_lines(1)
        victims = [writer, sequencer]
        generator.shuffle(victims)
        for victim in victims:
            time.sleep(generator.uniform(0.0, 0.12))
            victim.kill()
        acknowledged += writer.lines
        if round_number % 10 == 9:
            if (bench.log / CHECKPOINT_FILE).exists():  # on a busy machine none may be signed yet
                held = bench.checkpoint()
            drain(bench)
            assert bench.verify(held).holds
            tell(kills=2 * round_number + 2, acknowledged=len(acknowledged))
    drain(bench)
    report = bench.verify(held)
    stored = {entry_id.hex().encode() for entry_id in bench.ids()}

    assert len(acknowledged) > KILLS * 5
    assert len(set(acknowledged) - stored) == 0
    assert report.holds, report.lines()
    # A write that a kill cut between two pages is kept, with an alarm; nobody was told of it.
    assert {code for _, code in report.alarms} <= {"torn-end"}
    assert report.sealed == report.size
    assert list(bench.journal.iterdir()) == []


def test_the_check_finds_an_entry_that_was_lost(tmp_path: Path) -> None:
    """A negative control: take one acknowledged segment away, and the comparison must fail."""
    bench = RecordBench(tmp_path)
    writer = Victim(bench, "writer", "1")
    writer.wait_for_lines(200)
    writer.kill()
    min(bench.journal.rglob("0*.seg")).unlink()
    drain(bench)
    stored = {entry_id.hex().encode() for entry_id in bench.ids()}

    assert set(writer.lines) - stored
    assert "sequence-gap" in {code for _, code in bench.verify().alarms}
