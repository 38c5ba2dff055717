"""Criterion `organisation`: the subject's organisation is one of those listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Form, OfOrganisation, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class OfOrganisations(WordsCriterion):
    """Met by staff of the listed organisations."""

    name: ClassVar[str] = "organisation"
    reasons: ClassVar[tuple[Reason, Reason]] = (
        Reason.ORGANISATION_NAMED,
        Reason.ORGANISATION_NOT_NAMED,
    )

    @classmethod
    @override
    def known(cls, terms: Terms) -> frozenset[str] | None:
        """The organisations of the policy set."""
        return terms.organisations

    @override
    def result(self, question: Question) -> Result:
        """Compare the subject's organisation."""
        return self._of(question.subject.organisation)

    def _of(self, organisation: str) -> Result:
        if not organisation:
            return Result.UNKNOWN
        return Result.MET if organisation in self.words else Result.NOT_MET

    @override
    def form(self) -> Form:
        """The organisation alone decides."""
        return OfOrganisation(lambda organisation, _kind: self._of(organisation))

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"of {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The subject's organisation."""
        return question.subject.organisation
