"""Criterion `factor`: the subject proved who they are in one of the ways listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question

FACTORS = frozenset({"password", "kerberos", "provider", "second-factor", "break-glass"})
"""Ways of proving who one is that rules may name."""


@dataclass(frozen=True, slots=True)
class ProvedBy(WordsCriterion):
    """Met by a sign-in with one of the listed factors."""

    name: ClassVar[str] = "factor"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.FACTOR_USED, Reason.FACTOR_NOT_USED)

    @classmethod
    @override
    def known(cls, terms: Terms) -> frozenset[str]:
        """The factors there are."""
        return FACTORS

    @override
    def result(self, question: Question) -> Result:
        """Compare with the words listed."""
        if not question.factors:
            return Result.UNKNOWN
        return Result.NOT_MET if self.words.isdisjoint(question.factors) else Result.MET

    @override
    def form(self) -> Form:
        """A look-up by word."""
        return OneOf(Attribute.FACTORS, self.words, empty_is_known=False)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"signed in with {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The factors used."""
        return ", ".join(sorted(question.factors))
