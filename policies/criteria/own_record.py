"""Criterion `own_record`: what is asked for is the subject's own record.

Employee numbers are given out by each employer. The same number with another employer is another
person, so an equal number counts only when the employer is known to be the subject's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Result, TrueCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class OwnRecord(TrueCriterion):
    """Met when the request names nobody, or the subject and nobody else."""

    name: ClassVar[str] = "own_record"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.OWN_RECORD, Reason.NOT_OWN_RECORD)

    @override
    def result(self, question: Question) -> Result:
        """Compare the person named with the subject."""
        subject = question.subject
        person, owner = question.record_person, question.record_organisation
        if person is None:
            return Result.MET if owner in {None, subject.organisation} else Result.NOT_MET
        if not subject.employee_number:
            return Result.UNKNOWN
        if person != subject.employee_number:
            return Result.NOT_MET
        if owner is None:
            return Result.UNKNOWN
        return Result.MET if owner == subject.organisation else Result.NOT_MET

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return "on their own record"

    @override
    def shown(self, question: Question) -> str:
        """Whom the request names; never the number itself."""
        if question.record_person is None:
            return "names nobody"
        return "names another person" if question.names_another else "names the subject"
