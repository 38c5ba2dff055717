"""The database comes to the present shape, whoever starts first, or is left alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from gateway.store.engine import StoreUnavailable, open_store, reading, writing
from gateway.store.migration import (
    SchemaUnknown,
    migrate,
    newest_version,
    schema_version,
)
from gateway.store.schema import metadata


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    engine = open_store(f"sqlite:///{tmp_path / 'a.sqlite'}")
    yield engine
    engine.dispose()


def test_an_empty_database_comes_to_the_newest_version(store: Engine) -> None:
    assert schema_version(store) is None
    assert migrate(store) == newest_version() == schema_version(store)


def test_the_steps_make_what_the_program_expects(store: Engine) -> None:
    """A column added to the schema and to no step would only be missed in production."""
    migrate(store)
    with reading(store) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_a_difference_would_be_seen(store: Engine) -> None:
    """The check above, checked."""
    migrate(store)
    with writing(store) as connection:
        connection.execute(text("DROP TABLE upstream_cookie"))
    with reading(store) as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert [difference[0] for difference in differences] == ["add_table"]


def test_a_second_time_changes_nothing(store: Engine) -> None:
    migrate(store)
    with writing(store) as connection:
        connection.execute(text("INSERT INTO bulletin (at_us, subject) VALUES (1, 'policy')"))
    migrate(store)
    with reading(store) as connection:
        kept = connection.execute(text("SELECT count(*) FROM bulletin")).scalar()

    assert kept == 1


def test_several_processes_may_start_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from gateway.store.engine import open_store\n"
        "from gateway.store.migration import migrate\n"
        "print(migrate(open_store(sys.argv[1])))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'b.sqlite'}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    answers = [process.communicate() for process in running]

    assert answers == [(newest_version().encode() + b"\n", b"")] * 4


def test_a_schema_of_a_newer_program_is_refused_and_left_alone(store: Engine) -> None:
    migrate(store)
    with writing(store) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaUnknown, match="9999"):
        migrate(store)

    assert schema_version(store) == "9999"


def test_a_step_that_fails_leaves_nothing_behind(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a schema would be neither the old nor the new one for ever after."""
    monkeypatch.setattr("gateway.store.migration.WAIT_SECONDS", 0)
    with writing(store) as connection:
        connection.execute(text("CREATE TABLE bulletin (other TEXT)"))

    with pytest.raises(StoreUnavailable, match="already exists"):
        migrate(store)

    with reading(store) as connection:
        assert inspect(connection).get_table_names() == ["bulletin"]


def test_a_session_of_the_first_schema_lives_on_with_its_cookies(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade must not sign anybody out."""
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        migrate(store)
    with writing(store) as connection:
        for values in (
            "staff VALUES ('fire/a', 'fire', 'a', '1', 'n', 'n', 'N', '[]', '', '[]', 1, 1)",
            "session VALUES ('h', 'fire/a', 'fire', 'password', 5, 6, 7, 8, NULL, NULL)",
            "upstream_cookie VALUES ('h', 'ebs', '[]')",
        ):
            connection.execute(text(f"INSERT INTO {values}"))
    migrate(store)

    with reading(store) as connection:
        row = connection.execute(text("SELECT * FROM session")).mappings().one()
        jar = connection.execute(text("SELECT session_hash FROM upstream_cookie")).scalar()
    assert (row["directory"], row["vouched_at_us"], row["rested_us"]) == ("fire", 5, 0)
    assert jar == "h"
