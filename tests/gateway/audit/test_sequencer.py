"""One order, one leader, one history: whatever dies, and whenever."""

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from gateway.audit import sequencer as sequencer_module
from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.audit.errors import LogForkedError, SequencerBusyError
from gateway.audit.sequencer import Sequencer, SequencerTimes
from gateway.keys import KeyPurpose
from tests.doubles.faulty_disk import FaultyDisk
from tests.doubles.record import ORIGIN, RecordBench, decision


def test_what_was_recorded_is_in_the_log_under_a_signed_head(bench: RecordBench) -> None:
    drafts = [decision(number) for number in range(5)]
    bench.record(*drafts)
    with bench.sequencer() as sequencer:
        sequencer.step()

        assert sequencer.sealed_size == sequencer.size
    keys = [key.key for key in bench.key_ring.log_signing.public]
    head = open_checkpoint(bench.checkpoint(), keys, origin=ORIGIN)

    assert head.size == len(bench.ids())
    assert set(bench.ids()) >= {draft.id for draft in drafts}


def test_a_drained_journal_of_a_dead_writer_is_removed(bench: RecordBench) -> None:
    bench.record(decision(1))
    bench.drain()

    assert list(bench.journal.iterdir()) == []


def test_an_idle_sequencer_writes_nothing_but_a_heartbeat(bench: RecordBench) -> None:
    bench.filled(3)
    with bench.sequencer() as sequencer:
        sequencer.step()
        sequencer.step()  # the table of checkpoints follows the file one step later
        size, head = sequencer.size, bench.checkpoint()
        changed = (bench.log / "log.sqlite-wal").stat().st_mtime_ns
        for _ in range(5):
            bench.at += timedelta(minutes=2)
            sequencer.step()

        assert (sequencer.size, bench.checkpoint()) == (size, head)
        assert (bench.log / "log.sqlite-wal").stat().st_mtime_ns == changed
        bench.at += timedelta(minutes=6)
        sequencer.step()
        sequencer.step()
        assert sequencer.size == size + 1
    assert bench.search(limit=1).rows[0].kind is Kind.HEARTBEAT


def test_only_one_leads(bench: RecordBench) -> None:
    first = bench.sequencer()
    with first, pytest.raises(SequencerBusyError, match="leads"), bench.sequencer():
        pass
    with bench.sequencer() as sequencer:
        sequencer.step()


def test_a_permitted_visit_whose_process_died_is_closed_as_unknown(bench: RecordBench) -> None:
    lost, closed, denied = decision(1), decision(2), decision(3, outcome=Outcome.DENY)
    bench.record(lost, closed, closed.result(Outcome.PERMIT, at_us=closed.at_us + 9), denied)
    bench.drain()
    results = {
        reference: row.result.outcome if (row := bench.search(reference=reference).rows[0]).result
        else None
        for reference in (lost.reference, closed.reference, denied.reference)
    }  # fmt: skip

    assert results == {
        lost.reference: Outcome.UNKNOWN,
        closed.reference: Outcome.PERMIT,
        denied.reference: None,
    }
    assert [row.id for row in bench.search(outcome=Outcome.UNKNOWN).rows] == [lost.id]


def test_a_living_process_is_given_time_over_restarts_of_the_sequencer(bench: RecordBench) -> None:
    draft = decision(1)
    with bench.recorder() as recorder:
        recorder.record_and_wait(draft)
        bench.drain()
        bench.drain()
        assert bench.search(reference=draft.reference).rows[0].result is None
        recorder.record_and_wait(draft.result(Outcome.ERROR, at_us=draft.at_us + 1))
    bench.drain()
    row = bench.search(reference=draft.reference).rows[0]

    assert row.result is not None
    assert row.result.outcome is Outcome.ERROR
    assert bench.search(outcome=Outcome.UNKNOWN).rows == ()


def test_a_visit_open_over_a_restart_is_closed_when_its_process_dies(bench: RecordBench) -> None:
    draft = decision(1)
    with bench.recorder() as recorder:
        recorder.record_and_wait(draft)
        bench.drain()
    bench.drain()

    assert [row.id for row in bench.search(outcome=Outcome.UNKNOWN).rows] == [draft.id]


