"""Decision tables: what has to come out of a policy set, held against what does.

The tables are files that an officer reads (`policies.decision_table_file`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.decision_table_file import PASSWORD, Account, Case, Row
from policies.function import GATEWAY_SYSTEM, Action
from policies.obligations import LEFT_TO_ASKER
from policies.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from policies.engine import Engine
    from policies.policy_set import PolicySet


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What came of one row.

    Attributes:
        row: the row.
        failures: what differs, a sentence each; empty where everything is as written.
        rules: ids of the rules that decided.
    """

    row: Row
    failures: tuple[str, ...]
    rules: frozenset[str]


def check_rows(rows: Iterable[Row], engine: Engine) -> tuple[RowResult, ...]:
    """Ask the engine every row and tell what differs."""
    return tuple(
        _check_case(row, engine) if isinstance(row, Case) else _check_account(row, engine)
        for row in rows
    )


def undecided_rules(results: Sequence[RowResult], policy_set: PolicySet) -> tuple[str, ...]:
    """Give the rules that decided no row: nothing would be noticed if they were lost."""
    decided = frozenset[str]().union(*(result.rules for result in results))
    return tuple(rule.id for rule in policy_set.rules if rule.id not in decided)


def _check_case(case: Case, engine: Engine) -> RowResult:
    decision = engine.decide(case.question)
    failures = []
    if (decision.gate, decision.reason) != (case.gate, case.reason):
        failures.append(
            f"expected {case.gate} ({case.reason}), found {decision.gate} ({decision.reason})"
        )
    found = decision.obligations.words
    if case.obligations is not None and found != case.obligations:
        failures.append(
            f"obligations: expected {', '.join(case.obligations) or 'none'}, "
            f"found {', '.join(found) or 'none'}"
        )
    if case.discloses is not None and decision.discloses is not case.discloses:
        words = {True: "a disclosure", False: "a consultation only"}
        failures.append(f"expected {words[case.discloses]}, found {words[decision.discloses]}")
    return RowResult(row=case, failures=tuple(failures), rules=frozenset(decision.rule_ids))


def _check_account(account: Account, engine: Engine) -> RowResult:
    functions = engine.policy_set.catalogue.functions
    rules: set[str] = set()
    pages = set()
    for function in functions.values():
        question = Question(
            subject=account.subject,
            function=function,
            action=Action.READ,
            at=account.at,
            factors=PASSWORD,
            zone=account.zone,
            honours=LEFT_TO_ASKER,
        )
        decision = engine.decide(question)
        rules.update(decision.rule_ids)
        if decision.permitted and function.system == GATEWAY_SYSTEM:
            pages.add(function.id)
    tiles = engine.tiles(
        account.subject,
        at=account.at,
        factors=PASSWORD,
        zone=account.zone,
        honours=LEFT_TO_ASKER,
    )
    step_up, purpose = (
        tuple(tile.function.id for tile in tiles if tile.needs == needed)
        for needed in ("step-up", "purpose")
    )
    compared = (
        ("tiles", account.tiles, tuple(tile.function.id for tile in tiles)),
        ("step_up", account.step_up, step_up),
        ("purpose", account.purpose, purpose),
        ("pages", tuple(sorted(account.pages)), tuple(sorted(pages))),
    )
    failures = [_difference(*each) for each in compared if each[1] != each[2]]
    return RowResult(row=account, failures=tuple(failures), rules=frozenset(rules))


def _difference(name: str, asked: tuple[str, ...], found: tuple[str, ...]) -> str:
    more = [each for each in found if each not in asked]
    less = [each for each in asked if each not in found]
    said = [f"too many: {', '.join(more)}"] if more else []
    said += [f"missing: {', '.join(less)}"] if less else []
    return f"{name}: {'; '.join(said) or 'in another order'}"
