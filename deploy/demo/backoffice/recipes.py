"""Values made from a seed by a recipe, so that the same record looks the same each time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.demo.backoffice.people import People, Person

_STREETS = ("Mill Lane", "Chapel Street", "Station Road", "The Crescent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kitchen:
    """What a recipe may use.

    Attributes:
        holder: whose record it is.
        member: whom the row is about, on lists of people.
        row: number of the row, from 0.
    """

    seeded: random.Random
    people: People
    holder: Person
    today: date
    member: Person | None = None
    row: int = 0

    def make(self, recipe: str) -> str:
        """Make one value.

        Raises:
            ValueError: for a recipe that nobody knows.
        """
        kind, _, rest = recipe.partition(" ")
        match kind:
            case "text":
                return rest
            case "choice":
                return self.seeded.choice(rest.split("|"))
            case "row":
                listed = rest.split("|")
                return listed[self.row % len(listed)]
            case "ref":
                return f"{rest}-{self.seeded.randint(10_000, 99_999)}"
            case "moneys":
                ranges = rest.split("|")
                return self.make(f"money {ranges[self.row % len(ranges)]}")
            case "number" | "money" | "date":
                low, high = (int(part) for part in rest.split(".."))
                return self._in_range(kind, low, high)
            case _:
                return self._about_people(kind)

    def _in_range(self, kind: str, low: int, high: int) -> str:
        if kind == "money":
            return f"£{self.seeded.randint(low * 100, high * 100) / 100:,.2f}"
        number = self.seeded.randint(low, high)
        if kind == "date":
            day = self.today + timedelta(days=number)
            return f"{day.day} {day:%B %Y}"
        return str(number)

    def _about_people(self, kind: str) -> str:
        match kind:
            case "holder":
                return self.holder.name
            case "employee":
                return self.holder.employee_number
            case "unit":
                return self.holder.unit
            case "place":
                return self.people.place(self.holder, self.seeded)
            case "partner":
                return self.people.partner(self.seeded)
            case "person":
                return self.people.colleague(self.holder, self.seeded).name
            case _:
                return self._about_member(kind)

    def _about_member(self, kind: str) -> str:
        member = self.member or self.holder
        match kind:
            case "member":
                return member.name
            case "member_number":
                return member.employee_number
            case "member_unit":
                return member.unit
            case "member_post":
                return member.post
            case "member_organisation":
                return member.organisation
            case "member_home":
                town = self.people.place(member, self.seeded)
                return f"{self.seeded.randint(1, 199)} {self.seeded.choice(_STREETS)}, {town}"
            case "member_telephone":
                return f"07700 {self.seeded.randint(900_000, 900_999)}"  # kept for fiction by Ofcom
            case _:
                message = f"screens: no recipe `{kind}`"
                raise ValueError(message)
