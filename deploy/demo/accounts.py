"""The role accounts of a scenario, read from its accounts.toml: the one source of who they are.

The directories, the register, the printed table, the README and the tests all read them here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedGrant:
    """A grant of clearance with days counted from the day on which the demo starts.

    Attributes:
        level: id of the level.
        granting_body: organisation that granted it; the employer's own id for screening.
        granted_days: days from today to the day of granting; negative is past.
        ends_days: days from today to the last valid day, or None for no end.
        sponsor: organisation for whose work it was granted; None for the person's own.
        status: as the register has it.
    """

    level: str
    granting_body: str
    granted_days: int
    ends_days: int | None
    sponsor: str | None = None
    status: str = "granted"

    @property
    def ended(self) -> bool:
        """Tell whether its last valid day has passed, or it is suspended or the like."""
        return (self.ends_days or 0) < 0 or self.status != "granted"

    def granted_on(self, today: date) -> date:
        """Give the day of granting."""
        return today + timedelta(days=self.granted_days)

    def expires_on(self, today: date) -> date | None:
        """Give the last valid day."""
        return None if self.ends_days is None else today + timedelta(days=self.ends_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One role account: who the directory says they are, and what the register says they hold.

    Attributes:
        left_days: days from today to the last day of their employment, where the register has one;
            None where the directory suffices.
    """

    organisation: str
    username: str
    employee_number: str
    given_name: str
    family_name: str
    role: str
    posts: tuple[str, ...]
    unit: str
    manager: str | None = None
    manages: int = 0
    vetting_claim: str | None = None
    left_days: int | None = None
    appointments: tuple[str, ...] = ()
    grants: tuple[DatedGrant, ...] = ()
    sees: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Give the name as shown on pages."""
        return f"{self.given_name} {self.family_name}"

    @property
    def person(self) -> str:
        """Give the key of the person in the register, such as `cheshire-fire/40011`."""
        return f"{self.organisation}/{self.employee_number}"

    @property
    def is_staff(self) -> bool:
        """Tell whether they work there still, as far as the register says."""
        return self.left_days is None or self.left_days >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """All role accounts and their one password."""

    password: str
    each: tuple[Account, ...]

    def __getitem__(self, username: str) -> Account:
        """Find an account by its username, which no two role accounts share."""
        for account in self.each:
            if account.username == username:
                return account
        raise KeyError(username)

    def of(self, organisation: str) -> tuple[Account, ...]:
        """Give the accounts of one organisation."""
        return tuple(account for account in self.each if account.organisation == organisation)


def read_accounts(path: Path, *, host: str) -> Accounts:
    """Read the role accounts.

    Args:
        path: the file.
        host: id of the organisation whose register it is.

    Raises:
        ValueError: two accounts share a username or a person.
        KeyError: something is missing.
        TypeError: something is written that nobody knows.
    """
    data = tomllib.loads(path.read_text("utf-8"))
    each = tuple(_account(table, host) for table in data["account"])
    for kind in ("username", "person"):
        values = [getattr(account, kind) for account in each]
        if len(values) != len(set(values)):
            message = f"accounts: two accounts share a {kind}"
            raise ValueError(message)
    return Accounts(password=data["password"], each=each)


def _account(table: Mapping[str, Any], host: str) -> Account:
    organisation = table["organisation"]
    bodies = {"employer": organisation, "host": host}
    grants = tuple(
        DatedGrant(
            level=grant["level"],
            granting_body=bodies.get(grant["granted_by"], grant["granted_by"]),
            granted_days=grant["granted"],
            ends_days=grant.get("ends"),
            sponsor=grant.get("sponsor"),
            status=grant.get("status", "granted"),
        )
        for grant in table["grants"]
    )
    own: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    own["left_days"] = own.pop("left", None)
    own["grants"] = grants
    return Account(**own)
