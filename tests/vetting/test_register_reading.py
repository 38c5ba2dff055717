"""Reading the register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from vetting.person import PersonKey
from vetting.register_reading import read_people, rows_of
from vetting.register_tables import vetting_grant

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.levels import LevelOrder

ANN = PersonKey(organisation="cheshire-fire", employee_number="40011")
BOB = PersonKey(organisation="cheshire-police", employee_number="40012")


def test_nobody_asked_for_is_nobody_read(connection: Connection, order: LevelOrder) -> None:
    assert read_people(connection, [], order, accepted=frozenset()) == ()


def test_people_without_rows_are_read_as_holding_nothing_in_the_order_asked(
    connection: Connection, order: LevelOrder
) -> None:
    read = read_people(connection, [BOB, ANN], order, accepted=frozenset())

    assert [entry.person for entry in read] == [BOB, ANN]
    assert not any(entry.clearance.grants or entry.appointments for entry in read)


def test_one_persons_rows_are_found_by_the_index(connection: Connection) -> None:
    """Read at each sign-in and each change: it must not cost a walk over the whole register."""
    query = rows_of(vetting_grant, [ANN]).compile(
        connection.engine, compile_kwargs={"literal_binds": True}
    )

    plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()

    assert any("vetting_grant_person" in str(step) for step in plan)
    assert not any("SCAN" in str(step) for step in plan)
