"""Criterion `training`: the host's register says the subject holds a training that is in date.

What is in date at the instant is for whoever fills `Subject.trainings`: the gate does from the
host's register (`vetting.training`), a partner's directory never. Of who has none in date it is
unknown: nothing is permitted by it, and every deny rule on it bites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class TrainedIn(WordsCriterion):
    """Met by those who hold one of the trainings; unknown of those of whom none is known."""

    name: ClassVar[str] = "training"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.TRAINING_HELD, Reason.TRAINING_NOT_HELD)

    @classmethod
    @override
    def known(cls, terms: Terms) -> None:
        """Only the register knows the courses."""
        return

    @override
    def result(self, question: Question) -> Result:
        """Compare with the words listed."""
        trainings = question.subject.trainings
        if not trainings:
            return Result.UNKNOWN
        return Result.NOT_MET if self.words.isdisjoint(trainings) else Result.MET

    @override
    def form(self) -> Form:
        """A look-up by word."""
        return OneOf(Attribute.TRAININGS, self.words, empty_is_known=False)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"trained in {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The trainings in date."""
        return ", ".join(sorted(question.subject.trainings))
