"""Criterion `appointment`: the subject is appointed to one of the roles listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question

APPOINTMENTS = frozenset(
    {"auditor", "organisation-administrator", "security-officer", "vetting-officer"}
)
"""Roles in the gate that the host's register appoints to."""


@dataclass(frozen=True, slots=True)
class Appointed(WordsCriterion):
    """Met by those whom the host's register appoints; nobody appointed is a known answer."""

    name: ClassVar[str] = "appointment"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.APPOINTED, Reason.NOT_APPOINTED)

    @classmethod
    @override
    def known(cls, terms: Terms) -> frozenset[str]:
        """The roles there are in the gate."""
        return APPOINTMENTS

    @override
    def result(self, question: Question) -> Result:
        """Compare with the words listed."""
        return (
            Result.NOT_MET if self.words.isdisjoint(question.subject.appointments) else Result.MET
        )

    @override
    def form(self) -> Form:
        """A look-up by word."""
        return OneOf(Attribute.APPOINTMENTS, self.words, empty_is_known=True)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"appointed as {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The subject's appointments."""
        return ", ".join(sorted(question.subject.appointments))
