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

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from policies.candidates import SUBJECT_BIT
from policies.compiled_function import NAMES_COLLEAGUE, NAMES_NOBODY, OWNER_UNKNOWN
from policies.criteria import OfOrganisation, Result
from policies.decision import Effect, Gate
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.candidates import Candidates, PreparedRule
    from policies.compiled_function import CompiledFunction
    from policies.criteria import Criterion
    from policies.decision import Decision, Results
    from policies.question import Question
    from vetting.levels import LevelOrder


class Mark(StrEnum):
    """How a gate, rule or criterion came out."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_ASKED = "not asked"


class Outcome(StrEnum):
    """What a rule did."""

    PERMITS = "permits"
    DENIES = "denies"
    DOES_NOT_APPLY = "does not apply"
    DOES_NOT_CONCERN = "does not concern the organisation"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """One gate: how it came out, why, and what was looked at."""

    gate: Gate
    mark: Mark
    reason: Reason
    looked_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionLine:
    """One criterion: what it asks, how it was answered, and the value if a question was given."""

    name: str
    asks: str
    mark: Mark
    reason: Reason | None
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One rule that speaks of the function and action, with its criteria."""

    rule_id: str
    effect: Effect
    outcome: Outcome
    why: str
    criteria: tuple[CriterionLine, ...]


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
        lines.append(f"policy set {self.policy_digest}")
        return tuple(lines)

    def to_json(self) -> dict[str, object]:
        """Give it as plain values for JSON."""
        return asdict(self)


def explain(
    compiled: CompiledFunction | None,
    candidates: Candidates | None,
    levels: LevelOrder,
    question: Question | None,
    decision: Decision,
) -> Explanation:
    """Expand a decision that these candidates lead to.

    Args:
        compiled: The function; `None` when the policy set does not have it.
        candidates: The candidates of the function, action and organisation.
        levels: The order that the bits of the reach belong to.
        question: What was asked, for the values.
        decision: What was decided.
    """
    results = decision.results
    gates: tuple[GateLine, ...] = (_function_gate(decision),)
    rules: tuple[RuleLine, ...] = ()
    if compiled is not None and candidates is not None:
        lines = _CriterionLines(candidates, results, question)
        rules = tuple(
            lines.of_rule(prepared) for prepared in compiled.rules.get(results.action, ())
        )
        gates += (
            _agreement_gate(compiled, decision),
            _clearance_gate(compiled, results, levels),
            _rule_gate(candidates, results),
            _obligation_gate(compiled, results),
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


def _agreement_gate(compiled: CompiledFunction, decision: Decision) -> GateLine:
    if compiled.of_gateway:
        looked_at = "a page of the gateway needs none"
    else:
        looked_at = decision.agreement_id or "none is in force"
    good = compiled.of_gateway or decision.agreement_id is not None
    return GateLine(
        gate=Gate.AGREEMENT,
        mark=_mark(good=good),
        reason=Reason.AGREEMENT_IN_FORCE if good else Reason.NO_AGREEMENT,
        looked_at=looked_at,
    )


def _clearance_gate(compiled: CompiledFunction, results: Results, levels: LevelOrder) -> GateLine:
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
        looked_at=f"asks {floors}, reaches {reached or 'nothing'}, names {named}",
    )


def _rule_gate(candidates: Candidates, results: Results) -> GateLine:
    reason, rules = candidates.conclude(results.failed, candidates.applying(results))
    if reason is Reason.RULE_IN_ERROR:
        mark = Mark.ERROR
    else:
        mark = _mark(good=reason is Reason.RULE_PERMITS)
    looked_at = ", ".join(rules)
    if results.failed & SUBJECT_BIT:
        looked_at = "the subject could not be read"
    return GateLine(gate=Gate.RULE, mark=mark, reason=reason, looked_at=looked_at)


def _obligation_gate(compiled: CompiledFunction, results: Results) -> GateLine:
    missing = compiled.obligations_of(compiled.all_obligations & ~results.fulfilled)
    return GateLine(
        gate=Gate.OBLIGATION,
        mark=_mark(good=not missing),
        reason=Reason.OBLIGATION_NOT_FULFILLED if missing else Reason.OBLIGATIONS_FULFILLED,
        looked_at=", ".join(missing or compiled.function.obligations),
    )


class _CriterionLines:
    """Writes the lines of rules; a criterion that several rules share is written once."""

    def __init__(self, candidates: Candidates, results: Results, question: Question | None) -> None:
        self._candidates = candidates
        self._results = results
        self._question = question
        self._written: dict[tuple[str, Mark], CriterionLine] = {}

    def of_rule(self, prepared: PreparedRule) -> RuleLine:
        rule, results = prepared.rule, self._results
        concerns = prepared.concerns(results.organisation, results.kind)
        criteria = tuple(
            self._line(prepared, place, concerns=concerns) for place in range(len(prepared.keys))
        )
        return RuleLine(
            rule_id=rule.id,
            effect=rule.effect,
            outcome=_outcome(rule.effect, criteria) if concerns else Outcome.DOES_NOT_CONCERN,
            why=rule.reason,
            criteria=criteria,
        )

    def _line(self, prepared: PreparedRule, place: int, *, concerns: bool) -> CriterionLine:
        mark = self._mark(prepared, place, concerns=concerns)
        key = (prepared.keys[place], mark)
        line = self._written.get(key)
        if line is None:
            criterion = prepared.rule.criteria[place]
            line = self._written[key] = CriterionLine(
                name=criterion.name,
                asks=criterion.sentence(),
                mark=mark,
                reason=None if mark is Mark.NOT_ASKED else criterion.reasons[mark is not Mark.MET],
                value=_value(criterion, self._question),
            )
        return line

    def _mark(self, prepared: PreparedRule, place: int, *, concerns: bool) -> Mark:
        results = self._results
        form = prepared.forms[place]
        if isinstance(form, OfOrganisation):
            return _marked(form.ask(results.organisation, results.kind))
        if not concerns or results.failed & SUBJECT_BIT:
            return Mark.NOT_ASKED
        bit = self._candidates.bits[prepared.keys[place]]
        if results.failed & bit:
            return Mark.ERROR
        if results.met & bit:
            return Mark.MET
        return Mark.UNKNOWN if results.unknown & bit else Mark.NOT_MET


def _marked(result: Result) -> Mark:
    match result:
        case Result.MET:
            return Mark.MET
        case Result.NOT_MET:
            return Mark.NOT_MET
        case Result.UNKNOWN:
            return Mark.UNKNOWN
        case _:
            assert_never(result)


def _value(criterion: Criterion, question: Question | None) -> str:
    if question is None:
        return ""
    try:
        return criterion.shown(question)
    except Exception:  # noqa: BLE001 - an explanation of an error must not fail of the same error
        return "cannot be read"


def _outcome(effect: Effect, criteria: tuple[CriterionLine, ...]) -> Outcome:
    marks = {criterion.mark for criterion in criteria}
    if Mark.ERROR in marks:
        return Outcome.ERROR
    if effect is Effect.DENY:
        return Outcome.DENIES if marks <= {Mark.MET, Mark.UNKNOWN} else Outcome.DOES_NOT_APPLY
    return Outcome.PERMITS if marks == {Mark.MET} else Outcome.DOES_NOT_APPLY