def test_several_writers_share_one_log(bench: RecordBench) -> None:
    drafts = [decision(number) for number in range(30)]
    with bench.recorder() as one, bench.recorder() as two, bench.sequencer() as sequencer:
        for number, draft in enumerate(drafts):
            (one if number % 2 else two).record_and_wait(draft)
            if number % 7 == 0:
                sequencer.step()
    bench.drain()

    assert set(bench.ids()) >= {draft.id for draft in drafts}
    assert bench.verify().holds


def test_running_stops_when_told_and_leaves_nothing_unsealed(bench: RecordBench) -> None:
    stop = threading.Event()
    sequencer = Sequencer(
        directory=bench.directory,
        key_ring=bench.key_ring,
        origin=ORIGIN,
        clock=lambda: bench.at,
        times=SequencerTimes(tick_seconds=0.02),
    )
    thread = threading.Thread(target=sequencer.run, args=(stop,))
    thread.start()
    bench.record(*(decision(number) for number in range(20)))
    stop.set()
    thread.join(10)

    assert not thread.is_alive()
    assert sequencer.sealed_size == sequencer.size
    sequencer.close()
    assert bench.search(kind=Kind.ACCESS, limit=50).rows[-1].personal_state == "shown"


class CountingStop(threading.Event):
    """Notes how long it is waited for, and waits for nothing; set after the third time."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        if len(self.waits) > 2:
            self.set()
        return self.is_set()


def test_many_entries_make_the_next_look_later_few_do_not(bench: RecordBench) -> None:
    """By far more than a look takes, so that a slow machine tells them apart too."""
    stop = CountingStop()
    times = SequencerTimes(tick_seconds=100, busy_tick_seconds=1000)
    with bench.sequencer(times=times) as sequencer, bench.recorder() as recorder:
        for number in range(800):
            recorder.queue(decision(number))
        recorder.record_and_wait(decision(800))
        sequencer.run(stop)

    assert stop.waits[0] > 100
    assert max(stop.waits[1:]) <= 100


@dataclass(slots=True, kw_only=True)
class Busy:
    """A sequencer for which much waits, how many entries each transaction added, and the seals."""

    sequencer: Sequencer
    drafts: list[EntryDraft]
    added: list[int] = field(default_factory=list)
    sealed: list[int] = field(default_factory=list)


@pytest.fixture
def busy(bench: RecordBench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    """Two writers have filled many segments, of which each is read by itself."""
    monkeypatch.setattr(sequencer_module, "_TAKEN_BYTES", 100_000)
    drafts = [decision(number, detail="d" * 3_000) for number in range(240)]
    with bench.recorder() as first, bench.recorder() as second, bench.sequencer() as sequencer:
        sequencer.step()
        seen = Busy(sequencer=sequencer, drafts=drafts)
        add, seal = sequencer._store.add, sequencer._seal

        def added(flags: bytes, *entries: Any) -> None:
            seen.added.append(len(flags))
            add(flags, *entries)

        def sealed(at: datetime) -> None:
            seal(at)
            seen.sealed.append(sequencer.sealed_size)

        monkeypatch.setattr(sequencer._store, "add", added)
        monkeypatch.setattr(sequencer, "_seal", sealed)
        for one, other in zip(drafts[:120], drafts[120:], strict=True):
            first.queue(one)
            second.queue(other)
        first.record_and_wait(decision(998))
        second.record_and_wait(decision(999))
        yield seen


def test_what_waits_is_taken_in_bit_by_bit_and_sealed_together(
    bench: RecordBench, busy: Busy
) -> None:
    """Memory is for one bit; sealing costs the same for all."""
    size = busy.sequencer.size
    took = busy.sequencer.step()

    assert took == sum(busy.added) == busy.sequencer.size - size > len(busy.drafts)
    assert len(busy.added) > 4
    assert max(busy.added) <= 2 * (64 << 10) // 3_000  # a segment of each, half of what is taken
    assert busy.sealed == [busy.sequencer.size]
    assert set(bench.ids()) >= {draft.id for draft in busy.drafts}
    assert bench.verify().holds


def test_no_entry_waits_for_its_seal_behind_too_many(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer_module, "_SEALED_TOGETHER", 60)
    size, stop = busy.sequencer.size, CountingStop()
    busy.sequencer.run(stop)
    steps = [after - before for before, after in pairwise([size, *busy.sealed])]

    assert len(steps) > 2
    assert all(each >= 60 for each in steps[:-1])
    assert all(each < 60 + max(busy.added) for each in steps)
    assert len(stop.waits) == 3  # none between steps that left something


def test_who_is_told_to_stop_seals_all_that_waits(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer_module, "_SEALED_TOGETHER", 60)
    stop = threading.Event()
    stop.set()
    busy.sequencer.run(stop)

    assert sum(busy.added) > len(busy.drafts)
    assert busy.sealed[-1] == busy.sequencer.size


def test_a_failure_half_way_leaves_each_entry_in_the_log_once(
    bench: RecordBench, busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = busy.sequencer._store.add

    def fail_third(flags: bytes, *entries: Any) -> None:
        add(flags, *entries)
        if len(busy.added) == 3:
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(busy.sequencer._store, "add", fail_third)
    with pytest.raises(sqlite3.OperationalError):
        busy.sequencer.step()
    assert busy.sealed == [busy.sequencer.size]
    busy.sequencer.step()
    report = bench.verify()

    assert sorted(busy.sealed) == [*busy.sealed] == [busy.sealed[0], busy.sequencer.size]
    assert report.holds
    assert report.alarms == ()
    assert report.sealed == report.size
    assert set(bench.ids()) >= {draft.id for draft in busy.drafts}


def test_the_table_of_checkpoints_follows_the_file(bench: RecordBench) -> None:
    bench.filled(5)
    with bench.database() as connection:
        kept = connection.execute("SELECT note FROM checkpoint ORDER BY size DESC").fetchone()

    assert kept == (bench.checkpoint(),)


@pytest.mark.parametrize("operation", ["write", "flush", "rename", "flush_directory"])
def test_a_fault_at_the_nth_operation_is_survived_without_a_restart_and_with_one(
    bench: RecordBench, operation: str
) -> None:
    """Tiles, checkpoint: fail each in turn; the same sequencer and the next one go on."""
    nth, failed = 0, True
    while failed:
        nth += 1
        drafts = [decision(number) for number in range(90)]
        disk = FaultyDisk()
        failed = False
        with bench.sequencer(disk) as sequencer:
            disk.fail(operation, nth, errno.ENOSPC)
            for part in (drafts[:30], drafts[30:60]):
                bench.record(*part)
                try:
                    sequencer.step()
                except OSError:
                    failed = True
            if nth % 2:
                sequencer.step()
        bench.record(*drafts[60:])
        bench.drain()
        report = bench.verify()

        assert report.holds, report.lines()
        assert report.sealed == report.size
        assert report.alarms == ()
        assert set(bench.ids()) >= {draft.id for draft in drafts}
    assert nth > 2


def test_a_failed_transaction_is_done_again_whole(bench: RecordBench) -> None:
    drafts = [decision(number) for number in range(10)]
    with bench.recorder() as recorder, bench.sequencer() as sequencer:
        for draft in drafts[:5]:
            recorder.record_and_wait(draft)
        sequencer.step()
        connection = sequencer._store._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        for number in range(60):
            recorder.record_and_wait(decision(100 + number, detail="d" * 3_000))
        with pytest.raises(sqlite3.OperationalError, match="full"):
            sequencer.step()
        connection.execute("PRAGMA max_page_count = 1000000")
        for draft in drafts[5:]:
            recorder.record_and_wait(draft)
        sequencer.step()
    bench.drain()
    report = bench.verify()

    assert report.holds
    assert report.alarms == ()
    assert set(bench.ids()) >= {draft.id for draft in drafts}


def test_a_file_locked_by_somebody_else_is_waited_for(bench: RecordBench) -> None:
    bench.filled(2)
    stop = threading.Event()
    with bench.sequencer() as sequencer, bench.database() as other:
        sequencer._store._connection.execute("PRAGMA busy_timeout = 10")
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=sequencer.run, args=(stop,))
        thread.start()
        bench.record(decision(1))
        thread.join(0.5)
        assert thread.is_alive()
        other.rollback()
        stop.set()
        thread.join(10)

        assert not thread.is_alive()
    bench.drain()
    assert bench.verify().holds


def test_a_log_that_cannot_be_read_for_a_while_takes_in_everything_once(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails amid a look, when some of what the journals hold has been admitted already."""
    first, second = decision(1), decision(2)
    bench.record(first)
    bench.drain()
    bench.record(second, *(each.result(Outcome.PERMIT, at_us=5) for each in (second, first)))
    with bench.sequencer() as sequencer:
        with monkeypatch.context() as patch:
            patch.setattr(sequencer._store, "find", _locked)
            with pytest.raises(sqlite3.OperationalError):
                sequencer.step()
        sequencer.step()

    assert [row.clear["code"] for row in bench.search(kind=Kind.SYSTEM).rows] == [
        "sequencer-started",
        "sequencer-started",
    ]
    assert bench.verify().holds


