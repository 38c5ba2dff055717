"""Criterion `clearance`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.criteria import Result
from policies.criteria.clearance import ClearedTo
from tests.policies.people import AT, asked, cheshire, grant, subject
from vetting.grants import GrantStatus
from vetting.requirement import Requirement


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["RV"], Result.MET),
        (["MV"], Result.MET),
        (["N3"], Result.MET),
        (["N2F"], Result.NOT_MET),
        (["DV"], Result.NOT_MET),
        ([], Result.NOT_MET),
    ],
)
def test_the_usable_grants_decide(levels: list[str], expected: Result) -> None:
    criterion = ClearedTo(Requirement.parse("RV or N3", cheshire().levels))

    assert criterion.result(asked(subject(*levels))) is expected


def test_a_grant_that_ended_or_is_restricted_to_another_function_does_not_count() -> None:
    criterion = ClearedTo(Requirement.parse("N2F", cheshire().levels))
    lapsed = subject("DBSB", ended=["N2F"])
    only_search = replace(
        lapsed,
        clearance=replace(
            lapsed.clearance,
            grants=(grant("N2F", status=GrantStatus.RESTRICTED, functions=["hr.search"]),),
        ),
    )

    assert criterion.result(asked(lapsed)) is Result.NOT_MET
    assert criterion.result(asked(lapsed, at=AT - timedelta(days=2))) is Result.MET
    assert criterion.result(asked(only_search)) is Result.NOT_MET
    assert criterion.result(asked(only_search, "hr.search")) is Result.MET
