"""Criterion `own_organisation`: what is asked for belongs to the subject's organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Result, TrueCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class OwnOrganisation(TrueCriterion):
    """Met when the owner is the subject's organisation, or when the request names nothing.

    A request that names nothing is for the subject's own list: the back office learns from the
    assertion whose that is. A person whose employer cannot be told is unknown.
    """

    name: ClassVar[str] = "own_organisation"
    reasons: ClassVar[tuple[Reason, Reason]] = (
        Reason.OWN_ORGANISATION,
        Reason.NOT_OWN_ORGANISATION,
    )

    @override
    def result(self, question: Question) -> Result:
        """Compare the owner with the subject's organisation."""
        own, owner = question.subject.organisation, question.record_organisation
        if not own:
            return Result.UNKNOWN
        if owner is None:
            return Result.MET if question.record_person is None else Result.UNKNOWN
        return Result.MET if owner == own else Result.NOT_MET

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return "on records of their own organisation"

    @override
    def shown(self, question: Question) -> str:
        """The owner of what the request names."""
        if question.record_organisation is not None:
            return question.record_organisation
        return "names nothing" if question.record_person is None else "the owner cannot be told"
