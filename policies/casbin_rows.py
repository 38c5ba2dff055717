"""A policy set as rows of text for Casbin, and the one matcher function that reads them.

Every rule is a row for each function and action it speaks of. The gates before and after the rules
(agreement, clearance, obligation) are one more row for each function and action, with effect
`deny`: it matches when a gate is not passed. So the text alone says who may do what.

    p, own.self-service, pay.slip, read, %7B%22rule%22%3A..., allow
    p, gate%3Apay.slip, pay.slip, read, %7B%22gate%22%3A..., deny

Every field is percent-encoded: Casbin's text adapter has no quoting, and splits at commas, counts
brackets and trims blanks, so a field as it is could become another rule.

The matcher shares the definitions of the criteria with the engine, and nothing else: not the index,
not the bits, not the instants worked out beforehand. It is the slow and plain reading against which
the quick one is held.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from policies.compiled_function import ANOTHERS_RECORD
from policies.criteria import VOCABULARY, InPeriod, OfOrganisation, Result
from policies.criteria.clearance import ClearedTo
from policies.decision import Effect
from policies.errors import PolicyError
from policies.function import GATEWAY_SYSTEM, SECOND_FACTOR, Action, Classification, Scope
from policies.obligations import Obligation, Obligations
from policies.obligations_file import obligations_from_value, obligations_value
from vetting.days import day_of
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policies.agreements import Agreement
    from policies.criteria import Criterion, Terms
    from policies.function import Function
    from policies.policy_set import PolicySet
    from policies.question import Question
    from policies.rules import Rule

ALLOW, DENY = "allow", "deny"

_CRITERIA: Mapping[str, type[Criterion]] = MappingProxyType(
    {InPeriod.name: InPeriod, **{kind.name: kind for kind in VOCABULARY}}
)


class RowError(PolicyError):
    """A row that is not in the form in which rows are written."""


class Row(NamedTuple):
    """One row of the policy, every field as plain text (encoded only when written)."""

    id: str
    function: str
    action: str
    when: str
    effect: str

    def to_text(self) -> str:
        """Write the row as a line for Casbin."""
        return ", ".join(("p", *(quote(field, safe="") for field in self)))

    @classmethod
    def from_text(cls, line: str) -> Row:
        """Read a line back.

        Raises:
            RowError: if the line is not exactly as `to_text` writes it, or a field is empty.
        """
        kind, *fields = line.split(", ")
        row_fields = [unquote(field) for field in fields]
        if kind != "p" or len(row_fields) != len(cls._fields) or not all(row_fields):
            raise RowError(f"read row: `{line[:60]}` does not have its five fields")
        row = cls(*row_fields)
        if row.to_text() != line:
            raise RowError(f"read row: `{line[:60]}` is not in the written form")
        if row.effect not in {ALLOW, DENY}:
            # Casbin takes an effect it does not know for no effect, and a deny would be lost.
            raise RowError(f"read row: `{row.effect[:20]}` is not an effect")
        return row


def rows_of(policy_set: PolicySet) -> Iterator[Row]:
    """Write a policy set as rows: the gates first, then the rules in their order."""
    for function in policy_set.catalogue.functions.values():
        when = _text({"gate": _gate(function, policy_set.agreements)})
        for action in Action:
            yield Row(f"gate:{function.id}", function.id, action, when, DENY)
    for rule in policy_set.rules:
        when = _text({"rule": [[each.name, each.to_value()] for each in rule.criteria]})
        effect = ALLOW if rule.effect is Effect.PERMIT else DENY
        yield from _rule_rows(rule, policy_set, when, effect)


def _rule_rows(rule: Rule, policy_set: PolicySet, when: str, effect: str) -> Iterator[Row]:
    functions = policy_set.catalogue.functions
    for function_id in sorted(rule.functions):
        for action in sorted(rule.actions):
            yield Row(rule.id, function_id, action, when, effect)
            if rule.obligations.bits:
                owed = {
                    "criteria": json.loads(when)["rule"],
                    "obligations": obligations_value(rule.obligations),
                    "step_up_limit_us": functions[function_id].step_up_limit_us,
                }
                yield Row(rule.id, function_id, action, _text({"owed": owed}), DENY)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _gate(function: Function, agreements: tuple[Agreement, ...]) -> dict[str, object]:
    return {
        "system": function.system,
        "scope": function.scope,
        "classification": function.classification,
        "floor": function.floor.text,
        "floor_by_owner": {owner: each.text for owner, each in function.floor_by_owner.items()},
        "obligations": function.obligations,
        "agreements": [
            {
                "id": agreement.id,
                "status": agreement.status,
                "serves": sorted(agreement.serves),
                "accepts": [[each.body, each.level, each.counts_as] for each in agreement.accepts],
                "start": agreement.start.isoformat(),
                "last_days": [
                    day.isoformat()
                    for day in (agreement.end, agreement.dsa_expires)
                    if day is not None
                ],
            }
            for agreement in agreements
            if function.id in agreement.functions
        ],
    }


Matcher = Callable[["Question", str, str | None], bool]
"""Of a question, the row's effect and the agreement it is asked under (`None`: the first)."""


