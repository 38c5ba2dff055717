"""Processes that write and sequence a record until they are killed; started by the fault tests.

    python -m tests.doubles.record_processes writer <record> <keys> <seed>
    python -m tests.doubles.record_processes sequencer <record> <keys>

A writer prints the id of each entry once it was acknowledged, and only then.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from gateway.audit.entry import EntryDraft
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.audit.sequencer import Sequencer, SequencerTimes
from gateway.keys import KeyRing
from tests.doubles.record import ORIGIN, decision

# Segments of a few dozen entries, so that kills fall around their turning too.
LIMITS = RecorderLimits(segment_bytes=64 << 10, reserve_bytes=16 << 10, headroom_bytes=0)
VISITORS = 8


def write(directory: Path, key_ring: KeyRing, seed: int) -> None:
    """Record visits on several threads until killed."""
    recorder = Recorder(directory=directory, key_ring=key_ring, writer="worker", limits=LIMITS)
    recorder.start()

    def visit(turn: int) -> None:
        number = 0
        while True:
            number += 1
            draft = decision(turn * 1_000_000 + number, detail="d" * (number * 97 % 2_000))
            recorder.record_and_wait(draft, 30.0)
            acknowledge(draft)
            if number % 3:
                recorder.close_visit((draft.id.hex(), draft.at_us + 1, 200, 1, 2, 3))

    for turn in range(VISITORS):
        threading.Thread(target=visit, args=(seed * 100 + turn,), daemon=True).start()
    threading.Event().wait()


def acknowledge(draft: EntryDraft) -> None:
    """Tell the test, in one write that a kill cannot split."""
    os.write(1, draft.id.hex().encode() + b"\n")


def sequence(directory: Path, key_ring: KeyRing) -> None:
    """Sequence until killed."""
    sequencer = Sequencer(
        directory=directory,
        key_ring=key_ring,
        origin=ORIGIN,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - a process of its own has its own clock
        times=SequencerTimes(tick_seconds=0.005),
    )
    os.write(1, b"leading\n")
    sequencer.run(threading.Event())


if __name__ == "__main__":
    role, record, keys, *rest = sys.argv[1:]
    if role == "writer":
        write(Path(record), KeyRing.open(Path(keys)), int(rest[0]))
    else:
        sequence(Path(record), KeyRing.open(Path(keys)))
