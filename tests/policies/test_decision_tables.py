"""Decision tables: those that are shipped hold, and a wrong one is told with its line."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policies.casbin_oracle import CasbinOracle
from policies.decision_tables import (
    Account,
    Case,
    Row,
    check_rows,
    load_table,
    policy_set_of,
    undecided_rules,
)
from policies.engine import Engine
from policies.errors import PolicyFileError
from policies.policy_set import load_policy_set
from tests.policies.people import BOTH_FACTORS, PASSWORD, asked, cheshire
from vetting.grants import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = sorted((Path(__file__).parent / "decision_tables").glob("*.toml"))


@cache
def engine_of(directory: Path) -> Engine:
    return Engine.compile(load_policy_set(directory))


@cache
def oracle_of(directory: Path) -> CasbinOracle:
    return CasbinOracle.from_policy_set(engine_of(directory).policy_set)


def set_of(table: Path) -> Path:
    directory = policy_set_of(table)
    assert directory is not None, table
    return directory.resolve()


@cache
def rows_of(table: Path) -> tuple[Row, ...]:
    return load_table(table, engine_of(set_of(table)).policy_set)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_every_row_comes_out_as_it_is_written(table: Path) -> None:
    results = check_rows(rows_of(table), engine_of(set_of(table)))

    assert len(results) >= 10
    assert [
        f"{result.row.file}:{result.row.line}: {result.row.why}: {failure}"
        for result in results
        for failure in result.failures
    ] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_engine_and_casbin_agree_on_every_case(table: Path) -> None:
    oracle, engine = oracle_of(set_of(table)), engine_of(set_of(table))
    questions = [row.question for row in rows_of(table) if isinstance(row, Case)]

    assert oracle.compare(engine.decide, questions) == ()
    assert all(oracle.answer(question).error is None for question in questions)


@pytest.mark.parametrize(
    "row",
    [
        row
        for table in TABLES
        if table.stem == "cheshire-accounts"
        for row in rows_of(table)
        if isinstance(row, Account)
    ],
    ids=lambda row: row.why,
)
def test_engine_and_casbin_agree_on_every_function_and_action_of_an_account(row: Account) -> None:
    table = Path(row.file)
    questions = [
        asked(row.subject, function_id, action, factors=factors)
        for function_id in cheshire().catalogue.functions
        for action in ("read", "write")
        for factors in (PASSWORD, BOTH_FACTORS)
    ]

    assert oracle_of(set_of(table)).compare(engine_of(set_of(table)).decide, questions) == ()


def test_the_tables_are_found() -> None:
    """An empty glob would make every test above pass."""
    rows = [row for table in TABLES for row in rows_of(table)]

    assert sum(isinstance(row, Account) for row in rows) >= 12
    assert sum(isinstance(row, Case) for row in rows) >= 30


CASE = """
on = 2026-11-21T12:00:00Z

[[case]]
why = "own payslip"
organisation = "cheshire-fire"
levels = ["DBSB"]
asks = "pay.slip"
gate = "permitted"
reason = "rule-permits"
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "table.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_row_that_comes_out_otherwise_says_what_was_expected_and_what_was_found(
    written: Callable[[str], Path],
) -> None:
    path = written(CASE.replace('levels = ["DBSB"]\n', ""))
    (result,) = check_rows(load_table(path, cheshire()), Engine.compile(cheshire()))

    assert result.row.line == 4
    assert result.failures == (
        "expected permitted (rule-permits), found clearance (clearance-too-low)",
    )


def test_an_account_that_sees_otherwise_is_told_the_difference(
    written: Callable[[str], Path],
) -> None:
    path = written(
        'on = 2026-11-21T12:00:00Z\n[[account]]\nname = "paramedic"\norganisation = "nwas"\n'
        'levels = ["DBSE"]\ntiles = ["est.job", "pay.slip"]\npages = ["gate.portal"]\n'
    )
    (result,) = check_rows(load_table(path, cheshire()), Engine.compile(cheshire()))

    assert "tiles: too many: ict.ticket; missing: pay.slip" in result.failures


def test_the_rules_that_decide_no_row_are_named(written: Callable[[str], Path]) -> None:
    results = check_rows(load_table(written(CASE), cheshire()), Engine.compile(cheshire()))
    undecided = undecided_rules(results, cheshire())

    assert "own.self-service" not in undecided
    assert len(undecided) == len(cheshire().rules) - 1


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
