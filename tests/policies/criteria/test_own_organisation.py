"""Criterion `own_organisation`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.own_organisation import OwnOrganisation
from tests.policies.people import FIRE, HOST, asked, subject


@pytest.mark.parametrize(
    ("person", "owner", "expected"),
    [
        (None, None, Result.MET),
        (None, FIRE, Result.MET),
        (None, HOST, Result.NOT_MET),
        ("40012", FIRE, Result.MET),
        ("40012", HOST, Result.NOT_MET),
        ("40012", None, Result.UNKNOWN),
    ],
)
def test_the_owner_must_be_the_subjects_organisation(
    person: str | None, owner: str | None, expected: Result
) -> None:
    assert OwnOrganisation().result(asked(subject("DBSB"), person=person, owner=owner)) is expected


def test_without_an_organisation_nothing_is_known() -> None:
    assert OwnOrganisation().result(asked(subject(organisation=""))) is Result.UNKNOWN
