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
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, assert_never

from policies.candidates import SUBJECT_BIT
from policies.compiled_function import NAMES_COLLEAGUE, NAMES_NOBODY, OWNER_UNKNOWN
from policies.criteria import OfOrganisation, Result
from policies.decision import Effect, Gate
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.candidates import Candidates
    from policies.compiled_function import CompiledFunction
    from policies.criteria import Criterion
    from policies.decision import Decision, Results
    from policies.prepared_rule import PreparedRule
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


class GateLine(NamedTuple):
    """One gate: how it came out, why, and what was looked at."""

    gate: Gate
    mark: Mark
    reason: Reason
    looked_at: str


class CriterionLine(NamedTuple):
    """One criterion: what it asks, how it was answered, and the value if a question was given.

    The lines are named tuples because an explanation has a hundred of them: as frozen dataclasses
    they would cost as much as everything else in it.
    """

    name: str
    asks: str
    mark: Mark
    reason: Reason | None
    value: str


class RuleLine(NamedTuple):
    """One rule that speaks of the function and action, with its criteria."""

    rule_id: str
    effect: Effect
    outcome: Outcome
    why: str
    criteria: tuple[CriterionLine, ...]
    obliges: tuple[str, ...] = ()


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
        lines = _RuleLines(candidates, results, question)
        concerning = set(map(id, candidates.rules))
        rules = tuple(
            lines.of_rule(prepared, concerns=id(prepared) in concerning)
            for prepared in compiled.rules.get(results.action, ())
        )
        gates += (
            _agreement_gate(compiled, decision),
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


class _RuleLines:
    """Writes the lines of rules; a criterion that several rules share is written once."""

    def __init__(self, candidates: Candidates, results: Results, question: Question | None) -> None:
        self._bits = candidates.bits
        self._results = results
        self._question = question
        self._read = not results.failed & SUBJECT_BIT
        self._written: dict[tuple[str, Mark], CriterionLine] = {}
        self._values: dict[str, str] = {}

    def of_rule(self, prepared: PreparedRule, *, concerns: bool) -> RuleLine:
        marks = self._marks(prepared, asked=concerns and self._read)
        written = self._written
        criteria = []
        for place, mark in enumerate(marks):
            key = prepared.keys[place], mark
            line = written.get(key)
            if line is None:
                line = written[key] = self._line(prepared, place, mark)
            criteria.append(line)
        effect = prepared.rule.effect
        return _new(
            RuleLine,
            (
                prepared.rule.id,
                effect,
                _outcome(effect, marks) if concerns else _DOES_NOT_CONCERN,
                prepared.rule.reason,
                tuple(criteria),
                prepared.rule.obligations.words,
            ),
        )

    def _marks(self, prepared: PreparedRule, *, asked: bool) -> list[Mark]:
        _, organisation, kind, _, _, _, _, met, unknown, failed = self._results
        marks = []
        for key, form in zip(prepared.keys, prepared.forms, strict=True):
            if isinstance(form, OfOrganisation):
                marks.append(_marked(form.ask(organisation, kind)))
            elif not asked:
                marks.append(_NOT_ASKED)
            else:
                bit = self._bits[key]
                if failed & bit:
                    marks.append(_ERROR)
                elif met & bit:
                    marks.append(_MET)
                else:
                    marks.append(_UNKNOWN if unknown & bit else _NOT_MET)
        return marks

    def _line(self, prepared: PreparedRule, place: int, mark: Mark) -> CriterionLine:
        criterion = prepared.rule.criteria[place]
        value = self._values.get(criterion.name)
        if value is None:
            # The value is the question's, whatever the criterion asks of it.
            value = self._values[criterion.name] = _value(criterion, self._question)
        reason = None if mark is _NOT_ASKED else criterion.reasons[mark is not _MET]
        return _new(CriterionLine, (criterion.name, prepared.sentences[place], mark, reason, value))


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


def _outcome(effect: Effect, marks: list[Mark]) -> Outcome:
    if _ERROR in marks:
        return Outcome.ERROR
    # A deny rule bites on what is unknown too.
    if _NOT_MET in marks or _NOT_ASKED in marks:
        return _DOES_NOT_APPLY
    if effect is _PERMIT:
        return _DOES_NOT_APPLY if _UNKNOWN in marks else Outcome.PERMITS
    return Outcome.DENIES


# Bound once: an enumeration looks its members up slowly, and a named tuple is made slowly by name.
_new = tuple.__new__
_PERMIT = Effect.PERMIT
_DOES_NOT_CONCERN, _DOES_NOT_APPLY = Outcome.DOES_NOT_CONCERN, Outcome.DOES_NOT_APPLY
_MET, _NOT_MET, _UNKNOWN = Mark.MET, Mark.NOT_MET, Mark.UNKNOWN
_ERROR, _NOT_ASKED = Mark.ERROR, Mark.NOT_ASKED
