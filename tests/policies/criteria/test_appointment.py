"""Criterion `appointment`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.appointment import Appointed
from tests.policies.people import asked, subject


@pytest.mark.parametrize(
    ("appointments", "expected"),
    [
        (["auditor"], Result.MET),
        (["auditor", "vetting-officer"], Result.MET),
        (["vetting-officer"], Result.NOT_MET),
        ([], Result.NOT_MET),
    ],
)
def test_nobody_appointed_is_a_known_answer(appointments: list[str], expected: Result) -> None:
    """The register is the host's own and complete, so an empty answer is an answer."""
    criterion = Appointed(frozenset({"auditor"}))

    assert criterion.result(asked(subject("DBSB", appointments=appointments))) is expected