def matcher_of(when: str, terms: Terms) -> Matcher:
    """Read the text of a condition, once.

    Args:
        when: The condition as `rows_of` writes it.
        terms: The words that criteria may use.

    Returns:
        A function that tells whether the row matches.

    Raises:
        RowError: if the text is not a condition.
        CriterionError: if a criterion is not understood.
    """
    try:
        read = json.loads(when)
        if set(read) == {"gate"}:
            return _GateRow.of(read["gate"], terms).matches
        if set(read) == {"rule"} and read["rule"]:
            return _RuleRow.of(read["rule"], terms).matches
        if set(read) == {"owed"}:
            return _OwedRow.of(read["owed"], terms).matches
    except (ValueError, KeyError, TypeError) as error:
        raise RowError(f"read row: `{when[:60]}` is not a condition") from error
    raise RowError(f"read row: `{when[:60]}` is not a condition")


def covering_of(matcher: Matcher) -> Callable[[Question], tuple[str, ...]] | None:
    """Give what tells which agreements cover a question; only the row of a gate knows."""
    row = getattr(matcher, "__self__", None)
    return row.covering if isinstance(row, _GateRow) else None


def obligations_of(when: str, terms: Terms) -> Obligations | None:
    """Read the obligations of a condition; `None` where it has none.

    Raises:
        RowError: if the text is not a condition.
        CriterionError: if a criterion is not understood.
    """
    row = getattr(matcher_of(when, terms), "__self__", None)
    return row.obligations if isinstance(row, _OwedRow) else None


def criteria_of(when: str, terms: Terms) -> tuple[Criterion, ...]:
    """Read the criteria of a rule's condition.

    Raises:
        RowError: if the text is not the condition of a rule.
        CriterionError: if a criterion is not understood.
    """
    row = getattr(matcher_of(when, terms), "__self__", None)
    if not isinstance(row, _RuleRow):
        raise RowError(f"read row: `{when[:60]}` is not the condition of a rule")
    return row.criteria


@dataclass(frozen=True, slots=True)
class _RuleRow:
    """A rule: matches when its criteria are met, in the sense of its effect."""

    criteria: tuple[Criterion, ...]
    # As they are under each of the agreements, where that makes a difference.
    under: Mapping[str | None, tuple[Criterion, ...]]

    @classmethod
    def of(cls, written: list[tuple[str, object]], terms: Terms) -> _RuleRow:
        criteria = tuple(_CRITERIA[name].from_value(value, terms) for name, value in written)
        cleared = [each for each in criteria if isinstance(each, ClearedTo) and each.agreements]
        named = {each.id for criterion in cleared for each in criterion.agreements}
        return cls(criteria, {each: tuple(_under(c, each) for c in criteria) for each in named})

    def matches(self, question: Question, effect: str, under: str | None = None) -> bool:
        if effect not in {ALLOW, DENY}:
            return False
        # 1. Does the rule concern the organisation? If not, nothing else is asked.
        about_staff = []
        for criterion in self.under.get(under, self.criteria):
            if not isinstance(criterion.form(), OfOrganisation):
                about_staff.append(criterion)
            elif not _holds(criterion.result(question), effect):
                return False
        # 2. Every other criterion is asked, none left out: an error in any of them must be seen.
        held = [_holds(criterion.result(question), effect) for criterion in about_staff]
        return all(held)


@dataclass(frozen=True, slots=True)
class _OwedRow:
    """What a permit is bound to: matches, and so denies, when it permits and one is not kept."""

    permit: _RuleRow
    obligations: Obligations
    step_up_limit_us: int

    @classmethod
    def of(cls, owed: dict[str, Any], terms: Terms) -> _OwedRow:
        return cls(
            permit=_RuleRow.of(owed["criteria"], terms),
            obligations=obligations_from_value(owed["obligations"]),
            step_up_limit_us=int(owed["step_up_limit_us"]),
        )

    def matches(self, question: Question, effect: str, under: str | None = None) -> bool:
        permits = self.permit.matches(question, ALLOW, under)
        return effect == DENY and permits and not self._kept(question)

    def _kept(self, question: Question) -> bool:
        owed, honours = self.obligations, question.honours
        age = question.second_factor_age_us
        fresh = age is not None and 0 <= age < self.step_up_limit_us
        return (
            (not owed.step_up or (fresh and SECOND_FACTOR in question.factors))
            and (owed.purpose is None or question.purpose in owed.purpose.codes)
            and (not owed.read_only or question.action != Action.WRITE)
            and (not owed.mask or Obligation.MASK in honours)
            and (not owed.watermark or Obligation.WATERMARK in honours)
            and (not owed.rates or Obligation.RATE in honours)
        )


