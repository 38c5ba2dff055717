"""Changes to one grant: other dates, a lower level."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from vetting.errors import RegisterError
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.person import PersonKey

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANN = PersonKey(organisation="cheshire-fire", employee_number="40011")
NPPV3 = ClearanceGrant(
    id="g1",
    level=LevelId("N3"),
    granting_body="cheshire-police",
    sponsor="cheshire-fire",
    granted_on=date(2025, 1, 1),
    expires_on=date(2026, 6, 30),
    review_due_on=date(2026, 6, 30),
    status=GrantStatus.GRANTED,
)


@pytest.fixture
def held(register: Register, connection: Connection) -> Register:
    register.grant(connection, ANN, NPPV3, by="officer", at=AT)
    return register


def downgrade(register: Register, connection: Connection, level: str) -> PersonKey:
    return register.downgrade(connection, "g1", LevelId(level), new_id="g2", by="officer", at=AT)


def test_a_downgrade_keeps_the_lower_level_with_the_same_dates(
    held: Register, connection: Connection
) -> None:
    assert downgrade(held, connection, "N2F") == ANN

    clearance = held.clearance_of(connection, ANN)
    assert not clearance.satisfies("N3", at=AT)
    assert clearance.satisfies("N2F", at=AT)
    assert [(each.status, each.ends_on) for each in clearance.grants] == [
        (GrantStatus.DOWNGRADED, NPPV3.ends_on),
        (GrantStatus.GRANTED, NPPV3.ends_on),
    ]


@pytest.mark.parametrize("level", ["N3", "MV", "SC", "RV", "N9"])
def test_what_is_not_lower_is_no_downgrade(
    held: Register, connection: Connection, level: str
) -> None:
    with pytest.raises(RegisterError, match="is not lower than N3"):
        downgrade(held, connection, level)


def test_what_does_not_count_cannot_be_lowered_into_something_that_does(
    held: Register, connection: Connection
) -> None:
    held.change_status(connection, "g1", GrantStatus.SUSPENDED, by="officer", at=AT)

    with pytest.raises(RegisterError, match="is suspended"):
        downgrade(held, connection, "N2F")


def test_a_renewal_gives_other_last_days(held: Register, connection: Connection) -> None:
    day = date(2031, 6, 30)
    held.change_dates(connection, "g1", expires_on=day, review_due_on=None, by="o", at=AT)

    assert held.clearance_of(connection, ANN).grants[0].ends_on == day
    for expires_on, told in ((None, "expires_on is missing"), (date(2024, 1, 1), "is before")):
        with pytest.raises(RegisterError, match=told):
            held.change_dates(
                connection, "g1", expires_on=expires_on, review_due_on=None, by="o", at=AT
            )
