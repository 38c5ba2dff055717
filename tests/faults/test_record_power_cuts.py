"""A power cut at any moment loses nothing that was acknowledged, and the log goes on from there.

kill -9 shows nothing of that: what a killed process wrote is in memory and reaches the disk later.
So writers and a sequencer run on a disk of which all is written down, and the cuts are made from
that (`tests/doubles/power_cut.py`): at moments drawn by chance, leaving none, some or all of what
was not flushed. Every run but the first begins with what such a cut has left. A hundred cuts by
default; `POWER_CUTS=1000` for a long run.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from click.testing import CliRunner

from gateway.audit.journal_tail import writers_in
from gateway.audit.log_store import CHECKPOINT_FILE, LOG_FOLDER
from gateway.cli.main import gateway
from gateway.errors import RecordError
from gateway.keys import KeyRing
from tests.doubles.power_cut import Disk, Event, Survives, built, events_of, traced
from tests.doubles.record import RecordBench
from tests.doubles.record_processes import now
from tests.doubles.waiting import wait_until

ROOT = Path(__file__).parents[2]
CUTS = int(os.environ.get("POWER_CUTS", "100"))
CUTS_A_RUN = 20
ACKNOWLEDGED = "acknowledged"  # beside journal and log, so that it has its place in their order
ENTRIES_A_RUN = 600  # acknowledged, and signed, at least
# Of what nobody was told of: bytes that are not all there, and what was written after them.
HALF_WRITTEN = {"torn-end", "damaged-frame", "sequence-gap"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was written down while entries were recorded and sequenced.

    Attributes:
        start: the disk before.
        events: what happened to it.
        acknowledged: ids of entries that had been acknowledged in the runs before.
    """

    start: Disk
    events: list[Event]
    acknowledged: frozenset[bytes]

    def acknowledged_on(self, disk: Disk) -> frozenset[bytes]:
        """Give the ids of all entries that were acknowledged by now."""
        return self.acknowledged | frozenset((disk.read(ACKNOWLEDGED) or b"").split())


class Bench:
    """Where records are run and cut, under one set of keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        KeyRing.init(self.keys)
        self.library = built(folder)
        self.places = 0
        self.roles = itertools.cycle(("sequencer", "sequencers"))

    def place(self) -> Path:
        """Give a place for a record, with the keys."""
        self.places += 1
        place = self.folder / f"place-{self.places}"
        place.mkdir()
        shutil.copytree(self.keys, place / "keys")
        return place

    def run(self, begun: Path | None, acknowledged: frozenset[bytes]) -> Run:
        """Record and sequence for a while, from what a cut has left on."""
        record = self.place() / "record"
        if begun is None:
            record.mkdir()
        else:
            shutil.copytree(begun, record)
        told = record / ACKNOWLEDGED
        told.write_bytes(b"")
        start, before = Disk(record), sealed(record)
        with (
            told.open("ab") as output,
            self.process("writer", record, str(self.places), stdout=output) as writer,
            self.process(next(self.roles), record, stdout=subprocess.DEVNULL) as sequencer,
        ):
            both = (writer, sequencer)
            try:
                wait_until(
                    lambda: (
                        min(told.read_bytes().count(b"\n"), sealed(record) - before)
                        >= ENTRIES_A_RUN
                        or any(each.poll() is not None for each in both)
                    ),
                    seconds=60,
                )
            finally:
                for each in both:
                    each.kill()
        events = events_of(record.with_name("trace"))
        return Run(start=start, events=events, acknowledged=acknowledged)

    def process(
        self, role: str, record: Path, *rest: str, stdout: BinaryIO | int
    ) -> subprocess.Popen[bytes]:
        """Start a process of which all is written down."""
        (trace := record.with_name("trace")).touch()
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.doubles.record_processes",
                role,
                str(record),
                str(self.keys),
                *rest,
            ],
            cwd=ROOT,
            env=traced(self.library, record, trace),
            stdout=stdout,
        )

    def fault(self, left: Path, disk: Disk, acknowledged: frozenset[bytes]) -> str:
        """Start from what a cut has left, as a gateway does; tell what is wrong, or nothing."""
        held = left.with_name("held")
        arguments = ["--log", str(left / LOG_FOLDER), "--public-key", str(self.public_key)]
        # Whatever was signed may have been seen, although it was not flushed yet.
        if seen := disk.read(f"{LOG_FOLDER}/{CHECKPOINT_FILE}"):
            held.write_bytes(seen)
            arguments += ["--checkpoint", str(held)]
        bench = RecordBench.found(left.parent, at=now())
        try:
            bench.drain()
        except RecordError as error:
            return str(error)
        ids = [each.hex().encode() for each in bench.ids()]
        report = bench.verify()
        if lost := acknowledged - set(ids):
            return f"{len(lost)} of {len(acknowledged)} acknowledged are lost"
        if len(ids) != len(set(ids)):
            return "an entry is there twice"
        verified = CliRunner().invoke(gateway, ["audit", "verify", *arguments])
        if verified.exit_code:
            return verified.output
        if alarms := {code for _, code in report.alarms} - HALF_WRITTEN:
            return f"alarms: {alarms}"
        if report.sealed != report.size or writers_in(bench.journal):
            return "not all is sealed"
        return ""

    @property
    def public_key(self) -> Path:
        """The log's key, for `gateway audit verify`."""
        (found,) = self.keys.glob("log-signing-*.pub.pem")
        return found


