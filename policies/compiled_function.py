"""One function of a policy set, compiled: its agreements as instants, its floors, its candidates.

What the gates ask of a function is worked out here once, when a policy set is activated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from policies.acceptance import reaches_of
from policies.agreements import AgreementStatus
from policies.answers import FloorAnswers
from policies.candidates import NO_MOMENT, Candidates
from policies.errors import PolicyError
from policies.function import GATEWAY_SYSTEM, SECOND_FACTOR, Action, Classification, Scope
from policies.obligations import (
    BIT_OF,
    LEFT_TO_ASKER,
    PURPOSE_BIT,
    READ_ONLY_BIT,
    STEP_UP_BIT,
    Obligations,
)
from policies.reasons import Reason
from policies.rule_lines import RuleLines
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from policies.agreements import Agreement
    from policies.answers import Meaning
    from policies.candidates import Interval
    from policies.criteria import Result
    from policies.function import Function
    from policies.organisations import PolicyOrganisation
    from policies.prepared_rule import PreparedRule
    from policies.question import Question
    from vetting.levels import LevelId, LevelOrder

ANOTHERS_RECORD = "N2F or RV"
"""What anything that shows another employer's person needs at the least, unless the host has set a
floor for that owner's records; and what a person other than oneself needs in a function that is
OFFICIAL-SENSITIVE. Staff with no more than an employer's screening reach their own record only."""

OWNER_UNKNOWN = "?"
"""Stands for an owner that cannot be told; never the id of an organisation."""

NAMES_NOBODY, NAMES_COLLEAGUE, NAMES_OUTSIDER = 0, 1, 2


_SAME_NUMBER = 2


def _named_by(standing: int) -> int:
    person, own = standing >> 5, standing & 3 == 1
    if not person or (own and person == _SAME_NUMBER):
        return NAMES_NOBODY
    return NAMES_COLLEAGUE if own else NAMES_OUTSIDER


NAMED_BY_STANDING = tuple(_named_by(standing) for standing in range(128))
"""Whom a request names, as `Results.named` counts it, by `record_standing`."""

_REACHED, _TOO_LOW = Reason.CLEARANCE_REACHED, Reason.CLEARANCE_TOO_LOW

_OWN_SCOPES = frozenset(
    {
        Scope.OWN,
        Scope.OWN_ORGANISATION_TEAM,
        Scope.OWN_ORGANISATION_UNIT,
        Scope.OWN_COMPANY,
        Scope.TEAM,
    }
)
"""Scopes in which a request that names nobody is about the subject's own organisation."""


