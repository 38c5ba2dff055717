"""Appointments and their dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from vetting.appointments import Appointment, Role
from vetting.errors import RegisterError

TICK = timedelta(microseconds=1)
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def appointment(**changes: Any) -> Appointment:
    return replace(Appointment(role=Role.AUDITOR, starts_on=date(2026, 6, 1)), **changes)


def test_it_holds_from_the_first_day_to_the_end_of_the_last() -> None:
    value = appointment(ends_on=date(2026, 12, 1))
    begins, ends = datetime(2026, 5, 31, 23, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)

    assert not value.holds(at=begins - TICK)
    assert value.holds(at=begins)
    assert value.holds(at=ends - TICK)
    assert not value.holds(at=ends)


def test_it_ends_at_the_instant_it_is_withdrawn() -> None:
    assert appointment().holds(at=AT + timedelta(days=4000))
    assert appointment(withdrawn_at=AT).holds(at=AT - TICK)
    assert not appointment(withdrawn_at=AT).holds(at=AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "auditor"},
        {"starts_on": AT},
        {"starts_on": None},
        {"ends_on": date.max},
        {"ends_on": date(2026, 5, 31)},
        {"withdrawn_at": AT.replace(tzinfo=None)},
    ],
)
def test_an_appointment_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RegisterError, match="read appointment"):
        appointment(**changes)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(RegisterError, match="no time zone"):
        appointment().holds(at=AT.replace(tzinfo=None))