def _locked(_: bytes) -> None:
    raise sqlite3.OperationalError("database is locked")


def test_a_log_rolled_back_to_a_backup_is_not_signed_on(bench: RecordBench) -> None:
    bench.filled(5)
    backup = bench.log.parent / "backup.sqlite"
    shutil.copy(bench.log / "log.sqlite", backup)
    bench.filled(5)
    shutil.copy(backup, bench.log / "log.sqlite")

    with pytest.raises(LogForkedError, match="rolled back"), bench.sequencer():
        pass


def test_a_log_that_vanished_is_not_begun_anew(bench: RecordBench) -> None:
    bench.filled(3)
    (bench.log / "log.sqlite").unlink()

    with pytest.raises(LogForkedError, match="holds 0 entries"), bench.sequencer():
        pass


def test_changed_tiles_are_not_signed_on(bench: RecordBench) -> None:
    bench.filled(5)
    tile = max((bench.log / "tile/0/000.p").iterdir(), key=lambda path: int(path.name))
    content = bytearray(tile.read_bytes())
    content[3] ^= 1
    tile.write_bytes(content)

    with pytest.raises(LogForkedError, match="do not give the root"), bench.sequencer():
        pass


def test_changed_recent_entries_are_not_signed_on(bench: RecordBench) -> None:
    bench.filled(5)
    bench.change(2, envelope=bench.entries()[2].envelope + b" ")

    with pytest.raises(LogForkedError, match="not those that were signed"), bench.sequencer():
        pass


