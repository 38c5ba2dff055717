"""Transactions: what a back office calls a page that it has opened, and who may go on with it.

    [[transaction]]
    system = "ebs"
    parameter = "_ti"
    learnt_from = ["redirect"]       # and "request", where the back office does not redirect

A function that says `transaction = true` is opened without naming one. From then on its requests
name the transaction that the back office began for it. The gate learns which transaction belongs to
which function, for one session, and takes no other: a page that was opened under one function
cannot post as another. A function of the same system that does not say so need not name one, but
where its requests name one they are held to it as well.

1. A redirect is what the back office itself says: the transaction in its address belongs to the
   function that the address means, or else to the one that was answered.
2. A request is what a browser says. Where `request` is declared, a GET that names a function and a
   transaction nobody has named yet binds the two. That is weaker: whoever names a transaction
   first says whose it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from policies.request_body import NO_JSON
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.findings import TableReader
    from policies.request_body import JsonBody

PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SYSTEM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # longer is no number of a page
_ABSENT = ""


class LearntFrom(StrEnum):
    """What tells which function a transaction belongs to."""

    REDIRECT = "redirect"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRule:
    """How one system names its transactions.

    Attributes:
        system: id of the upstream.
        parameter: of the query or the form, as spelt.
        learnt_from: what tells which function one belongs to.
    """

    system: str
    parameter: str
    learnt_from: frozenset[LearntFrom] = frozenset({LearntFrom.REDIRECT})

    def named_in(
        self,
        query: Iterable[tuple[str, str]],
        form: Iterable[tuple[str, str]] = (),
        json: JsonBody = NO_JSON,
    ) -> str | None:
        """Give the transaction that a request names, empty where it names none.

        Returns:
            None where it names more than one, or one in a way that has two readings.
        """
        if self.parameter in json.inner:
            return None
        folded, named = self.parameter.casefold(), _ABSENT
        for pairs in (query, form, json.members):
            seen = False
            for name, value in pairs:
                if name.casefold() != folded:
                    continue
                if name != self.parameter or seen or value is None or not _ID.fullmatch(value):
                    return None
                if named not in {_ABSENT, value}:
                    return None
                seen, named = True, value
        return named


def read_transactions(
    document: TableReader, below: Iterable[TransactionRule] = ()
) -> dict[str, TransactionRule]:
    """Read every `[[transaction]]` of a catalogue, by system.

    Args:
        document: the outermost table.
        below: those of the file that this one is based on.
    """
    rules = {rule.system: rule for rule in below}
    for reader in document.tables("transaction", required=False):
        system = reader.text("system", pattern=SYSTEM)
        parameter = reader.text("parameter", pattern=PARAMETER)
        learnt_from = frozenset(reader.choices("learnt_from", LearntFrom))
        reader.finish()
        if system in rules:
            reader.fault(
                "system", message=f"{quoted(system)} stands twice", remedy="remove one of them"
            )
        elif system and parameter:
            rules[system] = TransactionRule(
                system=system,
                parameter=parameter,
                learnt_from=learnt_from or frozenset({LearntFrom.REDIRECT}),
            )
    return rules


def read_transaction(
    reader: TableReader, system: str, rules: Mapping[str, TransactionRule]
) -> TransactionRule | None:
    """Read whether a function's requests name the transaction that was begun for it."""
    if not reader.flag("transaction"):
        return None
    rule = rules.get(system)
    if rule is None:
        reader.fault(
            "transaction",
            message=f"nothing is said of how {quoted(system)} names its transactions",
            remedy="add a [[transaction]] for the system, or remove this",
        )
    return rule
