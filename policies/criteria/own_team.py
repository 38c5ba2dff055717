"""Criterion `own_team`: what is asked for is about the people who report to the subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Result, TrueCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class OwnTeam(TrueCriterion):
    """Met when the subject leads a team and the request names nobody, or one of the team.

    A request that names nobody is for the subject's own team: the back office learns from the
    assertion whose that is.
    """

    name: ClassVar[str] = "own_team"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.OWN_TEAM, Reason.NOT_OWN_TEAM)

    @override
    def result(self, question: Question) -> Result:
        """Look the person named up in the team."""
        subject = question.subject
        person, owner = question.record_person, question.record_organisation
        if not subject.team:
            return Result.NOT_MET
        if person is not None and person not in subject.team:
            return Result.NOT_MET
        if owner is not None and owner != subject.organisation:
            return Result.NOT_MET
        # A number of the team with an employer that cannot be told may be somebody else's.
        return Result.UNKNOWN if person is not None and owner is None else Result.MET

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return "for those who report to them"

    @override
    def shown(self, question: Question) -> str:
        """How many report to the subject."""
        return f"{len(question.subject.team)} report to the subject"
