"""What a screen shows to one person: summary, rows, one row in detail; for page and JSON alike."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date

from deploy.demo.backoffice.people import People, Person
from deploy.demo.backoffice.recipes import Kitchen
from deploy.demo.backoffice.screens import Column, Screen

MAX_FOUND = 25
_REMEMBERED = 4_096  # what somebody looks at, they look at again; a few kilobytes each


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
    """Makes contents, and remembers them: the same record looks the same all day."""

    people: People
    _made: dict[tuple[str, Person, date, str | None], Contents] = field(default_factory=dict)

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
        key = (screen.id, holder, today, found if screen.search else None)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            made = self._made[key] = self._contents(screen, holder, today, found)
        return made

    def _contents(self, screen: Screen, holder: Person, today: date, found: str | None) -> Contents:
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
