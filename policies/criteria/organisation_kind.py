"""Criterion `organisation_kind`: the subject's organisation is of one of the kinds listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Form, OfOrganisation, Result, Terms, WordsCriterion
from policies.organisations import OrganisationKind
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question

KINDS = frozenset(kind.value for kind in OrganisationKind)


@dataclass(frozen=True, slots=True)
class OfKinds(WordsCriterion):
    """Met by staff of any organisation of the listed kinds."""

    name: ClassVar[str] = "organisation_kind"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.KIND_NAMED, Reason.KIND_NOT_NAMED)

    @classmethod
    @override
    def known(cls, terms: Terms) -> frozenset[str]:
        """The kinds of organisation there are."""
        return KINDS

    @override
    def result(self, question: Question) -> Result:
        """Compare the kind of the subject's organisation."""
        return self._of(question.subject.organisation_kind)

    def _of(self, kind: str) -> Result:
        if not kind:
            return Result.UNKNOWN
        return Result.MET if kind in self.words else Result.NOT_MET

    @override
    def form(self) -> Form:
        """The kind alone decides."""
        return OfOrganisation(lambda _organisation, kind: self._of(kind))

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"of any {self.either()} organisation"

    @override
    def shown(self, question: Question) -> str:
        """The kind of the subject's organisation."""
        return question.subject.organisation_kind