@dataclass(frozen=True, slots=True)
class CompiledFunction:
    """A function with everything the gates ask of it.

    Attributes:
        function: The function as the policy set has it.
        of_gateway: Whether it is a page of the gateway, which needs no agreement.
        cover: For each organisation the instants between which an agreement covers it, and the
            agreement's id, in the order of the file.
        accepting: By agreement what it accepts besides, as `Clearance.reach` takes it; only those
            that accept anything.
        disclosing: The agreements under which reading it is a disclosure.
        floor: Asks the floor.
        floor_by_owner: Asks the floor for records of an owner.
        own_scope: Whether a request that names nobody is about the subject's own organisation.
        anothers_record: Asks what another's record needs at the least.
        sensitive: Whether it is OFFICIAL-SENSITIVE.
        obligations: What the catalogue asks for, whatever rule permits.
        rules: The rules that speak of it, by action.
        candidates: The candidates by action and organisation, with the organisation's kind.
        withheld: Whether every question is denied, as one was answered wrongly.
        one_floor: What `clearance_reason` answers where one floor holds for all owners, by whom a
            request names.
    """

    function: Function
    of_gateway: bool
    cover: Mapping[str, tuple[Interval, ...]]
    accepting: Mapping[str | None, Mapping[tuple[str, LevelId], int]]
    disclosing: frozenset[str]
    floor: Callable[[int], bool]
    floor_by_owner: Mapping[str, Callable[[int], bool]]
    own_scope: bool
    anothers_record: Requirement
    sensitive: bool
    obligations: Obligations
    rules: Mapping[str, tuple[PreparedRule, ...]]
    candidates: Mapping[tuple[str, str], tuple[str, Candidates]]
    withheld: bool = False
    one_floor: tuple[FloorAnswers, ...] = field(init=False, repr=False, compare=False)
    # INVARIANT: only of organisations that the policy set has, in this function's own candidates.
    _lines: dict[tuple[str, str], RuleLines] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Remember what `clearance_reason` answers, in tables of this function's own."""
        ask = self.clearance_reason
        tables = tuple(
            FloorAnswers(lambda reach, named=named: ask(reach, "", named))  # type: ignore[misc]
            for named in (NAMES_NOBODY, NAMES_COLLEAGUE, NAMES_OUTSIDER)
        )
        object.__setattr__(self, "one_floor", tables)

    @classmethod
    def compile(
        cls,
        function: Function,
        *,
        levels: LevelOrder,
        organisations: Iterable[PolicyOrganisation],
        agreements: Iterable[Agreement],
        rules: Mapping[str, tuple[PreparedRule, ...]],
    ) -> CompiledFunction:
        """Work out everything the gates ask of a function.

        Args:
            function: The function.
            levels: The order of the levels.
            organisations: Those for which candidates are worked out beforehand.
            agreements: All of the policy set.
            rules: The rules that speak of the function, by action.
        """
        agreements = tuple(agreements)
        cover = _cover(function.id, agreements)
        accepting: dict[str | None, Mapping[tuple[str, LevelId], int]] = {
            each.id: reaches_of(each.accepts, levels)
            for each in agreements
            if each.accepts and function.id in each.functions
        }
        own = Obligations.of_function(function.obligations)
        return cls(
            function=function,
            of_gateway=function.system == GATEWAY_SYSTEM,
            cover=cover,
            accepting=accepting,
            disclosing=frozenset(
                each.id for each in agreements if each.discloses and function.id in each.functions
            ),
            floor=function.floor.met_by,
            floor_by_owner={
                owner: floor.met_by for owner, floor in function.floor_by_owner.items()
            },
            own_scope=function.scope in _OWN_SCOPES,
            anothers_record=Requirement.parse(ANOTHERS_RECORD, levels),
            sensitive=function.classification is Classification.OFFICIAL_SENSITIVE,
            obligations=own,
            rules=rules,
            candidates={
                (action, each.id): (
                    each.kind,
                    _concerning(spoken, each.id, each.kind, cover, own),
                )
                for action, spoken in rules.items()
                for each in organisations
            },
        )

    def agreement(self, organisation: str, at: datetime) -> str | None:
        """The id of the agreement that offers the function to an organisation at an instant."""
        for starts_at, ends_at, agreement_id in self.cover.get(organisation, ()):
            if starts_at <= at and (ends_at is None or at < ends_at):
                return agreement_id
        return None

    def covering(self, organisation: str, at: datetime) -> tuple[str, ...]:
        """The ids of all agreements that offer it at an instant, in the order of the file."""
        return tuple(
            agreement_id
            for starts_at, ends_at, agreement_id in self.cover.get(organisation, ())
            if starts_at <= at and (ends_at is None or at < ends_at)
        )

    def candidates_for(self, action: str, organisation: str, kind: str) -> Candidates:
        """The candidates for staff of an organisation.

        An organisation that the policy set does not have, or has with another kind, is compiled
        on the spot: slow, and as exact.
        """
        found = self.candidates.get((action, organisation))
        if found is not None and found[0] == kind:
            return found[1]
        rules = self.rules.get(action, ())
        candidates = _concerning(rules, organisation, kind, self.cover, self.obligations)
        return _failing(candidates) if self.withheld else candidates

    def lines_for(self, action: str, organisation: str, kind: str) -> RuleLines:
        """How the rules are told of staff of an organisation; laid out when first asked for."""
        found = self.candidates.get((action, organisation))
        kept = found is not None and found[0] == kind
        lines = self._lines.get((action, organisation)) if kept else None
        if lines is None:
            candidates = self.candidates_for(action, organisation, kind)
            lines = RuleLines(self.rules.get(action, ()), candidates, organisation, kind)
            if kept:
                self._lines[action, organisation] = lines
        return lines

    def withhold(self) -> CompiledFunction:
        """Give the function as it denies every question."""
        return replace(
            self,
            withheld=True,
            candidates={
                key: (kind, _failing(candidates))
                for key, (kind, candidates) in self.candidates.items()
            },
        )

    def owner(self, question: Question) -> str:
        """Whose floor applies; empty when the function has one floor for all owners."""
        if not self.floor_by_owner:
            return ""
        if question.record_organisation is not None:
            return question.record_organisation
        if question.record_person is None and self.own_scope:
            return question.subject.organisation or OWNER_UNKNOWN
        return OWNER_UNKNOWN

    def clearance_reason(self, reach: int, owner: str, named: int) -> Reason:
        """Ask the clearance gate.

        1. The floor for the owner; when the owner cannot be told, every floor at once, as levels
           have no single highest one.
        2. Another's record: what `ANOTHERS_RECORD` says, unless the host set a floor for the owner.
        """
        if not self.floor_by_owner:
            if named == NAMES_NOBODY:
                return _REACHED if self.floor(reach) else _TOO_LOW
            reached = self.floor(reach)
        elif owner == OWNER_UNKNOWN:
            reached = self.floor(reach) and all(
                floor(reach) for floor in self.floor_by_owner.values()
            )
        else:
            reached = self.floor_by_owner.get(owner, self.floor)(reach)
        if not reached:
            return Reason.CLEARANCE_TOO_LOW
        if named == NAMES_NOBODY or (named == NAMES_COLLEAGUE and not self.sensitive):
            return Reason.CLEARANCE_REACHED
        if owner in self.floor_by_owner or self.anothers_record.met_by(reach):
            return Reason.CLEARANCE_REACHED
        return Reason.RECORD_BEYOND_CLEARANCE

    def fulfilled(self, meaning: Meaning, question: Question) -> int:
        """Tell which obligations are fulfilled, as bits.

        Args:
            meaning: What it means that the rules apply which do: what is owed, and whether a rule
                asks for the second factor, and so for its age.
            question: What is asked.
        """
        bits, owed = 0, meaning.owed
        if owed.step_up and SECOND_FACTOR in question.factors:
            age = question.second_factor_age_us
            limit = self.function.step_up_limit_us
            if not meaning.steps_up or (age is not None and 0 <= age < limit):
                bits = STEP_UP_BIT
        if owed.purpose is not None and question.purpose in owed.purpose.codes:
            bits |= PURPOSE_BIT
        if owed.read_only and question.action == Action.READ:
            bits |= READ_ONLY_BIT
        for kind in question.honours & LEFT_TO_ASKER:
            bits |= BIT_OF[kind] & owed.bits
        return bits


