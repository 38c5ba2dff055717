"""Criterion `factor`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.factor import ProvedBy
from tests.policies.people import BOTH_FACTORS, PASSWORD, asked, subject


@pytest.mark.parametrize(
    ("factors", "expected"),
    [(BOTH_FACTORS, Result.MET), (PASSWORD, Result.NOT_MET), (frozenset[str](), Result.UNKNOWN)],
)
def test_the_factor_must_have_been_used(factors: frozenset[str], expected: Result) -> None:
    criterion = ProvedBy(frozenset({"second-factor"}))

    assert criterion.result(asked(subject("DBSB"), factors=factors)) is expected
