"""Criterion `hours`: it is one of these days and between these hours, as clocks in London show it.

    hours = { days = ["mon", "tue"], from = "08:00", until = "18:00" }

What counts is what a clock on the wall shows:

1. `from` is included, `until` is not; `24:00` is the end of the day.
2. When the clocks go forward, the skipped hour never is: hours that begin inside it begin with the
   first moment after it. When they go back, hours inside the doubled hour are met both times.
3. Hours do not cross midnight. Whose day the small hours would be is not left to guessing: a night
   is two rules, one until 24:00 and one from 00:00.
4. Far away years (before 1972, after `LAST_YEAR`) have no known clock: there it is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from typing_extensions import override

from policies.criteria.criterion import (
    Criterion,
    CriterionError,
    Flaw,
    Form,
    Recurs,
    Result,
    Spell,
    Terms,
)
from policies.findings import nearest_of
from policies.reasons import Reason
from vetting.days import LAST_YEAR, LONDON, day_begins_at, day_ends_at
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.question import Question

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_KEYS = ("days", "from", "until")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_END_OF_DAY = "24:00"
_RUN = 3  # so many days in a row are said as "Monday to Friday"

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_CLOCK_FROM = datetime(1972, 1, 1, tzinfo=UTC)
_CLOCK_UNTIL = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class InHours(Criterion):
    """Met on the days listed, from the first time to the second, by the clocks in London.

    Attributes:
        days: Words of `DAYS`.
        begins: Such as `08:00`.
        ends: Such as `18:00`, later than `begins`; no longer met then.
    """

    days: frozenset[str]
    begins: str
    ends: str
    name: ClassVar[str] = "hours"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.WITHIN_HOURS, Reason.OUTSIDE_HOURS)

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read `{ days = ["mon"], from = "08:00", until = "18:00" }`; nothing may be left out."""
        if not isinstance(value, dict) or not value:
            raise CriterionError(_flaw("is not a table of days and times", _EXAMPLE))
        flaws = [_flaw(f"has {quoted(str(key))}", _EXAMPLE) for key in value if key not in _KEYS]
        flaws += _flaws_of_days(value.get("days"))
        begins, ends = _time(value, "from", flaws), _time(value, "until", flaws)
        if not flaws and begins >= ends:  # five figures each, so in the order of the clock
            flaws.append(
                _flaw(
                    f"`until` {quoted(ends)} is not after `from` {quoted(begins)}",
                    "write a night as two rules, one until 24:00 and one from 00:00",
                )
            )
        if flaws:
            raise CriterionError(*flaws)
        return cls(frozenset(value["days"]), begins, ends)

    @override
    def to_value(self) -> dict[str, object]:
        """Write days and times; the days in the order of the week."""
        days = [day for day in DAYS if day in self.days]
        return {"days": days, "from": self.begins, "until": self.ends}

    @override
    def result(self, question: Question) -> Result:
        """Compare with what a clock in London shows."""
        return self._at(question.at)

    def _at(self, at: datetime) -> Result:
        if not _CLOCK_FROM <= at < _CLOCK_UNTIL:
            return Result.UNKNOWN
        local = at.astimezone(LONDON)
        if DAYS[local.weekday()] not in self.days:
            return Result.NOT_MET
        shown = f"{local:%H:%M}"
        return Result.MET if self.begins <= shown < self.ends else Result.NOT_MET

    def around(self, at: datetime) -> Spell:
        """The span around an instant in which the answer does not change, and the answer."""
        result = self._at(at)
        if at < _CLOCK_FROM:
            return Spell(_FIRST, _CLOCK_FROM, result)
        if at >= _CLOCK_UNTIL:
            return Spell(_CLOCK_UNTIL, _LAST, result)
        instants = {*self._instants(at.astimezone(LONDON).date()), _CLOCK_FROM, _CLOCK_UNTIL}
        return Spell(
            since=max(instant for instant in instants if instant <= at),
            until=min(instant for instant in instants if instant > at),
            result=result,
        )

    def _instants(self, day: date) -> Iterator[datetime]:
        """The instants of a day at which the answer may change; its ends are among them."""
        starts, over = day_begins_at(day), day_ends_at(day)
        yield starts
        yield over
        for written in (self.begins, self.ends):
            if written != _END_OF_DAY:
                yield from _shown_at(day, time.fromisoformat(written))
        # The clocks change at a full hour of UTC: on such a day every full hour may change it.
        if over - starts != timedelta(days=1):
            for hour in range(1, (over - starts) // timedelta(hours=1)):
                yield starts + timedelta(hours=hour)

    @override
    def form(self) -> Form:
        """A matter of time alone."""
        return Recurs(self.around)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"on {_days_in_words(self.days)} from {self.begins} until {self.ends}"

    @override
    def shown(self, question: Question) -> str:
        """Day and time as a clock in London shows them."""
        if not _CLOCK_FROM <= question.at < _CLOCK_UNTIL:
            return "no clock known"
        local = question.at.astimezone(LONDON)
        return f"{_NAMES[local.weekday()]} {local:%H:%M} in London"


_EXAMPLE = 'write hours = { days = ["mon", "tue"], from = "08:00", until = "18:00" }'


def _flaw(message: str, remedy: str) -> Flaw:
    return Flaw(position=None, message=message, remedy=remedy)


def _time(value: dict[str, object], key: str, flaws: list[Flaw]) -> str:
    written = value.get(key)
    if isinstance(written, str) and _TIME.fullmatch(written):
        return written
    flaws.append(_flaw(f"`{key}` is not a time", f'write {key} = "08:00" or the like'))
    return ""


def _flaws_of_days(days: object) -> list[Flaw]:
    if not isinstance(days, list | tuple) or not days:
        return [_flaw("`days` is not a list of days", f"write some of: {', '.join(DAYS)}")]
    flaws = []
    for place, day in enumerate(days):
        if day not in DAYS:
            remedy = nearest_of(day, DAYS) if isinstance(day, str) else f"use {', '.join(DAYS)}"
            flaws.append(_flaw(f"{quoted(str(day))} is not a day", remedy))
        elif day in days[:place]:
            flaws.append(_flaw(f"{quoted(day)} is written twice", "remove one"))
    return flaws


def _shown_at(day: date, clock: time) -> Iterator[datetime]:
    """The instants at which clocks show a time: two in the doubled hour."""
    for fold in (0, 1):
        yield datetime.combine(day, clock, tzinfo=LONDON).replace(fold=fold).astimezone(UTC)


def _days_in_words(days: frozenset[str]) -> str:
    places = [place for place, day in enumerate(DAYS) if day in days]
    if len(places) >= _RUN and places[-1] - places[0] == len(places) - 1:
        return f"{_NAMES[places[0]]} to {_NAMES[places[-1]]}"
    return " or ".join(_NAMES[place] for place in places)
