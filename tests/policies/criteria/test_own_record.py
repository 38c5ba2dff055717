"""Criterion `own_record`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.own_record import OwnRecord
from tests.policies.people import FIRE, HOST, asked, subject


@pytest.mark.parametrize(
    ("person", "owner", "expected"),
    [
        (None, None, Result.MET),
        (None, FIRE, Result.MET),
        (None, HOST, Result.NOT_MET),
        ("40011", FIRE, Result.MET),
        ("40012", FIRE, Result.NOT_MET),
        ("40012", None, Result.NOT_MET),
        ("40011", HOST, Result.NOT_MET),  # the same number with another employer is another person
        ("40011", None, Result.UNKNOWN),
        ("", FIRE, Result.NOT_MET),
    ],
)
def test_the_record_is_ones_own_by_number_and_employer(
    person: str | None, owner: str | None, expected: Result
) -> None:
    assert OwnRecord().result(asked(subject("DBSB"), person=person, owner=owner)) is expected


def test_without_a_number_of_ones_own_a_named_person_is_unknown() -> None:
    """Two missing numbers must not be taken for equal ones."""
    nameless = subject("DBSB", number="")

    assert OwnRecord().result(asked(nameless, person="", owner=FIRE)) is Result.UNKNOWN
    assert OwnRecord().result(asked(nameless, person="40011", owner=FIRE)) is Result.UNKNOWN


def test_what_officers_are_shown_holds_no_number() -> None:
    shown = OwnRecord().shown(asked(subject("DBSB"), person="40012", owner=FIRE))

    assert shown == "names another person"
