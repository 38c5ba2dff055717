"""The people the back office has records of: those of the directories, by the same generator."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.demo.accounts import load_accounts
from deploy.demo.organisations import ORGANISATIONS
from deploy.demo.staff import staff_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with records here."""

    employee_number: str
    name: str
    organisation: str
    unit: str = ""
    post: str = ""
    manager: str | None = None


class People:
    """Everybody, by employee number."""

    def __init__(self, people: Iterable[Person]) -> None:
        """Index them."""
        self._by_number = {person.employee_number: person for person in people}
        self._by_organisation: dict[str, list[Person]] = defaultdict(list)
        self._teams: dict[str, list[Person]] = defaultdict(list)
        for person in self._by_number.values():
            self._by_organisation[person.organisation].append(person)
            if person.manager is not None:
                self._teams[person.manager].append(person)

    @classmethod
    def of_the_demo(cls) -> People:
        """Make everybody of the three organisations."""
        accounts = load_accounts()
        return cls(
            Person(
                employee_number=member.employee_number,
                name=member.name,
                organisation=member.organisation,
                unit=member.unit,
                post=", ".join(member.posts),
                manager=member.manager,
            )
            for organisation in ORGANISATIONS
            for member in staff_of(organisation, accounts)
        )

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
            if wanted in person.name.casefold() or wanted in person.employee_number
        )
        return tuple(person for _, person in zip(range(most), found, strict=False))

    def colleague(self, holder: Person, seeded: random.Random) -> Person:
        """Pick somebody of the same organisation."""
        return seeded.choice(self._by_organisation.get(holder.organisation) or [holder])
