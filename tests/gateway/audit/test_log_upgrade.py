"""A log that an older program wrote is brought to the form of today, whole or not at all."""

import json
import sqlite3
from pathlib import Path

import pytest

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
