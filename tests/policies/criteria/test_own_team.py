"""Criterion `own_team`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.own_team import OwnTeam
from tests.policies.people import FIRE, HOST, asked, subject


@pytest.mark.parametrize(
    ("team", "person", "owner", "expected"),
    [
        (["1", "2"], None, None, Result.MET),
        (["1", "2"], None, HOST, Result.NOT_MET),
        (["1", "2"], "2", FIRE, Result.MET),
        (["1", "2"], "3", FIRE, Result.NOT_MET),
        (["1", "2"], "2", HOST, Result.NOT_MET),
        (["1", "2"], "2", None, Result.UNKNOWN),
        (["1", "2"], "40011", FIRE, Result.NOT_MET),  # oneself is not one's team
        ([], None, None, Result.NOT_MET),
        ([], "1", FIRE, Result.NOT_MET),
    ],
)
def test_those_who_report_to_the_subject_are_the_team(
    team: list[str], person: str | None, owner: str | None, expected: Result
) -> None:
    who = subject("DBSB", team=team)

    assert OwnTeam().result(asked(who, person=person, owner=owner)) is expected
