"""Makes the synthetic staff of an organisation: always the same people from the same seed.

In order: the role accounts of accounts.toml, then generated people in teams of nine, of which the
first leads. The team of an account that `manages` is filled with people of its own unit.
"""

from __future__ import annotations

import random
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.accounts import HOST, Account, Accounts
from deploy.demo.organisations import DemoOrganisation

WORDS_FILE = Path(__file__).with_name("words.toml")
TEAM_SIZE = 9
# Directory ids are derived, so that a directory made again vouches for the same people.
NAMESPACE = uuid.UUID("5b0e7a52-5d0c-4b0e-9a53-6f5f1d1c7a10")
# Per cent of the staff (the founding documents' mixes): level, and who granted it.
MIXES: dict[str, tuple[tuple[int, str | None], ...]] = {
    "police": ((88, "RV"), (10, "MV"), (1, None), (1, "RV expired")),
    "fire": (
        (70, "DBSB"),
        (15, "DBSS"),
        (8, "BPSS"),
        (2, "N1"),
        (1, "N2A"),
        (3, "N2F"),
        (1, "N2F requested"),
    ),
    "ambulance": ((100, "DBSE"),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """Somebody in a directory.

    Attributes:
        manager: employee number of the line manager, or None.
        holds: what the register says, in the words of `MIXES`; None for nothing.
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
    holds: str | None = None
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
    seeded = random.Random(f"staff of {organisation.id}")
    words = _Words.read()
    own = accounts.of(organisation.id)
    members = [_from_account(account, accounts) for account in own]
    usernames = {account.username for account in own}
    numbers = iter(range(organisation.first_number, organisation.first_number + organisation.staff))
    for account in own:
        # Those who name the account as their manager are in its team already.
        there = sum(1 for other in own if other.manager == account.username)
        members += [
            _person(seeded, words, organisation, next(numbers), usernames, _Place(
                unit=account.unit, posts=account.posts[:1], manager=account.employee_number))
            for _ in range(account.manages - there)
        ]  # fmt: skip
    for place in _places(organisation, words):
        if len(members) >= organisation.staff:
            break
        number = next(numbers)
        members.append(
            _person(seeded, words, organisation, number, usernames, place.led_from(number))
        )
    return tuple(members)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What names and units are made of, from words.toml."""

    given: tuple[str, ...]
    family_beginnings: tuple[str, ...]
    family_endings: tuple[str, ...]
    towns: tuple[str, ...]
    watches: tuple[str, ...]
    response_teams: tuple[str, ...]
    police_units: tuple[str, ...]
    fire_units: tuple[str, ...]

    @classmethod
    def read(cls) -> _Words:
        """Read the file."""
        lists = tomllib.loads(WORDS_FILE.read_text("utf-8"))
        return cls(**{name: tuple(listed) for name, listed in lists.items()})


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


def _places(organisation: DemoOrganisation, words: _Words) -> Iterator[_Place]:
    lead, member, units = _shape(organisation.kind, words)
    while True:
        for unit in units:
            for seat in range(TEAM_SIZE):
                posts = _posts_in(unit, lead if seat == 0 else member)
                yield _Place(unit=unit, posts=posts, seats_from_lead=seat)


def _shape(kind: str, words: _Words) -> tuple[str, str, tuple[str, ...]]:
    """Give the post that leads, the usual post and the units of one kind of service."""
    match kind:
        case "police":
            teams = tuple(
                f"{town} Response {team}" for town in words.towns for team in words.response_teams
            )
            return "sergeant", "constable", (*teams, *words.police_units * 3)
        case "fire":
            watches = tuple(
                f"{town} {watch} Watch" for town in words.towns for watch in words.watches
            )
            return "watch-manager", "firefighter", (*watches, *words.fire_units * 2)
        case _:
            stations = tuple(f"{town} Ambulance Station" for town in words.towns)
            return "team-leader", "paramedic", stations


# What people in these units are, in the words of the rules; elsewhere they are what is usual.
UNIT_POSTS = {
    "Human Resources": "hr",
    "People and Development": "hr",
    "Finance": "accountant",
    "Payroll Bureau": "payroll-clerk",
    "Procurement": "procurement",
    "Control Room": "control-room",
    "Crime Recording": "crime-recording",
    "Criminal Justice": "case-file",
    "Firearms Licensing": "firearms-licensing",
    "Forensic Services": "forensic",
    "Estates": "estates",
    "Property": "estates",
    "Fleet Workshop": "workshop",
    "Fleet and Equipment": "workshop",
    "Duty Planning": "planner",
    "Information Management": "information-officer",
    "Serious Crime": "detective",
    "Digital Services": "staff",
    "Legal Services": "legal",
    "Professional Standards": "staff",
    "Information Security": "staff",
    "Force Vetting Unit": "staff",
}


def _posts_in(unit: str, usual: str) -> tuple[str, ...]:
    return (UNIT_POSTS.get(unit, usual),)


def _person(
    seeded: random.Random,
    words: _Words,
    organisation: DemoOrganisation,
    number: int,
    usernames: set[str],
    place: _Place,
) -> StaffMember:
    given = seeded.choice(words.given)
    family = seeded.choice(words.family_beginnings) + seeded.choice(words.family_endings)
    wanted = f"{given[0]}.{family}".lower()
    username = wanted
    suffix = 2
    while username in usernames:
        username = f"{wanted}{suffix}"
        suffix += 1
    usernames.add(username)
    mix = MIXES[organisation.kind]
    (holds,) = seeded.choices([held for _, held in mix], [weight for weight, _ in mix])
    return StaffMember(
        organisation=organisation.id,
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


def granting_body(level: str, organisation: str) -> str:
    """Tell who grants a level: the employer its own screening, the host everything else."""
    return organisation if level in {"DBSB", "DBSS", "DBSE", "BPSS"} else HOST