def _failing(candidates: Candidates) -> Candidates:
    """Give the candidates as they fail whatever is asked; a failure denies.

    With a moment of their own: what was decided before must not be found any more.
    """
    first_free_bit = 1 << (len(candidates.bits) + 1)
    asks = ((_fail, first_free_bit),)
    return replace(candidates, asks=asks, rarely=True, latest=[NO_MOMENT])


def _fail(_question: Question) -> Result:
    raise PolicyError("decide: the function is withheld")


def _concerning(
    rules: Iterable[PreparedRule],
    organisation: str,
    kind: str,
    cover: Mapping[str, tuple[Interval, ...]],
    obligations: Obligations,
) -> Candidates:
    concerning = (prepared for prepared in rules if prepared.concerns(organisation, kind))
    return Candidates.compile(concerning, cover.get(organisation, ()), obligations)


def _cover(function_id: str, agreements: Iterable[Agreement]) -> dict[str, tuple[Interval, ...]]:
    cover: dict[str, tuple[Interval, ...]] = {}
    for agreement in agreements:
        if function_id not in agreement.functions:
            continue
        if agreement.status is not AgreementStatus.IN_FORCE:
            continue
        interval = (agreement.starts_at, agreement.ends_at, agreement.id)
        for organisation in agreement.serves:
            cover[organisation] = (*cover.get(organisation, ()), interval)
    return cover
