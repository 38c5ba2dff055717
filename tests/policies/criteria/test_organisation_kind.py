"""Criterion `organisation_kind`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.criteria import Result
from policies.criteria.organisation_kind import OfKinds
from tests.policies.people import AMBULANCE, FIRE, asked, subject


@pytest.mark.parametrize(
    ("organisation", "expected"), [(FIRE, Result.MET), (AMBULANCE, Result.NOT_MET)]
)
def test_it_is_met_by_staff_of_the_kinds_listed(organisation: str, expected: Result) -> None:
    criterion = OfKinds(frozenset({"fire", "council"}))

    assert criterion.result(asked(subject(organisation=organisation))) is expected
    assert criterion.sentence() == "of any council or fire organisation"


def test_a_kind_that_nobody_supplied_is_unknown() -> None:
    who = replace(subject("DBSB"), organisation_kind="")

    assert OfKinds(frozenset({"fire"})).result(asked(who)) is Result.UNKNOWN
