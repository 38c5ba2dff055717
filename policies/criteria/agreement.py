"""Criterion `agreement`: one of the agreements listed covers this access now.

The agreement gate asks for any agreement; this criterion ties a rule to particular ones, so that
the rule ends with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.agreements import Agreement
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class UnderAgreements(WordsCriterion):
    """Met while a listed agreement covers the subject's organisation and the function."""

    agreements: tuple[Agreement, ...] = field(default=(), compare=False)
    name: ClassVar[str] = "agreement"
    reasons: ClassVar[tuple[Reason, Reason]] = (
        Reason.UNDER_AGREEMENT,
        Reason.NOT_UNDER_AGREEMENT,
    )

    @classmethod
    @override
    def known(cls, terms: Terms) -> frozenset[str] | None:
        """The agreements of the policy set."""
        return None if terms.agreements is None else frozenset(terms.agreements)

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read a list of agreement ids and bind the agreements."""
        words = super(UnderAgreements, cls).from_value(value, terms).words
        known = terms.agreements or {}
        return cls(words, tuple(known[word] for word in sorted(words) if word in known))

    @override
    def result(self, question: Question) -> Result:
        """Ask each listed agreement."""
        organisation = question.subject.organisation
        covered = any(
            agreement.covers(organisation, question.function.id, at=question.at)
            for agreement in self.agreements
        )
        return Result.MET if covered else Result.NOT_MET

    @override
    def form(self) -> Form:
        """A look-up by the agreements that cover the access; there being none is a known answer."""
        return OneOf(Attribute.AGREEMENTS, self.words, empty_is_known=True)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"while {self.either()} is in force"

    @override
    def shown(self, question: Question) -> str:
        """The instant."""
        return question.at.isoformat()
