"""How rows and values become each other."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetting.appointments import Appointment, Role
from vetting.errors import GrantError, RegisterError
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId, LevelOrder
from vetting.person import PersonKey
from vetting.register_tables import (
    appointment_from_row,
    appointment_to_row,
    from_microseconds,
    grant_from_row,
    grant_to_row,
    to_microseconds,
)

if TYPE_CHECKING:
    from vetting.register_tables import Row

ORDER = LevelOrder.shipped()
PERSON = PersonKey(organisation="cheshire-fire", employee_number="40011")


def row(**changes: Any) -> Row:
    grant = ClearanceGrant(
        id="g1",
        level=LevelId("N2F"),
        granting_body="cheshire-police",
        sponsor="cheshire-fire",
        granted_on=date(2025, 1, 1),
        expires_on=date(2027, 12, 31),
        review_due_on=date(2026, 12, 31),
        status=GrantStatus.RESTRICTED,
        functions=frozenset({"pay.slip", "hr.search"}),
        reference=f"v1.k1.{'A' * 32}",
    )
    return grant_to_row(PERSON, grant) | changes


def test_a_grant_is_written_and_read_back() -> None:
    read = grant_from_row(row(), ORDER)

    assert grant_to_row(PERSON, read) == row()
    assert read.functions == {"pay.slip", "hr.search"}
    assert grant_from_row(row(level="DBSB", expires_on=None), ORDER).expires_on is None


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "N9"},
        {"level": None},
        {"level": 5},
        {"granting_body": ""},
        {"sponsor": b"cheshire-fire"},
        {"granted_on": "2025-02-30"},
        {"granted_on": "20250101"},
        {"granted_on": "2025-01-01T00:00:00"},
        {"expires_on": "2027-W52-5"},
        {"expires_on": ""},
        {"expires_on": 2027},
        {"expires_on": None},  # vetting without an end would never lapse
        {"expires_on": "2024-12-31"},
        {"expires_on": "9999-12-31"},
        {"review_due_on": "soon"},
        {"status": "Granted"},
        {"status": "grantd"},
        {"status": None},
        {"functions": "pay.slip"},
        {"functions": '"pay.slip"'},
        {"functions": "[1]"},
        {"functions": '[""]'},
        {"functions": "null"},
        {"functions": ""},
        {"functions": "[]"},  # restricted to nothing
        {"functions": "[" * 100_000},
    ],
)
def test_a_broken_row_is_no_grant(changes: dict[str, Any]) -> None:
    with pytest.raises(GrantError):
        grant_from_row(row(**changes), ORDER)


ANYTHING = st.none() | st.text(max_size=12) | st.integers() | st.binary(max_size=4) | st.floats()


@given(st.dictionaries(st.sampled_from(sorted(row())), ANYTHING))
@settings(deadline=None)
def test_whatever_a_row_holds_it_is_a_grant_or_a_grant_error(changes: dict[str, Any]) -> None:
    try:
        grant_from_row(row(**changes), ORDER)
    except GrantError as error:
        changes["error"] = error

    assert set(changes) <= {*row(), "error"}


def appointment_row(**changes: Any) -> Row:
    value = Appointment(
        role=Role.AUDITOR,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31),
        withdrawn_at=datetime(2026, 6, 1, 12, 0, 0, 7, tzinfo=UTC),
    )
    return {"id": 1} | appointment_to_row(PERSON, value) | changes


def test_an_appointment_is_written_and_read_back() -> None:
    assert {"id": 1} | appointment_to_row(PERSON, appointment_from_row(appointment_row())) == (
        appointment_row()
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "Auditor"},
        {"role": None},
        {"role": b"auditor"},
        {"starts_on": None},
        {"starts_on": "2026-13-01"},
        {"ends_on": "2025-01-01"},
        {"ends_on": 7},
        {"withdrawn_at_us": "yesterday"},
        {"withdrawn_at_us": 2**63},
        {"withdrawn_at_us": 1.5},
    ],
)
def test_a_broken_row_is_no_appointment(changes: dict[str, Any]) -> None:
    with pytest.raises(RegisterError):
        appointment_from_row(appointment_row(**changes))


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])))
def test_an_instant_is_kept_to_the_microsecond(at: datetime) -> None:
    assert from_microseconds(to_microseconds(at)) == at


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(RegisterError, match="no time zone"):
        to_microseconds(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_functions_are_kept_as_a_sorted_list() -> None:
    assert json.loads(row()["functions"]) == ["hr.search", "pay.slip"]
