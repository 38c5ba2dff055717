"""Who a person is at a system of the back office: from a table, else by their organisation's rule.

Nothing here is taken from the client. Whoever has no account there is refused, and so is everybody
while the table cannot be used: yesterday's may name somebody who has left.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import structlog

from gateway.account_table import Account, AccountTable, AccountTableError, is_account
from gateway.account_table import read_account_table as read
from gateway.backoffice.transport import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from policies.question import Subject

_log = structlog.get_logger("upstream")
_LOOK_SECONDS: Final = 1.0
NO_ACCOUNT: Final = "no-account"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRule:
    """How the accounts of one organisation's staff are made.

    Attributes:
        source: what of a person they are made from.
        letters: what becomes of its letters.
        prefix: what stands before it; of no two organisations the same.
    """

    source: Literal["username", "employee_number"]
    letters: Literal["as-is", "upper", "lower"]
    prefix: str

    def account(self, subject: Subject, username: str) -> str:
        """Make a person's account; nothing where there is nothing to make it from.

        Nor is one made from letters beyond ASCII: in capitals some become those of a colleague.
        """
        said = username if self.source == "username" else subject.employee_number
        if not said.isascii():
            return ""
        if self.letters == "upper":
            said = said.upper()
        elif self.letters == "lower":
            said = said.lower()
        return self.prefix + said if said else ""


class Accounts:
    """The accounts at one system. One a worker, on the event loop."""

    def __init__(
        self,
        system: str,
        *,
        rules: Mapping[str, AccountRule],
        file: Path | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold the rules; the table is read when somebody asks.

        Args:
            system: whose, for the operational log.
            rules: by organisation.
            file: the table, which goes before the rules; None for none.
            monotonic: seconds that never go back; the file is looked at once a second.
        """
        self._system = system
        self._rules = rules
        # An account that begins as those of another organisation do may be somebody's there.
        self._foreign = {
            mine: tuple(
                other.prefix.casefold()
                for its, other in rules.items()
                if its != mine and len(other.prefix) > len(rule.prefix)
            )
            for mine, rule in rules.items()
        }
        self._file = file
        self._monotonic = monotonic
        self._look_at = float("-inf")
        self._stamp: tuple[int, int, int] | None = None
        self._table: AccountTable | None = None

    def of(self, subject: Subject, username: str) -> Account:
        """Give a person's account.

        Raises:
            ExchangeError: they have none (403), or the table cannot be used (503).
        """
        table = None
        if self._file is not None:
            table = self._current(self._file)
            listed = table.find(subject.staff_id, subject.organisation, subject.employee_number)
            if listed is not None:
                return listed
        rule = self._rules.get(subject.organisation)
        name = "" if rule is None else rule.account(subject, username)
        folded = name.casefold()
        if (
            not is_account(name)
            or folded.startswith(self._foreign[subject.organisation])
            or (table is not None and folded in table.names)
        ):
            raise ExchangeError(403, NO_ACCOUNT)
        return Account(name=name)

    def _current(self, file: Path) -> AccountTable:
        """Give the table as it is in the file."""
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._follow(file)
        if self._table is None:
            raise ExchangeError(503, "accounts-unusable")
        return self._table

    def _follow(self, file: Path) -> None:
        try:
            found = file.stat()
            stamp = found.st_mtime_ns, found.st_ino, found.st_size
            if stamp == self._stamp:
                return
            self._stamp, self._table = stamp, None
            self._table = read(file)
        except OSError as error:
            self._stamp = self._table = None
            _log.error("accounts cannot be read", system=self._system, error=error.strerror)
        except AccountTableError as error:
            # Of a row only the account is ever quoted, which is no secret but somebody's name.
            line = str(error).partition(":")[0]
            _log.error("accounts cannot be used; run gateway check", system=self._system, at=line)
