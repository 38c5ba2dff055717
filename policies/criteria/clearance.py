"""Criterion `clearance`: the subject's usable grants satisfy a requirement.

It is asked on top of the function's floor, so a rule can ask for more and never for less. What the
agreement that covers the question accepts counts here as it does at the floor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

from typing_extensions import override

from policies.acceptance import reaches_of
from policies.criteria.criterion import (
    Criterion,
    CriterionError,
    Flaw,
    Form,
    Reaches,
    Result,
    Terms,
)
from policies.reasons import Reason
from vetting.errors import RequirementError
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from policies.agreements import Agreement
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class ClearedTo(Criterion):
    """Met when the grants that are usable at the instant satisfy the requirement."""

    requirement: Requirement
    # Those that accept anything, and all that a question could be under before them.
    agreements: tuple[Agreement, ...] = field(default=(), compare=False)
    name: ClassVar[str] = "clearance"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.VETTING_REACHED, Reason.VETTING_TOO_LOW)

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read a requirement, e.g. `RV or N3`."""
        if not isinstance(value, str):
            raise CriterionError(
                Flaw(
                    position=None,
                    message="is not a requirement",
                    remedy='write clearance = "RV or N3" or the like',
                )
            )
        try:
            requirement = Requirement.parse(value, terms.order)
        except RequirementError as error:
            raise CriterionError(
                Flaw(
                    position=None,
                    message=str(error),
                    remedy="write levels joined by and, or and parentheses",
                )
            ) from error
        agreements = tuple((terms.agreements or {}).values())
        return cls(requirement, agreements if any(each.accepts for each in agreements) else ())

    @override
    def to_value(self) -> str:
        """Write the canonical requirement."""
        return self.requirement.text

    def under(self, agreement_id: str) -> ClearedTo:
        """Give the criterion as it is under one agreement, whatever others cover the question."""
        chosen = tuple(each for each in self.agreements if each.id == agreement_id)
        return replace(self, agreements=chosen)

    @override
    def result(self, question: Question) -> Result:
        """Compare the grants usable for this function at the instant.

        Where several agreements cover it, what the first of them accepts counts; see `under`.
        """
        organisation, function = question.subject.organisation, question.function.id
        covering = (
            each for each in self.agreements if each.covers(organisation, function, at=question.at)
        )
        accepts = next((each.accepts for each in covering), ())
        reach = question.subject.clearance.reach(
            at=question.at,
            function=function,
            accepting=reaches_of(accepts, self.requirement.order),
        )
        return Result.MET if self.requirement.met_by(reach) else Result.NOT_MET

    @override
    def form(self) -> Form:
        """The levels reached decide."""
        return Reaches(self.requirement)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"cleared to {self.requirement.text}"

    @override
    def shown(self, question: Question) -> str:
        """The levels held."""
        held = question.subject.clearance.held(at=question.at)
        return ", ".join(sorted(grant.level for grant in held))
