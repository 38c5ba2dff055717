"""What every kind of directory gives: the person it vouches for, and the errors told apart.

A directory says who somebody is, at which organisation, in which post. INVARIANT: a
`DirectoryPerson` has no place for what somebody is cleared to, so nothing a partner writes into
its directory about vetting can reach a decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.errors import (
    DirectoryError,
    DirectoryMisconfigured,
    DirectoryUnavailable,
    WrongCredentials,
)

BREAK_GLASS = "break-glass"
"""Stands for the directory that vouches for the gateway's own accounts; none may be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPerson:
    """A person as their own organisation's directory describes them.

    Attributes:
        directory_id: the directory's id of the entry, which never changes and is never reused.
        username: the sign-in name as the directory spells it.
        name: how the person is called on pages.
        employee_number: the number with that employer.
        posts: what they do.
        unit: where they do it; empty if the directory gives none, or more than one.
        team: employee numbers of those who report to them.
        team_complete: False if the team could not be read whole; `team` is empty then.
        mail: the e-mail address, or empty.
        groups: the groups they are in, as the directory names them, groups within groups included;
            empty where the settings do not ask for groups.
    """

    directory_id: str
    username: str
    name: str
    employee_number: str
    posts: frozenset[str] = frozenset()
    unit: str = ""
    team: frozenset[str] = frozenset()
    team_complete: bool = True
    mail: str = ""
    groups: frozenset[str] = frozenset()


class UnknownPerson(WrongCredentials):
    """The directory has nobody of that name; the caller must not be able to tell."""


class WrongPassword(WrongCredentials):
    """The directory has the name, but not with this password.

    Attributes:
        username: as the directory spells it.
    """

    def __init__(self, message: str, *, username: str) -> None:
        self.username = username
        super().__init__(message)


class MalformedCredentials(WrongCredentials):
    """Name or password is of a form that no directory is shown."""


class AccountState(StrEnum):
    """Why an account may not be used just now, whatever its password."""

    DISABLED = "disabled"
    LOCKED = "locked"
    EXPIRED = "expired"
    MUST_CHANGE_PASSWORD = "must-change-password"  # noqa: S105  # a state, no secret


class AccountClosed(WrongCredentials):
    """The directory has the account, and does not let it be used.

    Attributes:
        state: why.
        known_password: whether the right password was shown. Only then may the person be told: to
            anybody else it would say that the name is known.
        username: as the directory spells it.
        directory_id: of the account, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        state: AccountState,
        known_password: bool,
        username: str = "",
        directory_id: str = "",
    ) -> None:
        self.state = state
        self.known_password = known_password
        self.username = username
        self.directory_id = directory_id
        super().__init__(message)


class PersonGone(DirectoryError):  # noqa: N818  # named for what happened, as its family is
    """The directory answered whole, and has nobody with that id any more."""


class DirectoryUntrusted(DirectoryUnavailable):
    """Something answered, but did not prove to be the directory; no password was sent to it."""


class DirectoryBusy(DirectoryUnavailable):
    """As many sign-ins as are allowed at a time are waiting for this directory already."""


class EntryIncomplete(DirectoryMisconfigured):
    """The person's entry lacks what the gateway must know, such as an employee number."""


class GuessingStopped(WrongCredentials):
    """The caller did not want the password tried; the directory took the same steps without it."""


BeforeBind = Callable[[str, str], bool]
"""Called before every time the password is tried, known name or not, with the sign-in name (as the
directory spells it if it knows it) and what identifies the entry whatever name led to it (its id;
empty if there is none). False: the password is not tried, but an entry that does not exist is bound
as in its place, so that time does not tell; `GuessingStopped` is raised then. What it raises ends
the attempt at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStep:
    """One step of a probe: what was tried at which server, whether it held, how long it took."""

    server: str
    step: str
    passed: bool
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What a probe found, in the order of the servers."""

    steps: tuple[ProbeStep, ...] = field(default=())

    @property
    def usable(self) -> bool:
        """Whether at least one server went through every step."""
        servers = {step.server for step in self.steps}
        failed = {step.server for step in self.steps if not step.passed}
        return bool(servers - failed)


class Directory(Protocol):
    """An organisation's directory. Safe to use from several threads at once."""

    def authenticate(
        self,
        name: str,
        password: str,
        budget_seconds: float,
        *,
        before_bind: BeforeBind | None = None,
    ) -> DirectoryPerson:
        """Vouch for a person (blocks at most about `budget_seconds`).

        Raises:
            WrongCredentials: unknown name, wrong password, closed account, malformed credentials.
            DirectoryUnavailable: no server answered as itself within the budget.
            DirectoryMisconfigured: the answer does not fit the settings.
        """
        ...

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson:
        """Describe a person as they are now, without their password (blocks as `authenticate`).

        Args:
            directory_id: the immutable id under which the directory vouched for them.
            budget_seconds: for everything, every server tried included.

        Raises:
            PersonGone: the directory answered, and has nobody with that id.
            AccountClosed: the account may not be used; `known_password` is False.
            DirectoryUnavailable: no server answered as itself within the budget.
            DirectoryMisconfigured: the answer does not fit the settings.
        """
        ...

    def look_up_name(self, name: str, budget_seconds: float) -> DirectoryPerson:
        """Describe a person by their sign-in name, which they have proved by other means.

        Args:
            name: as they might type it.
            budget_seconds: for everything, every server tried included.

        Raises:
            UnknownPerson: nobody has that name, or more than one.
            AccountClosed: the account may not be used; `known_password` is False.
            DirectoryUnavailable: no server answered as itself within the budget.
            DirectoryMisconfigured: the answer does not fit the settings.
        """
        ...

    def probe(self, budget_seconds: float) -> ProbeReport:
        """Try every server as far as that goes without a person's password; never raises."""
        ...
