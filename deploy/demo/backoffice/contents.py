"""What a screen shows to one person: summary, rows, one row in detail; for page and JSON alike."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

from deploy.demo.backoffice.people import People, Person
from deploy.demo.backoffice.recipes import Kitchen
from deploy.demo.backoffice.screens import Column, Screen

MAX_FOUND = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything a screen shows.

    Attributes:
        summary: label and value.
        rows: values under the screen's columns.
    """

    summary: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]

    def row(self, item: str) -> tuple[str, ...] | None:
        """Find a row by its first value."""
        return next((row for row in self.rows if row[0] == item), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Makes contents."""

    people: People

    def contents(
        self, screen: Screen, holder: Person, today: date, found: str | None = None
    ) -> Contents:
        """Make what a screen shows.

        Args:
            screen: which.
            holder: whose record it is.
            today: the day from which dates are counted.
            found: what is looked for, on a screen that searches.
        """
        seeded = random.Random(f"{screen.id} {holder.organisation} {holder.employee_number}")
        kitchen = Kitchen(seeded=seeded, people=self.people, holder=holder, today=today)
        summary = tuple((line.heading, kitchen.make(line.recipe)) for line in screen.summary)
        rows = tuple(
            self._row(screen.columns, seeded, holder, today, number, member)
            for number, member in enumerate(self._members(screen, holder, found))
        )
        return Contents(summary=summary, rows=rows)

    def _members(
        self, screen: Screen, holder: Person, found: str | None
    ) -> tuple[Person | None, ...]:
        if screen.search:
            return self.people.search(found or "", MAX_FOUND)
        if screen.team:
            return self.people.team(holder.employee_number)
        return (None,) * (screen.rows if screen.columns else 0)

    def _row(
        self,
        columns: tuple[Column, ...],
        seeded: random.Random,
        holder: Person,
        today: date,
        number: int,
        member: Person | None,
    ) -> tuple[str, ...]:
        kitchen = Kitchen(
            seeded=seeded, people=self.people, holder=holder, today=today, row=number, member=member
        )
        return tuple(kitchen.make(column.recipe) for column in columns)