def sealed(record: Path) -> int:
    """Give how many entries the newest checkpoint is of."""
    path = record / LOG_FOLDER / CHECKPOINT_FILE
    return int(path.read_text().split("\n")[1]) if path.exists() else 0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("cuts"))


@pytest.fixture(scope="module")
def first(bench: Bench) -> Run:
    """Give a run that begins with nothing."""
    return bench.run(None, frozenset())


def moments(run: Run, chance: random.Random, *lies_about: str) -> Iterator[tuple[int, Disk]]:
    """Draw moments of a run, and give the disk as it is after so many of its events."""
    disk, done = copy.deepcopy(run.start), 0
    disk.lies_about = lies_about
    for moment in sorted(chance.sample(range(1, len(run.events) + 1), CUTS_A_RUN)):
        for event in run.events[done:moment]:
            disk.note(event)
        yield moment, disk
        done = moment


def tell(**figures: object) -> None:
    """Say how far it is, for whoever runs it with `-s`."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


@pytest.mark.timeout(300 + 3 * CUTS)
def test_a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged(
    bench: Bench, first: Run
) -> None:
    """Whatever is left of what was not flushed; the log goes on from the last that was seen."""
    chance, made, run = random.Random(20261122), Counter[str](), first
    while True:
        begun, acknowledged = Path(), run.acknowledged
        for moment, disk in moments(run, chance):
            acknowledged = run.acknowledged_on(disk)
            survives = chance.choice(list(Survives))
            left, begun = bench.place() / "record", bench.place() / "record"
            disk.leave(left, survives, chance)
            shutil.copytree(left, begun)
            what = f"{survives.value}, after {moment} of {len(run.events)} events"
            assert bench.fault(left, disk, acknowledged) == "", what
            made[survives.value] += 1
        tell(cuts=made.total(), events=len(run.events), acknowledged=len(acknowledged), **made)
        if made.total() >= CUTS:
            break
        run = bench.run(begun, acknowledged)

    assert len(acknowledged) > 5 * CUTS
    assert len(run.events) > 1_000
    assert len(made) == len(Survives)


@pytest.mark.parametrize(
    "lies_about", [".seg", "-wal", ".new"], ids=["the journal", "the log", "tiles and checkpoints"]
)
def test_the_check_finds_a_disk_that_does_not_flush(
    bench: Bench, first: Run, lies_about: str
) -> None:
    """A negative control: without the flushes of these files alone, a cut does harm."""
    chance, faults = random.Random(1), []
    for _, disk in moments(first, chance, lies_about):
        left = bench.place() / "record"
        disk.leave(left, Survives.NOTHING, chance)
        if fault := bench.fault(left, disk, first.acknowledged_on(disk)):
            faults.append(fault)
    tell(lies_about=lies_about, cuts=CUTS_A_RUN, faults=faults)

    assert faults


def test_the_trace_tells_every_byte(bench: Bench) -> None:
    """What goes past it would be on no disk: once all has ended in order it tells all there is."""
    record = bench.place() / "record"
    record.mkdir()
    disk, told = Disk(record), record.with_name("told")
    with bench.process("both", record, stdout=subprocess.DEVNULL) as process:
        assert process.wait(60) == 0
    for event in events_of(record.with_name("trace")):
        disk.note(event)
    disk.leave(told, Survives.ALL, random.Random(1))

    assert contents(told) == contents(record)
    assert len(contents(record)) > 5


def contents(folder: Path) -> dict[str, bytes | None]:
    """Read all that is below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
