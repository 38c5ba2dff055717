"""The decision tables that officers read, held against the engine and against Casbin.

Two kinds of table: `[[account]]` lists everything a role account sees, `[[case]]` is one question
with its outcome. Every other table in a file, and every unknown key, fails.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policies.casbin_oracle import CasbinOracle
from policies.engine import Engine
from policies.function import GATEWAY_SYSTEM
from policies.question import Subject
from tests.policies.people import (
    AT,
    BOTH_FACTORS,
    PASSWORD,
    asked,
    cheshire,
    grant,
    subject,
)
from vetting.grants import GrantStatus

TABLES = Path(__file__).parent / "decision_tables"
ACCOUNT_KEYS = {
    *("name", "organisation", "posts", "unit", "levels", "ended", "appointments", "manages"),
    *("reason", "tiles", "step_up", "pages"),
}
CASE_KEYS = {
    *("why", "organisation", "posts", "unit", "levels", "ended", "suspended", "team", "asks", "to"),
    *("names", "of", "second_factor", "on", "gate", "reason"),
}


def rows(kind: str) -> list[dict[str, Any]]:
    found = []
    for path in sorted(TABLES.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        assert set(table) <= {"account", "case"}, path
        found += table.get(kind, [])
    return found


@cache
def engine() -> Engine:
    return Engine.compile(cheshire())


@cache
def oracle() -> CasbinOracle:
    return CasbinOracle.from_policy_set(cheshire())


def of_account(row: dict[str, Any]) -> Subject:
    return subject(
        *row["levels"],
        organisation=row["organisation"],
        posts=row["posts"],
        unit=row["unit"],
        team=["1002"] if row["manages"] else [],
        appointments=row["appointments"],
        number="1001",
        ended=row["ended"],
    )


def of_case(row: dict[str, Any]) -> Subject:
    who = subject(
        *row["levels"],
        organisation=row["organisation"],
        posts=row.get("posts", ()),
        unit=row.get("unit", ""),
        team=row.get("team", ()),
        number="1001",
        ended=row.get("ended", ()),
    )
    suspended = tuple(
        grant(level, row["organisation"], status=GrantStatus.SUSPENDED)
        for level in row.get("suspended", ())
    )
    grants = (*who.clearance.grants, *suspended)
    return replace(who, clearance=replace(who.clearance, grants=grants))


@pytest.mark.parametrize("row", rows("account"), ids=lambda row: row["name"])
def test_an_account_sees_exactly_the_tiles_of_its_row(row: dict[str, Any]) -> None:
    assert set(row) == ACCOUNT_KEYS
    tiles = engine().tiles(of_account(row), at=AT, factors=PASSWORD)

    assert [tile.function.id for tile in tiles] == row["tiles"]
    assert [tile.function.id for tile in tiles if tile.needs == "step-up"] == row["step_up"]
    assert all(tile.needs in {None, "step-up"} for tile in tiles)


@pytest.mark.parametrize("row", rows("account"), ids=lambda row: row["name"])
def test_an_account_opens_exactly_the_pages_of_its_row(row: dict[str, Any]) -> None:
    pages = {
        function.id
        for function in cheshire().catalogue.functions.values()
        if function.system == GATEWAY_SYSTEM
        and engine().decide(asked(of_account(row), function.id)).permitted
    }

    assert pages == set(row["pages"])


@pytest.mark.parametrize("row", rows("account"), ids=lambda row: row["name"])
def test_engine_and_casbin_agree_on_every_function_and_action_of_an_account(
    row: dict[str, Any],
) -> None:
    questions = [
        asked(of_account(row), function_id, action, factors=factors)
        for function_id in cheshire().catalogue.functions
        for action in ("read", "write")
        for factors in (PASSWORD, BOTH_FACTORS)
    ]

    assert oracle().compare(engine().decide, questions) == ()
    assert all(oracle().answer(question).error is None for question in questions)


@pytest.mark.parametrize("row", rows("case"), ids=lambda row: row["why"])
def test_a_case_comes_out_as_its_row_says(row: dict[str, Any]) -> None:
    assert set(row) <= CASE_KEYS
    question = asked(
        of_case(row),
        row["asks"],
        row.get("to", "read"),
        at=row.get("on", AT),
        person=row.get("names"),
        owner=row.get("of"),
        factors=BOTH_FACTORS if row.get("second_factor") else PASSWORD,
    )
    decision = engine().decide(question)

    assert (decision.gate, decision.reason) == (row["gate"], row["reason"])
    assert decision.permitted is (row["gate"] == "permitted")
    assert oracle().answer(question).effect is decision.effect


def test_the_tables_are_found() -> None:
    """An empty glob would make every test above pass."""
    assert len(rows("account")) >= 12
    assert len(rows("case")) >= 30
