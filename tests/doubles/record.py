"""A whole record in a temporary directory: real keys, real journals, a real sequencer.

Only time is given: a clock that a test moves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from gateway.audit.bundles import StoredEntry, add_bundles, read_entries
from gateway.audit.disk import Disk
from gateway.audit.entry import EntryDraft, Kind, Outcome, new_reference
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.audit.search import AuditFilter, Page, search
from gateway.audit.sequencer import Sequencer, SequencerTimes
from gateway.audit.verify import verify
from gateway.audit.verify_report import VerifyReport
from gateway.errors import KeysError
from gateway.keys import KeyRing

ORIGIN = "gate.example.police.uk/log"
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
# Small, so that segments turn within a test.
SMALL = RecorderLimits(
    segment_bytes=64 << 10, reserve_bytes=32 << 10, headroom_bytes=0, wait_seconds=2.0
)


def microseconds(at: datetime) -> int:
    """Give an instant in microseconds UTC."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def decision(number: int = 1, *, outcome: Outcome = Outcome.PERMIT, **facts: Any) -> EntryDraft:
    """Draft a decision about a payslip by the firefighter of that number."""
    draft = EntryDraft(
        kind=Kind.ACCESS,
        at_us=microseconds(START) + number,
        outcome=outcome,
        reference=new_reference(microseconds(START) + number),
        op="consultation",
        code="rule-permits" if outcome is Outcome.PERMIT else "clearance-too-low",
        organisation="cheshire-fire",
        staff_id=f"cheshire-fire/person-{number}",
        actor_name=f"firefighter-{number}@cheshire-fire",
        vetting="DBSB",
        function="pay.slip",
        regime="GP",
        subject=f"cheshire-fire/{40_000 + number}",
        ip="10.1.2.3",
        target="/OA_HTML/OA.jsp?OAFunc&person_id",
    )
    for name, value in facts.items():
        setattr(draft, name, value)
    return draft


class RecordBench:
    """A record with everything at hand; `at` is the present instant."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "record"
        self.directory.mkdir(parents=True)
        self.log = self.directory / "log"
        self.journal = self.directory / "journal"
        self.key_ring = KeyRing.init(directory / "keys")
        self.at = START

    @classmethod
    def found(cls, directory: Path, *, at: datetime) -> RecordBench:
        """Take up a record that was made before, with the keys that a ring of its day lacks."""
        bench = object.__new__(cls)
        bench.directory = directory / "record"
        bench.log = bench.directory / "log"
        bench.journal = bench.directory / "journal"
        with suppress(KeysError):  # it is complete
            KeyRing.init(directory / "keys")
        bench.key_ring = KeyRing.open(directory / "keys")
        bench.at = at
        return bench

    @contextmanager
    def recorder(
        self, limits: RecorderLimits = SMALL, disk: Disk | None = None
    ) -> Iterator[Recorder]:
        """Run a recorder."""
        recorder = Recorder(
            directory=self.directory,
            key_ring=self.key_ring,
            writer="worker",
            limits=limits,
            disk=disk,
        )
        recorder.start()
        try:
            yield recorder
        finally:
            recorder.close()

    @contextmanager
    def sequencer(
        self, disk: Disk | None = None, times: SequencerTimes | None = None
    ) -> Iterator[Sequencer]:
        """Hold a sequencer; the test calls `step`."""
        sequencer = Sequencer(
            directory=self.directory,
            key_ring=self.key_ring,
            origin=ORIGIN,
            clock=lambda: self.at,
            disk=disk,
            times=times,
        )
        try:
            yield sequencer
        finally:
            sequencer.close()

    def record(self, *drafts: EntryDraft) -> None:
        """Record entries by one writer that then ends in order."""
        with self.recorder() as recorder:
            for draft in drafts:
                recorder.record_and_wait(draft)

    def drain(self) -> int:
        """Put everything journalled into the log; return its size."""
        with self.sequencer() as sequencer:
            while sequencer.step():
                pass
            return sequencer.size

    def filled(self, visits: int = 20) -> RecordBench:
        """Fill the log with visits, every fifth of them refused."""
        drafts: list[EntryDraft] = []
        for number in range(visits):
            if number % 5 == 4:
                drafts.append(decision(number, outcome=Outcome.DENY))
            else:
                opened = decision(number)
                drafts += [opened, opened.result(Outcome.PERMIT, at_us=opened.at_us + 900)]
        with self.recorder() as recorder:
            for draft in drafts:
                recorder.queue(draft)
        self.drain()
        return self

    def checkpoint(self) -> str:
        """Read the newest checkpoint."""
        return (self.log / "checkpoint").read_text(encoding="utf-8")

    def verify(self, held: str | None = None) -> VerifyReport:
        """Verify the log with its public keys alone."""
        return verify(self.log, [key.key for key in self.key_ring.log_signing.public], held)

    def search(self, **wanted: Any) -> Page:
        """Search with the keys."""
        return search(self.log, self.key_ring, AuditFilter(**wanted))

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Change the log as its administrator could."""
        connection = sqlite3.connect(self.log / "log.sqlite")
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def entries(self) -> list[StoredEntry]:
        """List all entries in order."""
        with self.database() as connection:
            return list(read_entries(connection, 0))

    def ids(self) -> list[bytes]:
        """List the ids of all entries in order."""
        return [bytes.fromhex(orjson.loads(entry.envelope)["id"]) for entry in self.entries()]

    @contextmanager
    def rewriting(self) -> Iterator[list[StoredEntry]]:
        """Change the entries themselves as its administrator could, each in a bundle of its own."""
        entries = self.entries()
        yield entries
        with self.database() as connection:
            connection.execute("DELETE FROM bundle")
            for entry in entries:
                add_bundles(connection, entry.idx, bytes([entry.flag]), [entry.kept])

    def change(self, index: int, **facts: Any) -> None:
        """Change what the log keeps of one entry."""
        with self.rewriting() as entries:
            entries[index] = entries[index]._replace(**facts)
