"""Criterion `unit`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.unit import InUnits
from tests.policies.people import asked, subject


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("custody", Result.MET), ("Custody", Result.NOT_MET), ("", Result.UNKNOWN)],
)
def test_the_unit_must_be_listed_as_it_is_written(unit: str, expected: Result) -> None:
    criterion = InUnits(frozenset({"custody"}))

    assert criterion.result(asked(subject("DBSB", unit=unit))) is expected
