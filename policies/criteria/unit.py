"""Criterion `unit`: the subject works in one of the units listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class InUnits(WordsCriterion):
    """Met by staff of a listed unit, in the words of their own directory."""

    name: ClassVar[str] = "unit"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.UNIT_NAMED, Reason.UNIT_NOT_NAMED)

    @classmethod
    @override
    def known(cls, terms: Terms) -> None:
        """Only the partner's directory knows its units."""

    @override
    def result(self, question: Question) -> Result:
        """Compare with the words listed."""
        if not question.subject.unit:
            return Result.UNKNOWN
        return Result.MET if question.subject.unit in self.words else Result.NOT_MET

    @override
    def form(self) -> Form:
        """A look-up by word."""
        return OneOf(Attribute.UNIT, self.words, empty_is_known=False)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"in the unit {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The subject's unit."""
        return question.subject.unit
