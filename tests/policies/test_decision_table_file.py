"""Tables as files write them: read exactly, and refused with line and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policies.decision_table_file import Case, load_table, policy_set_of
from policies.errors import PolicyFileError
from tests.policies.people import cheshire
from tests.policies.small_table import CASE, written
from vetting.grants import GrantStatus

__all__ = ["written"]

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_level_carries_who_granted_it_for_whom_and_how_long(
    written: Callable[[str], Path],
) -> None:
    words = (
        "RV by nwas for cheshire-fire from 2016-02-01 until 2026-12-01 review 2026-11-30 suspended"
    )
    path = written(CASE.replace('"DBSB"', f'"{words}"'))
    (row,) = load_table(path, cheshire())
    assert isinstance(row, Case)
    (grant,) = row.question.subject.clearance.grants

    assert (grant.granting_body, grant.sponsor) == ("nwas", "cheshire-fire")
    assert [str(day) for day in (grant.granted_on, grant.expires_on, grant.review_due_on)] == [
        "2016-02-01",
        "2026-12-01",
        "2026-11-30",
    ]
    assert grant.status is GrantStatus.SUSPENDED


def test_a_row_says_zone_trainings_and_how_long_ago_a_second_factor_was_shown(
    written: Callable[[str], Path],
) -> None:
    more = 'zone = "vpn"\ntrainings = ["driving"]\nsecond_factor_minutes = 14\nasks ='
    (row,) = load_table(written(CASE.replace("asks =", more)), cheshire())
    assert isinstance(row, Case)

    question = row.question
    assert question.zone == "vpn"
    assert question.subject.trainings == {"driving"}
    assert question.second_factor_age_us == 14 * 60_000_000
    assert "second-factor" in question.factors


def test_a_second_factor_that_is_too_old_for_the_function_does_not_count(
    written: Callable[[str], Path],
) -> None:
    for minutes, counts in ((14, True), (15, False)):
        text = CASE.replace("asks =", f"second_factor_minutes = {minutes}\nasks =")
        (row,) = load_table(written(text.replace('"pay.slip"', '"pay.bank"')), cheshire())
        assert isinstance(row, Case)

        assert ("second-factor" in row.question.factors) is counts


def test_screening_is_the_employers_unless_it_is_said(written: Callable[[str], Path]) -> None:
    (row,) = load_table(written(CASE.replace('["DBSB"]', '["DBSB", "N2F"]')), cheshire())
    assert isinstance(row, Case)

    assert [grant.granting_body for grant in row.question.subject.clearance.grants] == [
        "cheshire-fire",
        "cheshire-police",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('"DBSB"', '"DBSX"', 7, "no level"),
        ('"DBSB"', '"DBSB until tomorrow"', 7, "levels"),
        ('"DBSB"', '"DBSB maybe"', 7, "not understood"),
        ('"pay.slip"', '"pay.slop"', 8, "did you mean `pay.slip`"),
        ('"cheshire-fire"', '"cheshire-fires"', 6, "did you mean `cheshire-fire`"),
        ('"permitted"', '"allowed"', 9, "gate"),
        ('"rule-permits"', '"because"', 10, "reason"),
        ("why =", "wy =", 5, "unknown key"),
        ("asks =", 'purpose = "audit"\nasks =', 8, "not part of the policy set"),
        ("on = 2026-11-21T12:00:00Z", "", 4, "instant"),
        ("on = 2026-11-21T12:00:00Z", "on = 2026-11-21T12:00:00", 2, "offset"),
    ],
)
def test_a_wrong_table_is_refused_with_line_and_remedy(
    old: str, new: str, line: int, said: str, written: Callable[[str], Path]
) -> None:
    assert old in CASE
    with pytest.raises(PolicyFileError) as refusal:
        load_table(written(CASE.replace(old, new)), cheshire())

    told = [fault for fault in refusal.value.faults if said in str(fault)]
    assert [fault.line for fault in told] == [line]


def test_a_table_without_rows_is_refused(written: Callable[[str], Path]) -> None:
    with pytest.raises(PolicyFileError, match="holds no row"):
        load_table(written("on = 2026-11-21T12:00:00Z\n"), cheshire())


def test_a_table_names_its_policy_set_from_its_own_folder(written: Callable[[str], Path]) -> None:
    assert policy_set_of(written(CASE)) is None
    path = written('policy_set = "../elsewhere"\n' + CASE)
    assert policy_set_of(path) == path.parent / "../elsewhere"
