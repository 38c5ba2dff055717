"""Which grant of clearance counts, as a table an officer can read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from vetting.errors import GrantError
from vetting.grants import ClearanceGrant, GrantStatus, Standing
from vetting.levels import LevelId

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRE = "cheshire-fire"
POLICE = "cheshire-police"
NPPV = ClearanceGrant(
    id="1",
    level=LevelId("N2F"),
    granting_body=POLICE,
    sponsor=FIRE,
    granted_on=date(2025, 1, 1),
    expires_on=date(2027, 12, 31),
    review_due_on=None,
    status=GrantStatus.GRANTED,
)
DBS = replace(NPPV, level=LevelId("DBSB"), granting_body=FIRE, sponsor=FIRE, expires_on=None)
SLIP = frozenset({"pay.slip"})


def usable(grant: ClearanceGrant, *, at: datetime = AT, function: str | None = None) -> bool:
    return grant.usable(at=at, organisation=FIRE, screening=False, function=function)


# status -> whether it counts, and how that is told
EFFECTS = {
    GrantStatus.REQUESTED: (False, Standing.REQUESTED),
    GrantStatus.IN_PROGRESS: (False, Standing.REQUESTED),
    GrantStatus.GRANTED: (True, Standing.USABLE),
    GrantStatus.RESTRICTED: (False, Standing.RESTRICTED),  # without its function
    GrantStatus.UNDER_REVIEW: (True, Standing.USABLE),
    GrantStatus.SUSPENDED: (False, Standing.SUSPENDED),
    GrantStatus.REFUSED: (False, Standing.REFUSED),
    GrantStatus.DISCONTINUED: (False, Standing.REFUSED),
    GrantStatus.DOWNGRADED: (False, Standing.DOWNGRADED),
    GrantStatus.WITHDRAWN: (False, Standing.WITHDRAWN),
    GrantStatus.EXPIRED: (False, Standing.EXPIRED),
    GrantStatus.TERMINATED: (False, Standing.TERMINATED),
    GrantStatus.TRANSFERRED: (False, Standing.TRANSFERRED),
}


@pytest.mark.parametrize("status", GrantStatus)
def test_each_status_has_the_effect_of_the_table(status: GrantStatus) -> None:
    functions = SLIP if status is GrantStatus.RESTRICTED else frozenset[str]()
    grant = replace(NPPV, status=status, functions=functions)

    counts, standing = EFFECTS[status]
    assert usable(grant) is counts
    assert grant.standing(at=AT, organisation=FIRE, screening=False) is standing


def test_a_restricted_grant_counts_for_its_functions_only() -> None:
    grant = replace(NPPV, status=GrantStatus.RESTRICTED, functions=SLIP)

    assert usable(grant, function="pay.slip")
    assert not usable(grant, function="pay.bank")
    assert not usable(grant, function="")
    assert not usable(grant)


@pytest.mark.parametrize("status", [GrantStatus.GRANTED, GrantStatus.UNDER_REVIEW])
def test_a_restriction_outlives_a_change_of_status(status: GrantStatus) -> None:
    grant = replace(NPPV, status=status, functions=SLIP)

    assert usable(grant, function="pay.slip")
    assert not usable(grant, function="pay.bank")


@pytest.mark.parametrize("status", set(GrantStatus) - {GrantStatus.RESTRICTED})
def test_naming_a_function_never_revives_a_dead_grant(status: GrantStatus) -> None:
    grant = replace(NPPV, status=status, functions=SLIP)

    assert usable(grant, function="pay.slip") is EFFECTS[status][0]


@pytest.mark.parametrize(
    ("expires_on", "last_instant"),
    [
        (date(2026, 7, 1), datetime(2026, 7, 1, 23, tzinfo=UTC)),  # summer: 24:00 is 23:00 UTC
        (date(2026, 12, 1), datetime(2026, 12, 2, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 23, tzinfo=UTC)),  # the clocks go forward
        (date(2026, 10, 25), datetime(2026, 10, 26, tzinfo=UTC)),  # the clocks go back
        (date(2028, 2, 29), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_the_last_day_counts_to_24_hours_in_london(
    expires_on: date, last_instant: datetime
) -> None:
    grant = replace(NPPV, expires_on=expires_on)

    assert grant.ends_at() == last_instant
    assert usable(grant, at=last_instant - timedelta(microseconds=1))
    assert not usable(grant, at=last_instant)
    assert grant.standing(at=last_instant, organisation=FIRE, screening=False) is Standing.EXPIRED


def test_an_overdue_review_ends_it_before_its_date_without_a_grace() -> None:
    grant = replace(NPPV, review_due_on=date(2026, 7, 1))
    overdue = datetime(2026, 7, 1, 23, tzinfo=UTC)

    assert grant.ends_on == date(2026, 7, 1)
    assert usable(grant, at=overdue - timedelta(microseconds=1))
    assert not usable(grant, at=overdue)
    assert grant.standing(at=overdue, organisation=FIRE, screening=False) is Standing.REVIEW_OVERDUE


@pytest.mark.parametrize(
    "status", [GrantStatus.GRANTED, GrantStatus.UNDER_REVIEW, GrantStatus.RESTRICTED]
)
def test_every_status_that_counts_ends_with_the_dates(status: GrantStatus) -> None:
    grant = replace(NPPV, status=status, functions=SLIP)
    late = datetime(2028, 1, 1, tzinfo=UTC)

    assert not usable(grant, at=late, function="pay.slip")
    assert not usable(replace(grant, review_due_on=date(2026, 5, 31)), at=AT, function="pay.slip")


def test_it_counts_from_the_day_it_was_granted() -> None:
    begins = datetime(2026, 5, 31, 23, tzinfo=UTC)
    grant = replace(NPPV, granted_on=date(2026, 6, 1))

    assert usable(grant, at=begins)
    assert not usable(grant, at=begins - timedelta(microseconds=1))


def test_an_instant_in_another_zone_is_the_same_instant() -> None:
    grant = replace(NPPV, expires_on=date(2026, 7, 1))
    auckland = timezone(timedelta(hours=12))

    assert usable(grant, at=datetime(2026, 7, 2, 10, 59, tzinfo=auckland))
    assert not usable(grant, at=datetime(2026, 7, 2, 11, tzinfo=auckland))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(GrantError, match="no time zone"):
        usable(NPPV, at=AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("grant", "screening", "organisation", "counts"),
    [
        (DBS, True, FIRE, True),
        (DBS, True, POLICE, False),  # the new employer has not screened
        (replace(DBS, granting_body=POLICE), True, FIRE, False),  # not by the employer
        (NPPV, False, FIRE, True),  # granted by the police, sponsored by fire
        (NPPV, False, POLICE, False),  # works elsewhere now
        (replace(NPPV, sponsor=POLICE), False, FIRE, False),
        (NPPV, False, "", False),
    ],
)
def test_a_change_of_employer_ends_it(
    grant: ClearanceGrant, organisation: str, *, screening: bool, counts: bool
) -> None:
    assert grant.usable(at=AT, organisation=organisation, screening=screening) is counts


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": ""}, "id is missing"),
        ({"level": ""}, "level is missing"),
        ({"granting_body": ""}, "granting_body is missing"),
        ({"sponsor": None}, "sponsor is missing"),
        ({"status": "grantd"}, "`grantd` is no status"),
        ({"status": "granted"}, "is no status"),
        ({"status": GrantStatus.RESTRICTED}, "restricted, but to no function"),
        ({"functions": {"pay.slip"}}, "functions is no set"),
        ({"functions": "pay.slip"}, "functions is no set"),
        ({"granted_on": None}, "granted_on is no date"),
        ({"granted_on": "2026-01-01"}, "granted_on is no date"),
        ({"expires_on": AT}, "expires_on is no date"),
        ({"expires_on": date(2024, 12, 31)}, "expires_on is before granted_on"),
        ({"review_due_on": date(2024, 12, 31)}, "review_due_on is before granted_on"),
        ({"expires_on": date.max}, "expires_on is too far away"),
    ],
)
def test_a_grant_that_contradicts_itself_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(GrantError, match=told):
        replace(NPPV, **changes)
