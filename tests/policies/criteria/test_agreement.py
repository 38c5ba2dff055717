"""Criterion `agreement`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.criteria import Result
from policies.criteria.agreement import UnderAgreements
from tests.policies.people import FIRE, HOST, asked, cheshire, subject

FIRST = datetime(2018, 3, 31, 23, tzinfo=UTC)  # midnight of 1 April in London
TICK = timedelta(microseconds=1)


def under(*ids: str) -> UnderAgreements:
    return UnderAgreements.from_value(list(ids), cheshire().terms)


def test_it_begins_with_the_agreement() -> None:
    criterion = under("cheshire-blue-light-2018")

    assert criterion.result(asked(subject("DBSB"), at=FIRST)) is Result.MET
    assert criterion.result(asked(subject("DBSB"), at=FIRST - TICK)) is Result.NOT_MET


@pytest.mark.parametrize(
    ("organisation", "function", "agreement", "expected"),
    [
        (FIRE, "pay.slip", "nwas-premises", Result.NOT_MET),
        (FIRE, "duty.me", "cheshire-blue-light-2018", Result.NOT_MET),
        (HOST, "pay.slip", "cheshire-blue-light-2018", Result.NOT_MET),
        (HOST, "pay.slip", "host-own-staff", Result.MET),
    ],
)
def test_only_a_listed_agreement_that_covers_this_access_counts(
    organisation: str, function: str, agreement: str, expected: Result
) -> None:
    question = asked(subject("RV", organisation=organisation), function)

    assert under(agreement).result(question) is expected
