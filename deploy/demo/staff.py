"""Makes the synthetic staff of an organisation: always the same people from the same seed.

In order: the role accounts of the scenario, then generated people in teams of nine, of which the
first leads. The team of an account that `manages` is filled with people of its own unit. What
names, teams and units are made of is in staff.toml.
"""

from __future__ import annotations

import random
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deploy.demo.accounts import Account, Accounts
from deploy.demo.organisations import DemoOrganisation, Holding

STAFF_FILE = Path(__file__).with_name("staff.toml")
TEAM_SIZE = 9
# Directory ids are derived, so that a directory made again vouches for the same people.
NAMESPACE = uuid.UUID("5b0e7a52-5d0c-4b0e-9a53-6f5f1d1c7a10")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """Somebody in a directory.

    Attributes:
        manager: employee number of the line manager, or None.
        holds: what the register says of generated people; None for role accounts.
        account: the role account this is, if it is one.
    """

    organisation: str
    username: str
    employee_number: str
    given_name: str
    family_name: str
    posts: tuple[str, ...]
    unit: str
    manager: str | None
    holds: Holding | None = None
    account: Account | None = None

    @property
    def name(self) -> str:
        """Give the name as people say it."""
        return f"{self.given_name} {self.family_name}"

    @property
    def directory_id(self) -> uuid.UUID:
        """Give the id that the directory never changes."""
        return uuid.uuid5(NAMESPACE, f"{self.organisation}/{self.employee_number}")


def staff_of(organisation: DemoOrganisation, accounts: Accounts) -> tuple[StaffMember, ...]:
    """Make everybody in one organisation's directory.

    Args:
        organisation: whose staff.
        accounts: the role accounts, of which those of the organisation come first.

    Returns:
        As many people as the organisation has; the same ones every time.
    """
    own = accounts.of(organisation.id)
    members = [_from_account(account, accounts) for account in own]
    making = _Making(
        organisation=organisation,
        seeded=random.Random(f"staff of {organisation.id}"),
        usernames={account.username for account in own},
    )
    numbers = iter(range(organisation.first_number, organisation.first_number + organisation.staff))
    for account in own:
        # Those who name the account as their manager are in its team already.
        there = sum(1 for other in own if other.manager == account.username)
        members += [
            making.person(next(numbers), _Place(
                unit=account.unit, posts=account.posts[:1], manager=account.employee_number))
            for _ in range(account.manages - there)
        ]  # fmt: skip
    for place in _places(organisation):
        if len(members) >= organisation.staff:
            break
        number = next(numbers)
        members.append(making.person(number, place.led_from(number)))
    return tuple(members)


def years_of(level: str) -> int | None:
    """Tell for how many years a level is granted here; None for no end."""
    years: int | None = _words()["years"].get(level)
    return years


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A place in a team: the unit, the posts, the manager or the distance to the one who leads."""

    unit: str
    posts: tuple[str, ...]
    manager: str | None = None
    seats_from_lead: int = 0

    def led_from(self, number: int) -> _Place:
        """Give the place with its manager, whose number is as far back as the lead's seat."""
        lead = str(number - self.seats_from_lead) if self.seats_from_lead else None
        return _Place(unit=self.unit, posts=self.posts, manager=lead)


def _places(organisation: DemoOrganisation) -> Iterator[_Place]:
    shape: Mapping[str, Any] = _words()["shape"][organisation.kind]
    teams = [(f"{town} {team}", None) for town in organisation.towns for team in shape["teams"]]
    units = [(unit, post) for unit, post in (*shape["units"], *organisation.units)]
    while True:
        for unit, post in (*teams, *units * shape["often"]):
            for seat in range(TEAM_SIZE):
                usual = shape["leads"] if seat == 0 else shape["usual"]
                yield _Place(unit=unit, posts=(post or usual,), seats_from_lead=seat)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """People of one organisation in the making."""

    organisation: DemoOrganisation
    seeded: random.Random
    usernames: set[str]

    def person(self, number: int, place: _Place) -> StaffMember:
        words, choice = _words(), self.seeded.choice
        given = choice(words["given"])
        family = choice(words["family_beginnings"]) + choice(words["family_endings"])
        wanted = f"{given[0]}.{family}".lower()
        username = wanted
        suffix = 2
        while username in self.usernames:
            username = f"{wanted}{suffix}"
            suffix += 1
        self.usernames.add(username)
        mix = self.organisation.holds
        (holds,) = self.seeded.choices(mix, [each.share for each in mix])
        return StaffMember(
            organisation=self.organisation.id,
            username=username,
            employee_number=str(number),
            given_name=given,
            family_name=family,
            posts=place.posts,
            unit=place.unit,
            manager=place.manager,
            holds=holds,
        )


def _from_account(account: Account, accounts: Accounts) -> StaffMember:
    return StaffMember(
        organisation=account.organisation,
        username=account.username,
        employee_number=account.employee_number,
        given_name=account.given_name,
        family_name=account.family_name,
        posts=account.posts,
        unit=account.unit,
        manager=accounts[account.manager].employee_number if account.manager else None,
        account=account,
    )


@cache
def _words() -> dict[str, Any]:
    """Read staff.toml, once."""
    return tomllib.loads(STAFF_FILE.read_text("utf-8"))
