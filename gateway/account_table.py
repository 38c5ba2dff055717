"""The table that says which account of a system each person has: a CSV file kept by its owner.

    organisation,employee_number,staff_id,account,guid
    cheshire-police,12001,,ALICE,1F2E3D4C5B6A
    ,,cheshire-fire/7d3c,F_BOB,

A person is named by staff id, or by organisation and employee number. No account is two people's.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLUMNS: Final = ("organisation", "employee_number", "staff_id", "account", "guid")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9._@+-]{1,100}")
_MOST_BYTES: Final = 32 * 1024 * 1024


class AccountTableError(ValueError):
    """A table that cannot be used; says the line and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a person is at a system.

    Attributes:
        name: the account.
        guid: what the system's own directory calls them; empty where that is not known.
    """

    name: str
    guid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTable:
    """The accounts of one file.

    Attributes:
        by_staff_id: by staff id.
        by_number: by organisation and employee number.
        names: every account in it, case folded.
    """

    by_staff_id: Mapping[str, Account]
    by_number: Mapping[tuple[str, str], Account]
    names: frozenset[str]

    def find(self, staff_id: str, organisation: str, employee_number: str) -> Account | None:
        """Find a person's account, by staff id first."""
        found = self.by_staff_id.get(staff_id)
        return found or self.by_number.get((organisation, employee_number))


def is_account(name: str) -> bool:
    """Tell whether a name may be an account: ASCII letters, digits and `._@+-`, at most 100."""
    return _ACCOUNT.fullmatch(name) is not None


def read_account_table(path: Path) -> AccountTable:
    """Read a table.

    Raises:
        AccountTableError: it cannot be read, or means more than one thing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            text = opened.read(_MOST_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{quoted(str(path))} cannot be read as UTF-8 text; put the table there"
        raise AccountTableError(message) from error
    if len(text) > _MOST_BYTES:
        raise AccountTableError(f"{quoted(str(path))} is larger than 32 MiB; split it")
    rows = csv.DictReader(text.splitlines(), strict=True)
    try:
        return _read(rows)
    except csv.Error as error:
        raise AccountTableError(f"line {rows.line_num}: {error}; correct the quotes") from error


def _read(rows: csv.DictReader[str]) -> AccountTable:
    named = tuple(rows.fieldnames or ())
    if len(set(named)) != len(named) or "account" not in named or set(named) - set(_COLUMNS):
        message = f"line 1: the columns are not known; write {','.join(_COLUMNS)}"
        raise AccountTableError(message)
    by_staff_id: dict[str, Account] = {}
    by_number: dict[tuple[str, str], Account] = {}
    names: set[str] = set()
    for row in rows:
        line = rows.line_num
        if None in row or None in row.values():
            raise AccountTableError(f"line {line}: not as many values as columns; write each")
        said = {name: row.get(name, "").strip() for name in _COLUMNS}
        account = Account(name=said["account"], guid=said["guid"])
        if not is_account(account.name) or not (is_account(account.guid) or not account.guid):
            message = f"line {line}: {quoted(account.name)} or its guid is no account"
            raise AccountTableError(f"{message}; use letters, digits and `._@+-`")
        if account.name.casefold() in names:
            message = f"line {line}: {quoted(account.name)} is the account of two people"
            raise AccountTableError(f"{message}; give each their own")
        names.add(account.name.casefold())
        number = said["organisation"], said["employee_number"]
        if bool(number[0]) is not bool(number[1]) or not (number[0] or said["staff_id"]):
            message = f"line {line}: nobody is named"
            raise AccountTableError(
                f"{message}; write `staff_id`, or both `organisation` and `employee_number`"
            )
        if said["staff_id"] in by_staff_id or number in by_number:
            raise AccountTableError(f"line {line}: this person stands there twice; write them once")
        if said["staff_id"]:
            by_staff_id[said["staff_id"]] = account
        if number[0]:
            by_number[number] = account
    return AccountTable(by_staff_id=by_staff_id, by_number=by_number, names=frozenset(names))
