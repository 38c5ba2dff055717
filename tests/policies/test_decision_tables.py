"""Decision tables: those that are shipped hold, and a wrong one is told with its line."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policies.casbin_oracle import CasbinOracle
from policies.decision_table_file import Account, Case, Row, load_table, policy_set_of
from policies.decision_tables import check_rows, undecided_rules
from policies.engine import Engine
from policies.policy_set import load_policy_set
from tests.policies.people import BOTH_FACTORS, PASSWORD, asked, cheshire, rule_text, with_rules
from tests.policies.small_table import CASE, written

__all__ = ["written"]

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


# The tests that each shared service must pass: an officer finds each by its name.
NAMED = {
    "mfss": ("A1", "A2", "A3", "X1", "X2", "X3", "X4"),
    "cheshire-blue-light": ("B1", "B2", "B3", "B4", "X1", "X2", "X3", "X4"),
    "cleveland-steria": ("C1", "C2", "C3", "C4", "C5", "X1", "X2", "X3", "X4"),
    "bch": ("D1", "D2", "D3", "D4", "X1", "X2", "X3", "X4"),
    "hampshire": ("E1", "E2", "E3", "E4", "X1", "X2", "X3", "X4"),
}


@pytest.mark.parametrize("scenario", NAMED)
def test_each_shared_service_has_a_case_for_every_test_it_must_pass(scenario: str) -> None:
    (table,) = [each for each in TABLES if each.stem == scenario]
    named = {row.why.partition(":")[0] for row in rows_of(table)}

    assert set(NAMED[scenario]) - named == set()


@pytest.mark.parametrize("scenario", NAMED)
def test_no_rule_of_a_shared_services_own_could_be_lost_unnoticed(scenario: str) -> None:
    """But for denials that stand behind an agreement which offers nothing of the kind."""
    (directory,) = {set_of(each) for each in TABLES if each.stem == scenario}
    rows = [row for each in TABLES if set_of(each) == directory for row in rows_of(each)]
    engine = engine_of(directory)
    own = {rule["id"] for rule in tomllib.loads((directory / "rules.toml").read_text())["rule"]}
    lost = own & set(undecided_rules(check_rows(rows, engine), engine.policy_set))

    assert lost <= {"partners.no-duties", "partners.no-law-enforcement"}


def test_a_row_that_comes_out_otherwise_says_what_was_expected_and_what_was_found(
    written: Callable[[str], Path],
) -> None:
    path = written(CASE.replace('levels = ["DBSB"]\n', ""))
    (result,) = check_rows(load_table(path, cheshire()), Engine.compile(cheshire()))

    assert result.row.line == 4
    assert result.failures == (
        "expected permitted (rule-permits), found clearance (clearance-too-low)",
    )


def test_a_row_says_whether_reading_is_a_disclosure(written: Callable[[str], Path]) -> None:
    found = [
        check_rows(
            load_table(written(CASE.replace("gate =", f"discloses = {word}\ngate =")), cheshire()),
            Engine.compile(cheshire()),
        )[0].failures
        for word in ("false", "true")
    ]

    assert found == [(), ("expected a disclosure, found a consultation only",)]


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


def test_what_a_decision_is_bound_to_is_held_against_the_row(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    bound = 'obligations = { purpose = ["audit"], rate = { most = 2, minutes = 60 } }'
    policy_set = with_rules(tmp_path, rule_text('organisation_kind = ["fire"]', more=bound))
    words = 'obligations = ["purpose:audit", "rate:2/60"]'

    def failures(*more: str, gate: str = "permitted", reason: str = "rule-permits") -> int:
        text = CASE.replace("asks =", "\n".join((*more, "asks ="))).replace("permitted", gate)
        path = written(text.replace("rule-permits", reason))
        (result,) = check_rows(load_table(path, policy_set), Engine.compile(policy_set))
        return len(result.failures)

    asked_too_often = ('purpose = "audit"', "rate_used_up = true")
    assert failures('purpose = "audit"', words) == 0
    assert failures('purpose = "audit"', "obligations = []") == 1
    assert failures(*asked_too_often, gate="obligation", reason="rate-exceeded") == 0
    assert failures(words) == 2
