"""Criterion `period`: the instant lies in the days for which the rule was made.

A rule's `starts` and `ends` become this criterion. Both are days in the host's time, Europe/London;
the last day is included, to its midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, ClassVar, Self

from typing_extensions import override

from policies.criteria.criterion import (
    Between,
    Criterion,
    CriterionError,
    Flaw,
    Form,
    Result,
    Terms,
)
from policies.reasons import Reason
from vetting.days import day_begins_at, day_ends_at, day_in_words

if TYPE_CHECKING:
    from policies.question import Question

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class InPeriod(Criterion):
    """Met from the first moment of `starts` to the last moment of `ends`."""

    starts: date | None
    ends: date | None
    name: ClassVar[str] = "period"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.PERIOD_RUNNING, Reason.PERIOD_NOT_RUNNING)

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read two days, `["2018-04-01", ""]`; an empty text is an open side."""
        try:
            starts, ends = (
                (date.fromisoformat(day) if day else None)
                for day in (value if isinstance(value, list | tuple) else ())
            )
            return cls(starts, ends)
        except (TypeError, ValueError) as error:
            raise CriterionError(
                Flaw(position=None, message="is not a period", remedy="write two days")
            ) from error

    @override
    def to_value(self) -> list[str]:
        """Write the two days."""
        return [day.isoformat() if day else "" for day in (self.starts, self.ends)]

    def instants(self) -> tuple[datetime, datetime]:
        """The first instant of the period and the first after it, in UTC."""
        starts = _FIRST if self.starts is None else day_begins_at(self.starts)
        ends = _LAST if self.ends is None else day_ends_at(self.ends)
        return starts, ends

    @override
    def result(self, question: Question) -> Result:
        """Compare the instant."""
        starts, ends = self.instants()
        return Result.MET if starts <= question.at < ends else Result.NOT_MET

    @override
    def form(self) -> Form:
        """Compare with instants that are worked out once."""
        return Between(*self.instants())

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        words = []
        if self.starts:
            words.append(f"from {day_in_words(self.starts)}")
        if self.ends:
            words.append(f"until {day_in_words(self.ends)}")
        return " ".join(words)

    @override
    def shown(self, question: Question) -> str:
        """The instant."""
        return question.at.isoformat()
