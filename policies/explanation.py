"""The complete reasons of a decision: every gate, every rule and every criterion.

An explanation is expanded from a decision's compact results and the policy set that decided, so a
decision read from the log years later explains itself as it did on the day. A question adds the
values that were looked at; without one, only the answers are told.

What a criterion is marked with:
    met, not met, unknown   as it was answered
    error                   asking it failed, which denied the access
    not asked               the rule does not concern the subject's organisation
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from policies.candidates import SUBJECT_BIT
from policies.compiled_function import NAMES_COLLEAGUE, NAMES_NOBODY, OWNER_UNKNOWN
from policies.decision import Gate
from policies.reasons import Reason
from policies.rule_lines import Mark

if TYPE_CHECKING:
    from policies.candidates import Candidates
    from policies.compiled_function import CompiledFunction
    from policies.decision import Decision, Effect, Results
    from policies.question import Question
    from policies.rule_lines import RuleLine
    from vetting.levels import LevelOrder


class GateLine(NamedTuple):
    """One gate: how it came out, why, and what was looked at."""

    gate: Gate
    mark: Mark
    reason: Reason
    looked_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The complete reasons of one decision."""

    function_id: str
    action: str
    organisation: str
    effect: Effect
    gate: Gate
    reason: Reason
    policy_digest: str
    gates: tuple[GateLine, ...]
    rules: tuple[RuleLine, ...]

    def lines(self) -> tuple[str, ...]:
        """Write it for people, one statement a line."""
        asked = f"{self.action} {self.function_id} for staff of {self.organisation}"
        lines = [f"{self.effect}: {asked} ({self.reason}, at gate {self.gate})"]
        lines += [
            f"gate {gate.gate}: {gate.mark} ({gate.reason}) {gate.looked_at}".rstrip()
            for gate in self.gates
        ]
        for rule in self.rules:
            lines.append(f"rule {rule.rule_id} ({rule.effect}): {rule.outcome}")
            for criterion in rule.criteria:
                value = f" [{criterion.value}]" if criterion.value else ""
                lines.append(f"    {criterion.mark}: {criterion.asks}{value}")
            lines += [f"    binds them to {each}" for each in rule.obliges]
        lines.append(f"policy set {self.policy_digest}")
        return tuple(lines)

    def to_json(self) -> dict[str, object]:
        """Give it as plain values for JSON."""
        written: dict[str, object] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in {"gates", "rules"}
        }
        written["gates"] = [gate._asdict() for gate in self.gates]
        written["rules"] = [
            {**rule._asdict(), "criteria": [each._asdict() for each in rule.criteria]}
            for rule in self.rules
        ]
        return written


def explain(
    compiled: CompiledFunction | None,
    candidates: Candidates | None,
    levels: LevelOrder,
    question: Question | None,
    decision: Decision,
    applying: int,
) -> Explanation:
    """Expand a decision that these candidates lead to.

    Args:
        compiled: The function; `None` when the policy set does not have it.
        candidates: The candidates of the function, action and organisation.
        levels: The order that the bits of the reach belong to.
        question: What was asked, for the values.
        decision: What was decided.
        applying: The rules that apply by its results.
    """
    results = decision.results
    gates: tuple[GateLine, ...] = (_function_gate(decision),)
    rules: tuple[RuleLine, ...] = ()
    if compiled is not None and candidates is not None:
        rules = compiled.lines_for(results.action, results.organisation, results.kind).write(
            results, question
        )
        gates += (
            _agreement_gate(compiled, question, decision),
            _clearance_gate(compiled, decision, levels),
            _rule_gate(compiled, candidates, results, applying),
            _obligation_gate(candidates, results, applying),
        )
    return Explanation(
        function_id=decision.function_id,
        action=results.action,
        organisation=results.organisation,
        effect=decision.effect,
        gate=decision.gate,
        reason=decision.reason,
        policy_digest=decision.policy_digest,
        gates=gates,
        rules=rules,
    )


