"""The log file keeps entries, positions and heads together, and is nobody else's file."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

import orjson
import pytest

from gateway.audit.columns import KIND_CODES, OUTCOME_CODES, PHASE_CODES
from gateway.audit.entry import Kind, Outcome, Phase
from gateway.audit.errors import LogStoreError
from gateway.audit.log_store import SCHEMA, EntryRow, JournalPosition, LogStore, open_for_reading
from tests.doubles.frozen_log import FACTS, unpack
from tests.doubles.record import decision

OLDER_LOGS = Path(__file__).with_name("older_logs")


def row(index: int, at_us: int = 0) -> EntryRow:
    return EntryRow(
        index, index.to_bytes(16, "big"), at_us, 0, 0, 0, None, None, None, 0, None, None, None,
        b"{}", None,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> LogStore:
    return LogStore(tmp_path)


def test_the_codes_that_are_stored_never_change() -> None:
    """They are in every log there is."""
    assert [KIND_CODES[kind] for kind in Kind] == list(range(11))
    assert list(KIND_CODES) == [
        "access", "signin", "signout", "policy_edit", "vetting_change", "key_op", "export",
        "audit_query", "system", "heartbeat", "leak",
    ]  # fmt: skip
    assert dict(PHASE_CODES) == {"decision": 0, "result": 1}
    assert dict(OUTCOME_CODES) == {"permit": 0, "deny": 1, "error": 2, "unknown": 3}
    assert (len(Phase), len(Outcome)) == (2, 4)


def test_every_commit_is_durable(tmp_path: Path, store: LogStore) -> None:
    """A WAL with `synchronous` below FULL loses acknowledged entries in a power cut."""
    connection = store._connection

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert (tmp_path / "log.sqlite").exists()


def test_what_fails_within_a_transaction_leaves_nothing(store: LogStore) -> None:
    def fail_half_way() -> None:
        with store.transaction():
            store.add([row(0)])
            store.add([row(0)])

    with pytest.raises(sqlite3.IntegrityError):
        fail_half_way()
    assert store.size() == 0


def test_an_id_twice_adds_nothing_of_its_batch(store: LogStore) -> None:
    with store.transaction():
        store.add([row(0)])
    with pytest.raises(sqlite3.IntegrityError), store.transaction():
        store.add([row(1), row(2), row(0)._replace(idx=3)])

    assert store.size() == 1


def test_blocks_hold_the_span_of_time_of_their_entries(store: LogStore) -> None:
    with store.transaction():
        store.add([row(index, at_us=1_000 + index) for index in range(1_000)])
    with store.transaction():
        store.add(
            [row(index, at_us=500 if index == 1_010 else 3_000) for index in range(1_000, 1_030)]
        )
    spans = store._connection.execute("SELECT * FROM block ORDER BY number").fetchall()

    assert spans == [(0, 500, 3_000), (1, 3_000, 3_000)]


def test_a_journal_position_goes_both_ways(store: LogStore) -> None:
    position = JournalPosition(
        writer="worker-1", segment=3, offset=99, wseq=7, undecided=(b"a" * 16, b"b" * 16)
    )
    with store.transaction():
        store.save_journal(position)
        store.save_journal(JournalPosition(writer="worker-2", closed=True))

    assert store.journal("worker-1") == position
    assert store.journal("worker-3") is None
    assert store.open_journals() == [position]


def test_of_one_minute_the_last_checkpoint_is_kept(store: LogStore) -> None:
    with store.transaction():
        for minute, size in ((1, 10), (1, 11), (2, 12)):
            store.save_checkpoint(minute=minute, size=size, note=f"note {size}")

    kept = store._connection.execute("SELECT size FROM checkpoint ORDER BY size").fetchall()
    assert kept == [(11,), (12,)]
    assert store.last_checkpoint() == "note 12"


def test_another_file_is_not_taken_for_a_log(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute("CREATE TABLE session (id)")
    connection.commit()
    connection.close()

    with pytest.raises(LogStoreError, match="not a log of the gateway"):
        LogStore(tmp_path)
    with pytest.raises(LogStoreError, match="not a log of the gateway"):
        open_for_reading(tmp_path)


def test_an_older_log_is_read_once_the_sequencer_has_brought_it_up(
    tmp_path: Path, store: LogStore
) -> None:
    store._connection.execute("PRAGMA user_version = 3")
    store.close()

    with pytest.raises(LogStoreError, match="version 3; the sequencer brings it to version 4"):
        open_for_reading(tmp_path)


def test_a_newer_log_is_refused(tmp_path: Path, store: LogStore) -> None:
    store._connection.execute("PRAGMA user_version = 9")
    store.close()

    with pytest.raises(LogStoreError, match="unknown version 9"):
        LogStore(tmp_path)


def test_garbage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(b"garbage" * 1_000)

    with pytest.raises(LogStoreError, match="cannot"):
        LogStore(tmp_path)
    with pytest.raises(LogStoreError, match="cannot read"):
        open_for_reading(tmp_path)


def test_reading_needs_a_log_and_cannot_change_it(tmp_path: Path) -> None:
    with pytest.raises(LogStoreError, match="there is no"):
        open_for_reading(tmp_path)
    LogStore(tmp_path).close()
    reader = open_for_reading(tmp_path)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM entry")
    reader.close()


def test_persons_and_references_are_found_by_an_index(store: LogStore) -> None:
    plans = Counter(
        store._connection.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM entry WHERE {wanted} = ? AND idx < 9 "  # noqa: S608
            "ORDER BY idx DESC",
            ("x",),
        ).fetchone()[3].split(" USING ")[1].split(" ")[1]
        for wanted in ("reference", "idx >> 14 = 0 AND actor", "idx >> 14 = 0 AND subject")
    )  # fmt: skip

    assert plans == {"entry_reference": 1, "entry_actor": 1, "entry_subject": 1}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_log_is_brought_to_this_version(
    tmp_path: Path, store: LogStore, version: int
) -> None:
    connection = store._connection
    parts = {1: "", 2: "idx >> 16, ", 3: "idx >> 16, "}[version]
    with store.transaction():
        result = orjson.dumps({"corr": bytes(16).hex()})
        store.add([row(0), row(1)._replace(phase=1, envelope=result)])
        store.note_closed([(0, 1)], [])
        for column in ("actor", "subject"):
            connection.execute(f"DROP INDEX entry_{column}")
            connection.execute(
                f"CREATE INDEX entry_{column} ON entry ({parts}{column}) WHERE {column} IS NOT NULL"
            )
        if version < 3:
            connection.execute("DROP TABLE closing")
        connection.execute(f"PRAGMA user_version = {version}")
    store.close()

    brought = LogStore(tmp_path)
    stored = brought._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")

    assert sorted(sql for (sql,) in stored) == sorted(SCHEMA)
    assert brought.size() == 2
    assert brought._connection.execute("SELECT * FROM closing").fetchall() == [(0, 1)]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_what_a_program_of_each_version_wrote_lives_on(tmp_path: Path, version: int) -> None:
    """Its log, its journal, its keys: brought up to date, found, added to, proved."""
    bench = unpack(OLDER_LOGS / f"version-{version}.tar.xz", tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text("utf-8"))
    before = len(bench.ids())
    bench.drain()
    drained = bench.ids()
    bench.record(decision(5_000))
    bench.drain()
    shown = {}
    for entry_id, reference, staff_id in facts["acknowledged"]:
        rows = {each.id.hex(): each for each in bench.search(reference=reference).rows}
        shown[entry_id] = staff_id == "" or rows[entry_id].personal["staff_id"] == staff_id
    with bench.database() as log:
        (open_visits,) = log.execute(
            "SELECT count(*) FROM entry LEFT JOIN closing ON decision = idx"
            " WHERE kind = 0 AND phase = 0 AND outcome = 0 AND result IS NULL"
        ).fetchone()

    assert before == facts["size"]
    assert len(drained) > before
    assert shown.keys() <= {each.hex() for each in drained}
    assert all(shown.values())
    assert open_visits == 0
    assert all(bench.verify(held).holds for held in facts["held"])
