"""Who works where, and from when to when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from vetting.errors import RegisterError
from vetting.membership import Membership, employed
from vetting.person import PersonKey

KEY = PersonKey(organisation="cheshire-fire", employee_number="40011")


def member(**changes: Any) -> Membership:
    values: dict[str, Any] = {"person": "p1", "key": KEY, "starts_on": date(2018, 4, 1)}
    return Membership(**values | changes)


def test_it_holds_from_its_first_day_to_the_end_of_its_last_in_london() -> None:
    spring = member(starts_on=date(2018, 3, 1), ends_on=date(2018, 3, 31))
    begins, over = datetime(2018, 3, 1, tzinfo=UTC), datetime(2018, 3, 31, 23, tzinfo=UTC)

    assert spring.holds(at=begins)
    assert not spring.holds(at=begins - timedelta(microseconds=1))
    assert spring.holds(at=over - timedelta(microseconds=1))
    assert not spring.holds(at=over)
    assert member().holds(at=datetime(2100, 1, 1, tzinfo=UTC))


def test_who_moves_is_with_the_old_to_the_last_moment_and_with_the_new_from_the_first() -> None:
    old, new = member(ends_on=date(2018, 10, 27)), member(starts_on=date(2018, 10, 28))
    turn = datetime(2018, 10, 27, 23, tzinfo=UTC)  # the clocks go back that night

    for at in (turn - timedelta(microseconds=1), turn, turn + timedelta(hours=5)):
        assert old.holds(at=at) is (at < turn)
        assert new.holds(at=at) is (at >= turn)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"person": ""}, "is no person"),
        ({"person": "Ann Lee"}, "is no person"),
        ({"person": None}, "is no person"),
        ({"contract": "a b"}, "is no contract"),
        ({"contract": 7}, "is no contract"),
        ({"starts_on": None}, "is no date"),
        ({"starts_on": datetime(2018, 1, 1, tzinfo=UTC)}, "is no date"),
        ({"ends_on": date(2018, 3, 31)}, "ends before it starts"),
        ({"ends_on": date.max}, "is no date"),
    ],
)
def test_a_membership_that_contradicts_itself_is_refused(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(RegisterError, match=told):
        member(**changes)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(RegisterError, match="no time zone"):
        member().holds(at=datetime(2020, 1, 1))  # noqa: DTZ001


def test_having_none_means_no_only_where_memberships_are_kept() -> None:
    at = datetime(2018, 6, 1, tzinfo=UTC)
    past = member(ends_on=date(2018, 5, 1))

    assert employed((), at=at, required=False)
    assert not employed((), at=at, required=True)
    assert employed((past, member(starts_on=date(2018, 5, 2))), at=at, required=True)
    for required in (True, False):  # who has some is held to them
        assert not employed((past,), at=at, required=required)
