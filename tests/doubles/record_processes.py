"""Processes that write and sequence a record until they are killed; started by the fault tests.

    python -m tests.doubles.record_processes writer <record> <keys> <seed>
    python -m tests.doubles.record_processes sequencer <record> <keys>
    python -m tests.doubles.record_processes sequencers <record> <keys>
    python -m tests.doubles.record_processes both <record> <keys>

A writer prints the id of each entry once it was acknowledged, and only then. Of sequencers one ends
in order when the next begins. Both in one end by themselves, in order.
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
from tests.doubles.record import ORIGIN, START, decision, microseconds

# Segments of a few dozen entries, so that kills fall around their turning too.
LIMITS = RecorderLimits(segment_bytes=64 << 10, reserve_bytes=16 << 10, headroom_bytes=0)
VISITORS = 8
ENTRIES = 300
TURN_SECONDS = 0.15


def write(directory: Path, key_ring: KeyRing, seed: int) -> None:
    """Record visits on several threads until killed."""
    recorder = Recorder(directory=directory, key_ring=key_ring, writer="worker", limits=LIMITS)
    recorder.start()

    def visit(turn: int) -> None:
        number = 0
        while True:
            number += 1
            # Of this moment, as the sequencer's own entries are: what is looked up is where entries
            # of its time are, and entries of two clocks would have all of the log read for each.
            passed_us = microseconds(now()) - microseconds(START)
            draft = decision(passed_us, detail="d" * ((turn + number) * 97 % 2_000))
            recorder.record_and_wait(draft, 30.0)
            acknowledge(draft)
            if number % 3:
                recorder.close_visit((draft.id.hex(), draft.at_us + 1, 200, 1, 2, 3))

    for turn in range(VISITORS):
        threading.Thread(target=visit, args=(seed * 100 + turn,), daemon=True).start()
    threading.Event().wait()


def now() -> datetime:
    """Give the present instant."""
    return datetime.now(UTC)  # noqa: TID251 - a process of its own has its own clock


def acknowledge(draft: EntryDraft) -> None:
    """Tell the test, in one write that a kill cannot split."""
    os.write(1, draft.id.hex().encode() + b"\n")


def sequence(directory: Path, key_ring: KeyRing, stop: threading.Event) -> None:
    """Sequence until told to stop, or killed."""
    sequencer = Sequencer(
        directory=directory,
        key_ring=key_ring,
        origin=ORIGIN,
        clock=now,
        times=SequencerTimes(tick_seconds=0.005),
    )
    # So that it copies its WAL into the log and begins it anew now and then, as days bring about.
    sequencer._store._connection.execute("PRAGMA wal_autocheckpoint = 100")
    os.write(1, b"leading\n")
    sequencer.run(stop)
    sequencer.close()


def sequence_in_turns(directory: Path, key_ring: KeyRing) -> None:
    """Sequence by one after the other until killed."""
    while True:
        stop = threading.Event()
        threading.Timer(TURN_SECONDS, stop.set).start()
        sequence(directory, key_ring, stop)


def record_and_sequence(directory: Path, key_ring: KeyRing) -> None:
    """Record some, sequence them while that goes on, and end in order."""
    stop = threading.Event()
    sequencing = threading.Thread(target=sequence, args=(directory, key_ring, stop))
    recorder = Recorder(directory=directory, key_ring=key_ring, writer="worker", limits=LIMITS)
    recorder.start()
    sequencing.start()
    for number in range(ENTRIES):
        recorder.record_and_wait(decision(number, detail="d" * 2_000), 30.0)
    recorder.close()
    stop.set()
    sequencing.join()


if __name__ == "__main__":
    role, record, keys, *rest = sys.argv[1:]
    place = Path(record), KeyRing.open(Path(keys))
    if role == "writer":
        write(*place, int(rest[0]))
    elif role == "sequencer":
        sequence(*place, threading.Event())
    elif role == "sequencers":
        sequence_in_turns(*place)
    else:
        record_and_sequence(*place)
