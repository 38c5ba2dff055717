"""The gates: from results to how a decision ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.decision import Effect, Gate
from policies.engine import Engine
from policies.gates import ending_of
from policies.obligations import NO_OBLIGATIONS
from policies.reasons import Reason
from tests.policies.people import FIRE, cheshire

if TYPE_CHECKING:
    from policies.decision import Ending


def ending(
    function_id: str = "pay.slip",
    *,
    agreement: str | None = "an-agreement",
    level: str = "DBSB",
    named: int = 0,
    failed: int = 0,
    applying: int | None = None,
    fulfilled: int = 0,
) -> Ending:
    """What these results come to; left out, every rule but those that deny applies."""
    compiled = Engine.compile(cheshire()).functions[function_id]
    candidates = compiled.candidates_for("read", FIRE, "fire")
    permits = sum(rule for _, rule in candidates.permits)
    meaning = candidates.meaning(permits if applying is None else applying)
    reach = cheshire().levels.reach(level)
    return ending_of(compiled, agreement, meaning, reach, "", named, fulfilled, failed)


@pytest.mark.parametrize(
    ("given", "gate", "reason"),
    [
        ({"agreement": None}, Gate.AGREEMENT, Reason.NO_AGREEMENT),
        ({"function_id": "hr.search"}, Gate.CLEARANCE, Reason.CLEARANCE_TOO_LOW),
        ({"named": 2}, Gate.CLEARANCE, Reason.RECORD_BEYOND_CLEARANCE),
        ({"failed": 1}, Gate.RULE, Reason.RULE_IN_ERROR),
        ({"applying": 0}, Gate.RULE, Reason.NO_RULE_PERMITS),
        ({"function_id": "pay.bank"}, Gate.OBLIGATION, Reason.SECOND_FACTOR_NEEDED),
        ({"function_id": "pay.bank", "fulfilled": 1}, Gate.PERMITTED, Reason.RULE_PERMITS),
        ({}, Gate.PERMITTED, Reason.RULE_PERMITS),
    ],
)
def test_the_first_gate_that_fails_ends_it(
    given: dict[str, object], gate: Gate, reason: Reason
) -> None:
    found = ending(**given)  # type: ignore[arg-type]

    assert (found.gate, found.reason) == (gate, reason)
    assert (found.effect is Effect.PERMIT) is (gate is Gate.PERMITTED)
    assert bool(found.rule_ids) is (gate in {Gate.OBLIGATION, Gate.PERMITTED})
    assert (found.obligations != NO_OBLIGATIONS) is (given.get("function_id") == "pay.bank")


def test_an_earlier_gate_counts_though_a_later_one_fails_as_well() -> None:
    assert ending(agreement=None, failed=1, applying=0).gate is Gate.AGREEMENT
    assert ending("hr.search", failed=1).gate is Gate.CLEARANCE
    assert ending("pay.bank", failed=1).reason is Reason.RULE_IN_ERROR
