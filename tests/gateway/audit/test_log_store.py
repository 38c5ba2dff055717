"""The log file keeps entries, positions and heads together, and is nobody else's file."""

import json
import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit import blocks, open_part, persons
from gateway.audit.bundles import StoredEntry
from gateway.audit.clear_text import clear_text
from gateway.audit.columns import KIND_CODES, OUTCOME_CODES, PHASE_CODES, ClearColumns
from gateway.audit.entry import Kind, Outcome, Phase, new_entry_id
from gateway.audit.errors import LogStoreError
from gateway.audit.log_store import (
    SCHEMA,
    SCHEMA_VERSION,
    JournalPosition,
    LogStore,
    open_for_reading,
)
from gateway.audit.sealing import NO_PSEUDONYM
from tests.doubles.frozen_log import FACTS, unpack
from tests.doubles.record import decision
from tests.gateway.audit.test_log_upgrade import OLDER_LOGS


def kept(envelope: bytes) -> bytes:
    return StoredEntry(0, 0, NO_PSEUDONYM, NO_PSEUDONYM, NO_PSEUDONYM, envelope, b"").kept


KEPT = kept(b"{}")


def said(index: int, at_us: int = 0) -> ClearColumns:
    return index.to_bytes(16, "big"), at_us, 0, 0, 0, b"7H3K9QZ001"


def add(store: LogStore, *columns: ClearColumns) -> None:
    with store.transaction():
        store.add(bytes(len(columns)), [KEPT] * len(columns), columns)


def test_a_log_of_this_version_that_is_kept_is_verified_and_searched_as_it_is(
    tmp_path: Path,
) -> None:
    """What is in the field must not need an upgrade that nobody wrote.

    Where this asks for an archive: make it by the tree before the new version (`frozen_log`).
    """
    bench = unpack(OLDER_LOGS / f"version-{SCHEMA_VERSION}.tar.xz", tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text("utf-8"))
    with capture_logs() as told:
        verified = [bench.verify(held) for held in facts["held"]]
        found = {
            row.id.hex(): row.personal["staff_id"]
            for _, reference, _ in facts["acknowledged"]
            for row in bench.search(reference=reference).rows
        }
        before, ids = bench.entries(), {each.hex() for each in bench.ids()}
        drained = bench.drain()
    with bench.database() as log:
        tables = {sql for (sql,) in log.execute("SELECT sql FROM sqlite_master") if sql}
    # An outcome names nobody, and is shown with its decision.
    wanted = {one: who for one, _, who in facts["acknowledged"] if one in ids and who}

    assert [each.faults for each in verified] == [(), ()]
    assert all(each.holds for each in verified)
    assert len(before) == facts["size"] == verified[-1].held_size
    assert len(wanted) > 10
    assert found == wanted
    assert tables == set(SCHEMA)
    assert [each for each in told if "upgrade" in each["event"]] == []
    assert drained > len(before)
    assert bench.entries()[: len(before)] == before
    assert bench.verify(facts["held"][-1]).holds


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
            store.add(b"\0", [KEPT], [said(0)])
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        fail_half_way()
    assert store.size() == store.newest.size == 0
    assert store.newest.ids == {}
    add(store, said(0))
    assert store.size() == 1


def test_entries_are_found_by_their_id_wherever_they_are(
    tmp_path: Path, store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_part, "PART_ENTRIES", 4)
    for module in (open_part, persons, blocks):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 2)
    times = [number * 5_000 for number in range(14)]
    drafts = [decision(id=new_entry_id(at_us), at_us=at_us) for at_us in times]
    for some in (drafts[:3], drafts[3:]):
        with store.transaction():
            store.add(
                bytes(len(some)),
                [kept(clear_text(draft) + b"}") for draft in some],
                [(draft.id, draft.at_us, 0, 0, 0, b"") for draft in some],
            )
    ids = [draft.id for draft in drafts]

    assert [found.idx for each in ids if (found := store.find(each))] == list(range(14))
    assert [store.newest.index_of(each) is not None for each in ids] == [False] * 8 + [True] * 6
    assert [store.has_older(each) for each in ids] == [True] * 8 + [False] * 6
    assert store.find(new_entry_id(5_000)) is None
    store.close()
    again = LogStore(tmp_path)
    assert [found.idx for each in ids if (found := again.find(each))] == list(range(14))


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

    with pytest.raises(LogStoreError, match="version 3; the sequencer brings it to version 5"):
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
        reader.execute("DELETE FROM bundle")
    reader.close()
