"""A scenario: one shared service with its organisations, accounts, policy set and what must hold.

Everything about it is data in its folder under deploy/scenarios:

    scenario.toml    what it is called, the day it plays on, its organisations
    accounts.toml    the role accounts: who they are, what they hold, what they see
    checks.toml      what must come of a request, over HTTP, on which day
    policy/          the policy set
    directories/     schemas of directories that spell things their own way; may be missing
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from deploy.demo.accounts import Accounts, read_accounts
from deploy.demo.organisations import DemoOrganisation, read_organisation

FOLDER = Path(__file__).resolve().parents[1] / "scenarios"
DEFAULT = "cheshire-blue-light"


class ScenarioError(Exception):
    """There is no such scenario, or its files do not make one; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One shared service.

    Attributes:
        name: of its folder.
        title: what people call it.
        service_name: what the gateway calls the service on its pages.
        summary: what it is, in a line.
        day: the day of its history that today is; None where it plays today.
        organisations: in the order of the file.
        accounts: the role accounts.
    """

    name: str
    title: str
    service_name: str
    summary: str
    day: date | None
    organisations: tuple[DemoOrganisation, ...]
    accounts: Accounts

    def __getitem__(self, organisation: str) -> DemoOrganisation:
        """Find an organisation by its id."""
        for one in self.organisations:
            if one.id == organisation:
                return one
        raise KeyError(organisation)

    @property
    def host(self) -> DemoOrganisation:
        """Give the organisation whose back office it is."""
        return next(one for one in self.organisations if one.host)

    @property
    def folder(self) -> Path:
        """Give the folder of its files."""
        return FOLDER / self.name

    @property
    def policy_set(self) -> Path:
        """Give the folder of its policy set."""
        return self.folder / "policy"

    @property
    def files(self) -> tuple[Path, ...]:
        """Give the files that decide who the staff are and what they hold."""
        own = [self.folder / name for name in ("scenario.toml", "accounts.toml")]
        schemas = [each.schema_file for each in self.organisations if each.schema_file]
        return (*own, *schemas)


def names() -> tuple[str, ...]:
    """Give the names of the scenarios there are."""
    return tuple(sorted(each.parent.name for each in FOLDER.glob("*/scenario.toml")))


@cache
def load_scenario(name: str = DEFAULT) -> Scenario:
    """Read a scenario.

    Raises:
        ScenarioError: there is none of that name, or a file of it is wrong.
    """
    if name not in names():
        message = f"there is no scenario `{name[:40]}`; there are: {', '.join(names())}"
        raise ScenarioError(message)
    folder = FOLDER / name
    data = tomllib.loads((folder / "scenario.toml").read_text("utf-8"))
    organisations = []
    for table in data["organisation"]:
        try:
            organisations.append(read_organisation(table, folder))
        except (KeyError, TypeError) as error:
            message = f"{name}/scenario.toml: organisation `{table.get('id', '?')}`: {error}"
            raise ScenarioError(message) from error
    hosts = [each.id for each in organisations if each.host]
    if len(hosts) != 1:
        message = f"{name}/scenario.toml: {len(hosts)} organisations are the host; one must be"
        raise ScenarioError(message)
    try:
        accounts = read_accounts(folder / "accounts.toml", host=hosts[0])
    except (KeyError, TypeError, ValueError) as error:
        message = f"{name}/accounts.toml: {error}"
        raise ScenarioError(message) from error
    strangers = {one.organisation for one in accounts.each} - {one.id for one in organisations}
    if strangers:
        message = f"{name}/accounts.toml: no such organisation: {', '.join(sorted(strangers))}"
        raise ScenarioError(message)
    return Scenario(
        name=name,
        title=data["title"],
        service_name=data["service_name"],
        summary=data["summary"],
        day=data.get("day"),
        organisations=tuple(organisations),
        accounts=accounts,
    )