def _under(criterion: Criterion, agreement_id: str) -> Criterion:
    return criterion.under(agreement_id) if isinstance(criterion, ClearedTo) else criterion


def _holds(result: Result, effect: str) -> bool:
    return result is Result.MET or (effect == DENY and result is Result.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _GateRow:
    """The gates of a function: matches, and so denies, when one of them is not passed."""

    gate: dict[str, Any]
    floor: Requirement
    floor_by_owner: dict[str, Requirement]
    anothers_record: Requirement

    @classmethod
    def of(cls, gate: dict[str, Any], terms: Terms) -> _GateRow:
        order = terms.order
        return cls(
            gate=gate,
            floor=Requirement.parse(gate["floor"], order),
            floor_by_owner={
                owner: Requirement.parse(text, order)
                for owner, text in gate["floor_by_owner"].items()
            },
            anothers_record=Requirement.parse(ANOTHERS_RECORD, order),
        )

    def matches(self, question: Question, effect: str, under: str | None = None) -> bool:
        agreement = self._agreement(question, under)
        passed = (
            (self.gate["system"] == GATEWAY_SYSTEM or agreement is not None)
            and self._cleared(question, agreement)
            and self._fulfilled(question)
        )
        return effect == DENY and not passed

    def covering(self, question: Question) -> tuple[str, ...]:
        """Give the ids of the agreements that cover the question, in the order of the file."""
        return tuple(agreement["id"] for agreement in self._covering(question))

    def _agreement(self, question: Question, under: str | None) -> dict[str, Any] | None:
        """Give the agreement that covers the question: that one, or the first."""
        covering = self._covering(question)
        return next((each for each in covering if under in {None, each["id"]}), None)

    def _covering(self, question: Question) -> Iterator[dict[str, Any]]:
        today = day_of(question.at).isoformat()
        return (
            agreement
            for agreement in self.gate["agreements"]
            if agreement["status"] == "in-force"
            and question.subject.organisation in agreement["serves"]
            and agreement["start"] <= today
            and all(today <= last_day for last_day in agreement["last_days"])
        )

    def _cleared(self, question: Question, agreement: dict[str, Any] | None) -> bool:
        asked = [*self._floors(question)]
        if self._is_anothers(question):
            asked.append(self.anothers_record)
        clearance, order = question.subject.clearance, self.floor.order
        if not clearance.order.means_the_same_as(order):
            raise RowError("ask clearance: it is over another order of levels")
        accepting = {
            (body, level): order.reach(counts_as)
            for body, level, counts_as in (agreement["accepts"] if agreement else ())
        }
        reach = clearance.reach(at=question.at, function=question.function.id, accepting=accepting)
        return all(requirement.met_by(reach) for requirement in asked)

    def _floors(self, question: Question) -> tuple[Requirement, ...]:
        owner = question.record_organisation
        if owner is None and question.record_person is None and self._shows_own():
            owner = question.subject.organisation or None
        if owner is None:
            return (self.floor, *self.floor_by_owner.values())
        return (self.floor_by_owner.get(owner, self.floor),)

    def _shows_own(self) -> bool:
        scope = self.gate["scope"]
        return scope == Scope.TEAM or str(scope).startswith(Scope.OWN)

    def _is_anothers(self, question: Question) -> bool:
        """Whether the request names somebody for whom an employer's screening is not enough."""
        person, employer = question.record_person, question.record_organisation
        subject = question.subject
        if person is None or employer in self.floor_by_owner:
            return False
        if employer != subject.organisation:
            return True
        sensitive = self.gate["classification"] == Classification.OFFICIAL_SENSITIVE
        # An empty number is nobody's.
        return (person != subject.employee_number or not person) and sensitive

    def _fulfilled(self, question: Question) -> bool:
        fulfilled = {
            Obligation.STEP_UP: SECOND_FACTOR in question.factors,
            Obligation.READ_ONLY: question.action != Action.WRITE,
            Obligation.WATERMARK: Obligation.WATERMARK in question.honours,
        }
        return all(fulfilled.get(obligation) for obligation in self.gate["obligations"])
