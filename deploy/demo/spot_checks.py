"""What must come of a request, by the checks.toml of a scenario: a table that an officer can read.

    [[check]]
    why = "C1: the control room, on the last day of that contract"
    on = 2019-04-30            # the day that is played; left out: the scenario's own
    account = "call-handler"   # who asks
    asks = "pc.incident"       # the function, at the address the portal would open
    names = "constable"        # the account whose record the request names; may be left out
    purpose = "correction"     # sent on the page that asks what it is for; may be left out
    status = 200               # what must be answered

Instead of a function, `url` may stand. `status = "shut out"` says that nobody signs in there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deploy.demo.accounts import Accounts
from policies.catalogue import Catalogue

SHUT_OUT = "shut out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the table.

    Attributes:
        on: the day that is played; None for the scenario's own.
        account: username of who asks.
        url: what is asked for.
        function: what that means; empty where an address was written.
        status: what must be answered; None where nobody may sign in.
        purpose: code of the purpose that is given first; empty for none.
    """

    why: str
    on: date | None
    account: str
    url: str
    function: str
    status: int | None
    purpose: str = ""


def read_checks(path: Path, accounts: Accounts, catalogue: Catalogue) -> tuple[Check, ...]:
    """Read the table.

    Raises:
        ValueError: a row names what does not exist; the message says which.
    """
    tables = tomllib.loads(path.read_text("utf-8"))["check"]
    return tuple(_check(table, accounts, catalogue) for table in tables)


def by_day(checks: Iterable[Check]) -> Iterator[tuple[date | None, tuple[Check, ...]]]:
    """Give the checks day by day: the scenario's own first, then the others in their order."""
    listed = tuple(checks)
    days = sorted({each.on for each in listed if each.on is not None})
    for day in (None, *days):
        found = tuple(each for each in listed if each.on == day)
        if found:
            yield day, found


def _check(table: Mapping[str, Any], accounts: Accounts, catalogue: Catalogue) -> Check:
    why = str(table.get("why", ""))
    unknown = table.keys() - {"why", "on", "account", "asks", "url", "names", "purpose", "status"}
    if not why or unknown:
        message = f"checks: `{why or table}`: not understood: {', '.join(unknown) or 'no why'}"
        raise ValueError(message)
    try:
        accounts[table["account"]]
        number = accounts[table["names"]].employee_number if "names" in table else None
        url = table["url"] if "url" in table else _entry(catalogue, table["asks"])
        status = table["status"]
        purpose = catalogue.purposes[table["purpose"]].code if "purpose" in table else ""
    except KeyError as error:
        message = f"checks: `{why}`: there is no {error}"
        raise ValueError(message) from error
    if number is not None:
        url += f"{'&' if '?' in url else '?'}person_id={number}"
    return Check(
        why=why,
        on=table.get("on"),
        account=table["account"],
        url=url,
        function=table.get("asks", ""),
        status=None if status == SHUT_OUT else HTTPStatus(status),
        purpose=purpose,
    )


def _entry(catalogue: Catalogue, function_id: str) -> str:
    """Give the address that the portal's tile of a function opens."""
    entry = catalogue.functions[function_id].entry
    if not entry:
        raise KeyError(f"entry of {function_id}")
    return entry
