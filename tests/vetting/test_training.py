"""Trainings: from when to when somebody is in date."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from vetting.errors import RegisterError
from vetting.training import Training

FIRST = Training(
    course="gdpr.2026",
    completed_on=date(2026, 3, 29),
    expires_on=date(2026, 10, 25),
    awarding_body="College of Policing",
)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC) - SECOND, False),
        (datetime(2026, 3, 29, tzinfo=UTC), True),
        (datetime(2026, 10, 26, tzinfo=UTC) - SECOND, True),
        (datetime(2026, 10, 26, tzinfo=UTC), False),
    ],
)
def test_it_counts_from_its_first_day_to_the_end_of_its_last_in_london(
    at: datetime, holds: bool
) -> None:
    """Both days are those on which the clocks change."""
    assert FIRST.holds(at=at) is holds


def test_one_without_end_counts_until_somebody_ends_it() -> None:
    at = datetime(2029, 1, 1, tzinfo=UTC)
    lasting = replace(FIRST, expires_on=None)

    assert lasting.holds(at=at)
    assert not replace(lasting, ended_at=at).holds(at=at)
    assert replace(lasting, ended_at=at).holds(at=at - SECOND)


@pytest.mark.parametrize(
    "wrong",
    [
        {"course": "GDPR"},
        {"course": ""},
        {"course": "a\n"},
        {"awarding_body": ""},
        {"awarding_body": "x\ty"},
        {"completed_on": datetime(2026, 1, 1, tzinfo=UTC)},
        {"expires_on": date(2026, 1, 1)},
        {"expires_on": "2027-01-01"},
        {"ended_at": datetime(2026, 5, 1)},  # noqa: DTZ001
    ],
)
def test_what_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RegisterError):
        replace(FIRST, **wrong)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(RegisterError, match="time zone"):
        FIRST.holds(at=datetime(2026, 5, 1))  # noqa: DTZ001
