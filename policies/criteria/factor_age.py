"""Criterion `factor_age_minutes`: a second factor was shown, less than so many minutes ago.

It counts as `step_up_minutes` of the catalogue does: at the very minute it is too old, and a second
factor shown in the future is none. It says no more than what it asks: whether the person is led to
where a second factor is shown is the obligation `step-up`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from typing_extensions import override

from policies.criteria.criterion import (
    Criterion,
    CriterionError,
    Flaw,
    Form,
    Result,
    ShownWithin,
    Terms,
)
from policies.function import MOST_STEP_UP_MINUTES as LONGEST
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question

_MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class FactorShownWithin(Criterion):
    """Met when a second factor was shown less than so long ago; unknown when none is known."""

    minutes: int
    name: ClassVar[str] = "factor_age_minutes"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.FACTOR_RECENT, Reason.FACTOR_NOT_RECENT)

    @property
    def limit_us(self) -> int:
        """The age at which it is too old, in microseconds."""
        return self.minutes * _MINUTE

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read a number of minutes."""
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LONGEST:
            raise CriterionError(
                Flaw(
                    position=None,
                    message="is not a number of minutes",
                    remedy=f"write {cls.name} = 15, a whole number from 1 to {LONGEST}",
                )
            )
        return cls(value)

    @override
    def to_value(self) -> int:
        """Write the minutes."""
        return self.minutes

    @override
    def result(self, question: Question) -> Result:
        """Compare the age."""
        age_us = question.second_factor_age_us
        if age_us is None or age_us < 0:
            return Result.UNKNOWN
        return Result.MET if age_us < self.limit_us else Result.NOT_MET

    @override
    def form(self) -> Form:
        """The age alone decides."""
        return ShownWithin(self.limit_us)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"who showed a second factor less than {self.minutes} minutes ago"

    @override
    def shown(self, question: Question) -> str:
        """How long ago it was."""
        age_us = question.second_factor_age_us
        if age_us is None or age_us < 0:
            return "not known"
        return f"shown {age_us // _MINUTE} minutes ago"
