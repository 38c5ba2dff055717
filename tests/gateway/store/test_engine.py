"""What the rest of the gateway relies on when it reads from and writes to the database."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from gateway.errors import StoreError
from gateway.store import engine as engine_module
from gateway.store.engine import StoreUnavailable, open_store, reading, writing

INSERT = text("INSERT INTO note VALUES (:number, 'x')")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A database with one table of its own."""
    engine = open_store(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE note (number INTEGER PRIMARY KEY, body TEXT)"))
    yield engine
    engine.dispose()


def count(store: Engine) -> int:
    with reading(store) as connection:
        return int(connection.execute(text("SELECT count(*) FROM note")).scalar_one())


def test_every_connection_is_durable_checked_and_patient(store: Engine) -> None:
    """A commit that a power cut can undo would revive an ended session."""
    for opened in (reading, writing):
        with opened(store) as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in (
                    "journal_mode",
                    "synchronous",
                    "foreign_keys",
                    "busy_timeout",
                    "cache_size",
                )
            }

        assert found == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5000,
            "cache_size": -256,
        }


def test_what_was_written_is_there_afterwards(store: Engine) -> None:
    with writing(store) as connection:
        connection.execute(INSERT, {"number": 1})

    assert count(store) == 1


def test_an_exception_leaves_nothing_written(store: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(store) as connection:  # noqa: PT012
        connection.execute(INSERT, {"number": 1})
        _ = 1 // 0

    assert count(store) == 0


def test_a_reader_cannot_write(store: Engine) -> None:
    """The one-writer discipline holds for code that forgets it."""
    with pytest.raises(StoreUnavailable, match="readonly"), reading(store) as connection:
        connection.execute(INSERT, {"number": 1})


def test_a_plain_transaction_cannot_write_even_on_a_connection_that_once_could(
    store: Engine,
) -> None:
    with writing(store) as connection:
        connection.execute(INSERT, {"number": 1})
    with pytest.raises(Exception, match="readonly"), store.begin() as connection:
        connection.execute(INSERT, {"number": 2})

    assert count(store) == 1


def test_a_reader_sees_one_state_throughout(store: Engine) -> None:
    """Session, staff and register are read one after the other and must belong together."""
    with reading(store) as reader:
        before = reader.execute(text("SELECT count(*) FROM note")).scalar()
        with writing(store) as writer:
            writer.execute(INSERT, {"number": 1})
        after = reader.execute(text("SELECT count(*) FROM note")).scalar()

    assert (before, after) == (0, 0)


def test_what_a_writer_has_read_stays_true_until_it_writes(store: Engine) -> None:
    """Otherwise two attempts could both see nine failures and both be the tenth."""
    threads = 8

    def add_one() -> None:
        for _ in range(10):
            with writing(store) as connection:
                number = connection.execute(text("SELECT count(*) FROM note")).scalar_one()
                connection.execute(INSERT, {"number": number})

    running = [threading.Thread(target=add_one) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()

    assert count(store) == threads * 10


def test_a_lock_held_for_too_long_is_an_error_of_ours(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.05)
    impatient = open_store(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with (
        writing(store),
        pytest.raises(StoreUnavailable, match="locked"),
        writing(impatient),
    ):
        pass
    impatient.dispose()


def test_a_damaged_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "b.sqlite").write_bytes(b"this is no database" * 100)
    engine = open_store(f"sqlite:///{tmp_path / 'b.sqlite'}")

    with pytest.raises(StoreUnavailable), reading(engine) as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()


def test_a_broken_constraint_stays_what_it_is(store: Engine) -> None:
    """Callers tell a duplicate from a dead database."""
    with writing(store) as connection:
        connection.execute(INSERT, {"number": 1})

    with pytest.raises(IntegrityError), writing(store) as connection:
        connection.execute(INSERT, {"number": 1})


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'c.sqlite'}")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE note (number INTEGER)"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    engine.dispose()

    assert set(modes.values()) == {0o600}
    assert "c.sqlite-wal" in modes


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://db/gateway",
        "no address",
        "sqlite:////nowhere/a.sqlite",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="store: "):
        open_store(url)


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    """Workers start together; the change to WAL mode must not fail one of them."""
    program = (
        "import sys; from gateway.store.engine import *; from sqlalchemy import text\n"
        "with writing(open_store(sys.argv[1])) as c:\n"
        "    c.execute(text('CREATE TABLE IF NOT EXISTS note (number INTEGER)'))\n"
        "    c.execute(text('INSERT INTO note VALUES (1)'))\n"
    )
    url = f"sqlite:///{tmp_path / 'd.sqlite'}"
    running = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    errors = [process.communicate()[1] for process in running]
    rows = sqlite3.connect(tmp_path / "d.sqlite").execute("SELECT count(*) FROM note").fetchone()

    assert errors == [b""] * 4
    assert rows == (4,)


def test_who_comes_in_turn_has_one_connection_whatever_many_needed_at_once(store: Engine) -> None:
    """Each prepares the statements anew and keeps them: workers would grow for an hour."""
    with reading(store), reading(store), reading(store):
        pass
    used = set()
    for opened in (reading, writing) * 5:
        with opened(store) as connection:
            used.add(id(connection.connection.driver_connection))

    assert len(used) == 1


def test_a_write_waits_for_the_disk_unless_it_is_said_otherwise(store: Engine) -> None:
    """A connection of the pool must not keep what the one before it said."""
    levels = []
    for flushed in (True, False, True):
        with writing(store, flushed=flushed) as connection:
            levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    assert levels == [2, 1, 2]


def test_the_writers_of_a_process_queue_and_one_who_never_ends_is_not_waited_for_for_ever(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would have them poll, each with its own pauses, and serve whoever happens to look."""
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.05)
    with (
        writing(store),
        pytest.raises(StoreUnavailable, match="of this process"),
        writing(store),
    ):
        pass
    with writing(store) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
