"""A log that an older program wrote is brought to the form of today, whole or not at all."""

import json
import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit import log_upgrade
from gateway.audit.entry import Kind, Outcome
from gateway.audit.errors import LogStoreError
from gateway.audit.log_store import SCHEMA, LogStore
from tests.doubles.frozen_log import FACTS, unpack
from tests.doubles.record import decision

OLDER_LOGS = Path(__file__).with_name("older_logs")


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_what_a_program_of_each_version_wrote_lives_on(tmp_path: Path, version: int) -> None:
    """Its log, its journal, its keys: brought up to date, found, added to, proved."""
    bench = unpack(OLDER_LOGS / f"version-{version}.tar.xz", tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text("utf-8"))
    with bench.database() as log:
        (before,) = log.execute("SELECT count(*) FROM entry").fetchone()
    bench.drain()
    drained = bench.ids()
    bench.record(decision(5_000))
    bench.drain()
    shown = {}
    for entry_id, reference, staff_id in facts["acknowledged"]:
        rows = {each.id.hex(): each for each in bench.search(reference=reference).rows}
        shown[entry_id] = staff_id == "" or rows[entry_id].personal["staff_id"] == staff_id
    with bench.database() as log:
        tables = {sql for (sql,) in log.execute("SELECT sql FROM sqlite_master") if sql}
    permitted = bench.search(kind=Kind.ACCESS, outcome=Outcome.PERMIT, limit=500).rows

    assert before == facts["size"]
    assert len(drained) > before
    assert shown.keys() <= {each.hex() for each in drained}
    assert all(shown.values())
    assert permitted
    assert all(row.result for row in permitted)
    assert tables == set(SCHEMA)
    assert all(bench.verify(held).holds for held in facts["held"])


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM entry WHERE idx = 7", "entry 7 is missing"),
        ("UPDATE entry SET envelope = x'7b7d' WHERE idx = 9", "entry 9 cannot be read"),
    ],
)
def test_a_log_that_was_changed_is_left_as_it_is(tmp_path: Path, statement: str, said: str) -> None:
    """What somebody did to it is for the program that wrote it to prove."""
    bench = unpack(OLDER_LOGS / "version-4.tar.xz", tmp_path)
    with bench.database() as log:
        log.execute(statement)
        before = log.execute("SELECT * FROM entry").fetchall()

    with pytest.raises(LogStoreError, match=said):
        LogStore(bench.log)
    with bench.database() as log:
        assert log.execute("SELECT * FROM entry").fetchall() == before
        assert log.execute("PRAGMA user_version").fetchone() == (4,)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            log.execute("SELECT * FROM bundle")


def test_an_entry_that_claims_to_close_nobody_knows_what_stops_nothing(tmp_path: Path) -> None:
    """One whose MAC did not hold may say anything; older programs kept it and so do we."""
    bench = unpack(OLDER_LOGS / "version-4.tar.xz", tmp_path)
    with bench.database() as log:
        index, envelope = log.execute(
            "SELECT idx, envelope FROM entry WHERE instr(envelope, CAST('\"corr\"' AS BLOB))"
        ).fetchone()
        forged = json.dumps({**json.loads(envelope), "corr": "ab"}).encode()
        log.execute("UPDATE entry SET flag = 1, envelope = ? WHERE idx = ?", (forged, index))

    LogStore(bench.log).close()

    with bench.database() as log:
        closing = log.execute("SELECT count(*) FROM closing WHERE result = ?", (index,)).fetchone()
    assert closing == (0,)
    assert bench.entries()[index].envelope == forged


def test_what_is_done_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = unpack(OLDER_LOGS / "version-4.tar.xz", tmp_path)
    monkeypatch.setattr(log_upgrade, "_PIECE_ENTRIES", 8)
    monkeypatch.setattr(log_upgrade, "_TELL_SECONDS", 0.0)
    with capture_logs() as told:
        LogStore(bench.log).close()

    size = len(bench.entries())
    assert [told[at]["event"] for at in (0, -1)] == ["log-upgrade-begins", "log-upgraded"]
    assert {each["entries"] for each in told} == {size}
    assert [each["done"] for each in told[1:-1]] == [*range(8, size, 8), size]
