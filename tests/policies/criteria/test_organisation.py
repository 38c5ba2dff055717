"""Criterion `organisation`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.organisation import OfOrganisations
from tests.policies.people import FIRE, HOST, asked, subject


@pytest.mark.parametrize(
    ("organisation", "expected"), [(FIRE, Result.MET), (HOST, Result.NOT_MET), ("", Result.UNKNOWN)]
)
def test_it_is_met_by_staff_of_the_organisations_listed(
    organisation: str, expected: Result
) -> None:
    criterion = OfOrganisations(frozenset({FIRE, "nwas"}))

    assert criterion.result(asked(subject(organisation=organisation))) is expected
    assert criterion.sentence() == "of cheshire-fire or nwas"
