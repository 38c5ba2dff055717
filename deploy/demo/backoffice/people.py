"""The people the back office has records of: the demo writes them to a file for it."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from deploy.demo.organisations import DemoOrganisation
from deploy.demo.staff import StaffMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with records here.

    Attributes:
        listed: whether a search shows them.
    """

    employee_number: str
    name: str
    organisation: str
    unit: str = ""
    post: str = ""
    manager: str | None = None
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    """An organisation whose people have records here, and where it is."""

    id: str
    name: str
    towns: tuple[str, ...]


class People:
    """Everybody, by employee number."""

    def __init__(self, people: Iterable[Person], employers: Iterable[Employer]) -> None:
        """Index them."""
        self._employers = {employer.id: employer for employer in employers}
        self._by_number = {person.employee_number: person for person in people}
        self._by_organisation: dict[str, list[Person]] = defaultdict(list)
        self._teams: dict[str, list[Person]] = defaultdict(list)
        for person in self._by_number.values():
            self._by_organisation[person.organisation].append(person)
            if person.manager is not None:
                self._teams[person.manager].append(person)

    @classmethod
    def of(cls, staff: Iterable[StaffMember], organisations: Iterable[DemoOrganisation]) -> People:
        """Take over the staff of the directories."""
        known = {each.id: each for each in organisations}
        people = (
            Person(
                employee_number=member.employee_number,
                name=member.name,
                organisation=member.organisation,
                unit=member.unit,
                post=", ".join(member.posts),
                manager=member.manager,
                listed=known[member.organisation].listed,
            )
            for member in staff
        )
        employers = (
            Employer(id=each.id, name=each.name, towns=each.towns) for each in known.values()
        )
        return cls(people, employers)

    @classmethod
    def read(cls, path: Path) -> People:
        """Read what `write` wrote."""
        told = json.loads(path.read_text("utf-8"))
        names = Person.__slots__
        return cls(
            (Person(**dict(zip(names, row, strict=True))) for row in told["people"]),
            (
                Employer(id=identity, name=name, towns=tuple(towns))
                for identity, name, towns in told["employers"]
            ),
        )

    def write(self, path: Path) -> None:
        """Write everybody to a file."""
        told = {
            "employers": [astuple(employer) for employer in self._employers.values()],
            "people": [astuple(person) for person in self._by_number.values()],
        }
        path.write_text(json.dumps(told, separators=(",", ":")), "utf-8")

    def place(self, holder: Person, seeded: random.Random) -> str:
        """Pick a place of somebody's organisation."""
        employer = self._employers.get(holder.organisation)
        return seeded.choice(employer.towns) if employer else "Headquarters"

    def partner(self, seeded: random.Random) -> str:
        """Pick an organisation by name."""
        return seeded.choice([each.name for each in self._employers.values()])

    def find(self, employee_number: str) -> Person | None:
        """Find somebody by number."""
        return self._by_number.get(employee_number)

    def team(self, manager: str) -> tuple[Person, ...]:
        """Give those who report to somebody."""
        return tuple(self._teams.get(manager, ()))

    def search(self, text: str, most: int) -> tuple[Person, ...]:
        """Find people by a part of their name or number."""
        wanted = text.casefold()
        found = (
            person
            for person in self._by_number.values()
            if person.listed
            and (wanted in person.name.casefold() or wanted in person.employee_number)
        )
        return tuple(person for _, person in zip(range(most), found, strict=False))

    def colleague(self, holder: Person, seeded: random.Random) -> Person:
        """Pick somebody of the same organisation."""
        return seeded.choice(self._by_organisation.get(holder.organisation) or [holder])
