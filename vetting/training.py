"""Trainings: the courses a person has completed, from when to when they are in date.

They come from the host's register only; a directory says nothing about them. A training says what
somebody has learnt. It grants nothing by itself: rules ask for it (`policies.criteria.training`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from vetting.days import LAST_YEAR, day_begins_at, day_ends_at
from vetting.errors import RegisterError, quoted

COURSE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
AWARDING_BODY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&'()-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One course that one person has completed.

    Attributes:
        course: its code, as rules name it.
        completed_on: first day it counts, in London.
        expires_on: last day it counts; None where it does not lapse.
        awarding_body: who says so.
        ended_at: the instant (UTC) from which it counts no more, if an officer ended it.
    """

    course: str
    completed_on: date
    expires_on: date | None
    awarding_body: str
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a training that contradicts itself.

        Raises:
            RegisterError: a name is of no known form, or a day is none or out of order.
        """
        names: tuple[tuple[object, re.Pattern[str], str], ...] = (
            (self.course, COURSE, "course (small letters, digits, `.` and `-`)"),
            (self.awarding_body, AWARDING_BODY, "awarding body"),
        )
        for value, pattern, name in names:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise RegisterError(f"read training: {quoted(value)} is no {name}")
        days: tuple[object, ...] = (self.completed_on, self.expires_on or self.completed_on)
        for day in days:
            if not isinstance(day, date) or isinstance(day, datetime) or day.year > LAST_YEAR:
                raise RegisterError(f"read training: {quoted(day)} is no date")
        if self.expires_on is not None and self.expires_on < self.completed_on:
            raise RegisterError("read training: it lapses before it was completed")
        if self.ended_at is not None and self.ended_at.tzinfo is None:
            raise RegisterError("read training: the instant has no time zone")

    def holds(self, *, at: datetime) -> bool:
        """Tell whether it is in date.

        Raises:
            RegisterError: the instant has no time zone.
        """
        if at.tzinfo is None:
            raise RegisterError("read training: the instant has no time zone")
        if at < day_begins_at(self.completed_on):
            return False
        if self.expires_on is not None and at >= day_ends_at(self.expires_on):
            return False
        return self.ended_at is None or at < self.ended_at