def test_the_larger_of_the_two_kept_heads_counts(bench: RecordBench) -> None:
    """A crash may fall between table and file; neither may be used to go back."""
    bench.filled(5)
    old = bench.checkpoint()
    bench.filled(5)
    (bench.log / "checkpoint").write_text(old)
    bench.drain()

    assert bench.verify().holds
    with bench.database() as connection:
        connection.execute("DELETE FROM checkpoint")
    bench.drain()
    assert bench.verify(held=old).holds


def test_a_checkpoint_of_another_key_stops_it(bench: RecordBench) -> None:
    bench.filled(2)
    note = bench.checkpoint()
    (bench.log / "checkpoint").write_text(note.replace("\n— ", "\n— x"))

    with pytest.raises(Exception, match="checkpoint"), bench.sequencer():
        pass


def test_a_rotated_signing_key_signs_on_and_the_old_heads_still_count(bench: RecordBench) -> None:
    bench.filled(4)
    old = bench.checkpoint()
    bench.key_ring = bench.key_ring.rotate(KeyPurpose.LOG_SIGNING, at=bench.at)
    bench.at += timedelta(minutes=5)
    bench.filled(4)
    report = bench.verify(held=old)

    assert report.holds
    assert report.held_size is not None
    assert report.checkpoints >= 3


def test_a_journal_that_was_drained_but_not_removed_is_not_drained_again(
    bench: RecordBench,
) -> None:
    """A crash between the transaction and the removal."""
    bench.record(*(decision(number) for number in range(5)))
    folder = next(bench.journal.iterdir())
    shutil.copytree(folder, bench.journal.parent / "copy")
    bench.drain()
    size = len(bench.ids())
    shutil.copytree(bench.journal.parent / "copy", folder)
    bench.drain()

    assert len(bench.ids()) == size + 1  # the start of the sequencer
    assert not folder.exists()
    assert bench.verify().alarms == ()


def test_the_log_is_not_open_to_others(bench: RecordBench) -> None:
    os.umask(0o022)
    bench.filled(2)
    open_to_all = [
        path.name
        for path in (bench.log / "checkpoint", *bench.log.glob("log.sqlite*"))
        if path.stat().st_mode & 0o007
    ]

    assert open_to_all == []
