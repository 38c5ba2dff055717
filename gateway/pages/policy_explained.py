"""An answer as an officer reads it: every gate in order, every rule with what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.pages.policy_words import RuleRow, named, obligation_sentences, rule_row
from policies.decision import Effect, Gate
from policies.effective_access import lets_in
from policies.rule_lines import Mark, Outcome

if TYPE_CHECKING:
    from policies.audiences import Audience
    from policies.decision import Decision
    from policies.explanation import Explanation
    from policies.function import Function
    from policies.policy_set import PolicySet


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStep:
    """One gate as it is shown.

    Attributes:
        name: what it asks.
        passed: whether it was passed; None where it was not asked, as an earlier one refused.
        words: what was found; empty where it was not asked.
    """

    name: str
    passed: bool | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRule:
    """One rule with what it did here."""

    rule: RuleRow
    outcome: str
    look: str
    criteria: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an officer asks about."""

    function: Function
    audience: Audience
    action: str
    post: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out.

    Attributes:
        look: which colours.
        word: yes, no, or some of them.
        sentence: the same as a sentence.
        some: who of them, one line each.
        change: what would let them in, one line each.
        taken: as whom the gates and rules below were asked, if not as just anybody.
        decision: what they tell of.
        explanation: the same, complete.
    """

    look: str
    word: str
    sentence: str
    some: tuple[str, ...]
    change: tuple[str, ...]
    taken: str
    decision: Decision
    explanation: Explanation


def gate_steps(answer: Answer, asked: Asked, policy_set: PolicySet) -> tuple[GateStep, ...]:
    """Say what each gate asked and found, in their order."""
    steps: list[GateStep] = []
    refused = False
    for line in answer.explanation.gates:
        # After the gate that refused nothing was at stake any more.
        passed = None if refused else line.mark is Mark.MET
        if line.gate is Gate.OBLIGATION and not refused and lets_in(answer.decision):
            passed = True
        words = "" if refused else _found(line.gate, answer, asked, policy_set, passed=bool(passed))
        steps.append(GateStep(name=_GATES[line.gate], passed=passed, words=words))
        refused = refused or passed is False
    return tuple(steps)


def _found(gate: Gate, answer: Answer, asked: Asked, policy_set: PolicySet, *, passed: bool) -> str:
    decision = answer.decision
    match gate:
        case Gate.FUNCTION:
            return f"{asked.function.title} ({asked.function.id}) is in the catalogue."
        case Gate.AGREEMENT:
            titles = {each.id: each.title for each in policy_set.agreements}
            if decision.agreement_id:
                return f"“{titles.get(decision.agreement_id, decision.agreement_id)}” offers it."
            if passed:
                return "A page of this service needs none."
            return f"None in force offers it to {asked.audience.organisation.name}."
        case Gate.CLEARANCE:
            asks = _floors(asked, decision, policy_set)
            held = asked.audience.title if asked.audience.levels else "no vetting"
            return f"It asks for {asks}. They hold {held}."
        case Gate.RULE:
            return _rule_words(answer.explanation)
        case Gate.OBLIGATION:
            sentences = obligation_sentences(decision.obligations, policy_set)
            if not sentences:
                return "Nothing else is asked for."
            return f"They must {' and '.join(sentences)}."
        case Gate.PERMITTED:
            return ""


def _floors(asked: Asked, decision: Decision, policy_set: PolicySet) -> str:
    owner = decision.results.owner
    floors = asked.function.floors_for(None if owner == "?" else owner)
    return ", and ".join(dict.fromkeys(named(each.text, policy_set) for each in floors))


def _rule_words(explanation: Explanation) -> str:
    denying = [each.rule_id for each in explanation.rules if each.outcome is Outcome.DENIES]
    if denying:
        return f"Rule {' and '.join(denying)} forbids it."
    permitting = [each.rule_id for each in explanation.rules if each.outcome is Outcome.PERMITS]
    if permitting:
        return f"Rule {' and '.join(permitting)} permits it, and none forbids it."
    if any(each.outcome is Outcome.ERROR for each in explanation.rules):
        return "A rule cannot be answered, which refuses it."
    return "No rule permits it."


def asked_rules(explanation: Explanation, policy_set: PolicySet) -> list[AskedRule]:
    """Give every rule that speaks of the function, those that decided first."""
    known = {each.id: each for each in policy_set.rules}
    found = []
    for line in explanation.rules:
        outcome, look = _OUTCOMES[line.outcome]
        if line.outcome is Outcome.DOES_NOT_APPLY and line.effect is Effect.DENY:
            outcome = "Does not forbid"
        found.append(
            AskedRule(
                rule=rule_row(known[line.rule_id], policy_set),
                outcome=outcome,
                look=look,
                criteria=tuple((_MARKS[each.mark], each.asks) for each in line.criteria),
            )
        )
    order = [Outcome.DENIES, Outcome.ERROR, Outcome.PERMITS, Outcome.DOES_NOT_APPLY]
    places = {_OUTCOMES[each][0]: place for place, each in enumerate(order)}
    return sorted(found, key=lambda each: places.get(each.outcome, len(order)))


_GATES = {
    Gate.FUNCTION: "Is the function known?",
    Gate.AGREEMENT: "Does an agreement offer it to their organisation?",
    Gate.CLEARANCE: "Is their vetting high enough?",
    Gate.RULE: "Does a rule permit it, and none forbid it?",
    Gate.OBLIGATION: "Is nothing else in the way?",
}
ELSEWHERE = "For other organisations"
_OUTCOMES = {
    Outcome.PERMITS: ("Permits", "green"),
    Outcome.DENIES: ("Forbids", "orange"),
    Outcome.DOES_NOT_APPLY: ("Does not permit", "grey"),
    Outcome.DOES_NOT_CONCERN: (ELSEWHERE, "grey"),
    Outcome.ERROR: ("Cannot be answered", "orange"),
}
_MARKS = {
    Mark.MET: "met",
    Mark.NOT_MET: "not met",
    Mark.UNKNOWN: "not known",
    Mark.ERROR: "failed",
    Mark.NOT_ASKED: "not asked",
}