def _mark(*, good: bool) -> Mark:
    return Mark.MET if good else Mark.NOT_MET


def _function_gate(decision: Decision) -> GateLine:
    known = decision.gate is not Gate.FUNCTION
    return GateLine(
        gate=Gate.FUNCTION,
        mark=_mark(good=known),
        reason=Reason.FUNCTION_KNOWN if known else Reason.FUNCTION_UNKNOWN,
        looked_at=decision.function_id,
    )


def _agreement_gate(
    compiled: CompiledFunction, question: Question | None, decision: Decision
) -> GateLine:
    if compiled.of_gateway:
        looked_at = "a page of the gateway needs none"
    else:
        looked_at = decision.agreement_id or "none is in force"
    if question is not None and decision.agreement_id is not None:
        covering = compiled.covering(decision.results.organisation, question.at)
        others = [each for each in covering if each != decision.agreement_id]
        if others:
            looked_at += f"; {' and '.join(others)} would let in no further"
    good = compiled.of_gateway or decision.agreement_id is not None
    return GateLine(
        gate=Gate.AGREEMENT,
        mark=_mark(good=good),
        reason=Reason.AGREEMENT_IN_FORCE if good else Reason.NO_AGREEMENT,
        looked_at=looked_at,
    )


def _clearance_gate(compiled: CompiledFunction, decision: Decision, levels: LevelOrder) -> GateLine:
    results = decision.results
    reason = compiled.clearance_reason(results.reach, results.owner, results.named)
    owner = None if results.owner == OWNER_UNKNOWN else results.owner
    floors = " and ".join(f"({floor})" for floor in compiled.function.floors_for(owner))
    reached = ", ".join(level for level in levels.ids if levels.bit(level) & results.reach)
    if results.named == NAMES_NOBODY:
        named = "nobody else"
    elif results.named == NAMES_COLLEAGUE:
        named = "a person of the same organisation"
    else:
        named = "a person of another organisation, or of one that cannot be told"
    return GateLine(
        gate=Gate.CLEARANCE,
        mark=_mark(good=reason is Reason.CLEARANCE_REACHED),
        reason=reason,
        looked_at=f"asks {floors}, reaches {reached or 'nothing'}, names {named}"
        + _accepted(compiled, decision, levels),
    )


def _accepted(compiled: CompiledFunction, decision: Decision, levels: LevelOrder) -> str:
    """Say what the agreement accepts besides; empty where it accepts nothing more."""
    accepting = compiled.accepting.get(decision.agreement_id)
    if not accepting:
        return ""
    taken_for = {levels.reach(level): level for level in levels.ids}
    said = (
        f"{level} of {body}" + ("" if taken_for[reach] == level else f" as {taken_for[reach]}")
        for (body, level), reach in accepting.items()
    )
    return f"; `{decision.agreement_id}` accepts {', '.join(said)}"


def _rule_gate(
    compiled: CompiledFunction, candidates: Candidates, results: Results, applying: int
) -> GateLine:
    reason, rules = candidates.conclude(results.failed, applying)
    if reason is Reason.RULE_IN_ERROR:
        mark = Mark.ERROR
    else:
        mark = _mark(good=reason is Reason.RULE_PERMITS)
    looked_at = ", ".join(rules)
    if compiled.withheld:
        looked_at = "withheld, as the engine and Casbin answered differently"
    elif results.failed & SUBJECT_BIT:
        looked_at = "the subject could not be read"
    return GateLine(gate=Gate.RULE, mark=mark, reason=reason, looked_at=looked_at)


def _obligation_gate(candidates: Candidates, results: Results, applying: int) -> GateLine:
    owed = candidates.owed(applying)
    missing = owed.only(owed.bits & ~results.fulfilled)
    return GateLine(
        gate=Gate.OBLIGATION,
        mark=_mark(good=not missing.bits),
        reason=Reason.OBLIGATION_NOT_FULFILLED if missing.bits else Reason.OBLIGATIONS_FULFILLED,
        looked_at=", ".join(missing.words or owed.words),
    )
