"""Break-glass accounts as the database holds them, for the day when the host's directory is away.

An account is a person of its own in the host's register, with an employee number that nobody else
has: what it may do are the grants and appointments of that number, and nothing besides.

    proposed by one officer, sealed by another, used, reviewed, proposed and sealed again, disabled

Sealing makes a password and the secret of an authenticator, which are told once, for the envelope.
A sealed account can be used so often and until such a day. Each use leaves a review that stays open
until somebody else signs it off; before that the account is not sealed again.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.errors import IdentityError
from gateway.identity.directories.directory import BREAK_GLASS, DirectoryPerson
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.second_factor import NO_STEP, new_secret
from gateway.identity.names import fold_name
from gateway.identity.signing_in.password_hash import hash_password
from gateway.identity.staff import EMPLOYEE_NUMBER, remember, staff_by_person
from gateway.store import schema
from gateway.store.schema_break_glass import break_glass_use, local_account

ACCOUNT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
# Without characters that are mistaken for one another on paper: 31 of them, 24 places, 118 bits.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 6, 4

_account = local_account
_use = break_glass_use


class BreakGlassRefused(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """An officer asked for what may not be; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A break-glass account, without its secrets.

    Attributes:
        name: as typed where it is used.
        employee_number: of the account, in the host's register.
        uses_left: how often it can still be used; 0 until it has been sealed.
        expires_at: when it ends, None until it has been sealed.
        sealed_by: the officers who made the envelope, empty until then.
        proposed_by: who wants it sealed (again), if somebody does.
        proposed_uses: how often it could be used then.
        disabled: whether an officer took it out of use.
        open_reviews: how many uses nobody has signed off yet.
    """

    name: str
    employee_number: str
    uses_left: int
    expires_at: datetime | None
    sealed_by: str
    proposed_by: str
    proposed_uses: int
    disabled: bool
    open_reviews: int

    def state(self, at: datetime) -> str:
        """Say in a word whether it can be used."""
        if self.disabled:
            return "disabled"
        if self.expires_at is None:
            return "proposed"
        if at >= self.expires_at:
            return "expired"
        return "sealed" if self.uses_left else "used up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What goes into the envelope; told once and kept nowhere."""

    password: str
    authenticator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of an account.

    Attributes:
        number: by which it is reviewed.
        account: name of the account.
        at: when.
        used_by: who said they were using it.
        reason: why, in their words.
        source: the address they came from.
        reference: finds the sign-in in the record.
        reviewed_by: who signed it off, or empty.
        reviewed_at: when, or None.
        finding: what they found, or empty.
    """

    number: int
    account: str
    at: datetime
    used_by: str
    reason: str
    source: str
    reference: str
    reviewed_by: str
    reviewed_at: datetime | None
    finding: str


def propose(
    connection: Connection,
    *,
    host: str,
    name: str,
    employee_number: str,
    uses: int,
    by: str,
    at: datetime,
) -> None:
    """Ask for an account to be sealed, a new one or one that is there; nothing can be used by it.

    Raises:
        BreakGlassRefused: the name or number cannot be.
    """
    if not ACCOUNT_NAME.fullmatch(name):
        raise BreakGlassRefused(
            f"account: `{name[:40]}` is no name; write lower-case letters, digits and hyphens"
        )
    if not EMPLOYEE_NUMBER.fullmatch(employee_number):
        raise BreakGlassRefused(f"account: `{employee_number[:40]}` is no employee number")
    known = find_account(connection, name)
    if known is not None and known.employee_number != employee_number:
        raise BreakGlassRefused(
            f"account: `{name}` has the number `{known.employee_number}`, which does not change"
        )
    staff = staff_by_person(connection, f"{host}/{employee_number}")
    if staff is not None and staff.directory_id != directory_id(name):
        raise BreakGlassRefused(
            f"account: `{employee_number}` is somebody's number; give the account one of its own"
        )
    asked = {
        "proposed_by": by,
        "proposed_uses": uses,
        "proposed_at_us": schema.microseconds(at),
    }
    if known is None:
        connection.execute(
            insert(_account).values(
                name=name,
                organisation=host,
                employee_number=employee_number,
                password_hash="",
                authenticator="",
                last_step=NO_STEP,
                uses_left=0,
                expires_at_us=None,
                sealed_by="",
                disabled=0,
                **asked,
            )
        )
    else:
        connection.execute(update(_account).where(_account.c.name == name).values(asked))


def seal(
    connection: Connection,
    *,
    host: str,
    name: str,
    by: str,
    until: datetime,
    at: datetime,
    factor_seal: FactorSeal,
) -> Envelope:
    """Make the secrets of an account that somebody else proposed, and let it be used.

    Raises:
        BreakGlassRefused: nobody proposed it, the same officer did, or a use is not reviewed.
    """
    account = find_account(connection, name)
    if account is None or not account.proposed_by:
        raise BreakGlassRefused(
            f"account: nobody has proposed `{name[:40]}`; run `gateway account create` first"
        )
    if fold_name(by) == fold_name(account.proposed_by):
        raise BreakGlassRefused(
            f"account: `{account.proposed_by}` proposed this; somebody else must seal it"
        )
    if account.open_reviews:
        raise BreakGlassRefused(
            f"account: {account.open_reviews} use(s) of `{name}` are not reviewed yet;"
            " run `gateway account review`"
        )
    # The number is the account's from now on: no directory can bring somebody else under it.
    remember(connection, host, person_of(account), at, directory=BREAK_GLASS)
    letters = (secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP))
    password = "-".join("".join(next(letters) for _ in range(_GROUP)) for _ in range(_GROUPS))
    envelope = Envelope(password=password, authenticator=new_secret())
    connection.execute(
        update(_account)
        .where(_account.c.name == name)
        .values(
            password_hash=hash_password(password),
            authenticator=factor_seal.seal(envelope.authenticator.encode(), context=context(name)),
            last_step=NO_STEP,
            uses_left=account.proposed_uses,
            expires_at_us=schema.microseconds(until),
            sealed_by=f"{account.proposed_by}, {by}",
            proposed_by="",
            disabled=0,
        )
    )
    return envelope


def disable(connection: Connection, name: str) -> Account:
    """Take an account out of use; its secrets are destroyed.

    Raises:
        BreakGlassRefused: there is none of that name.
    """
    account = find_account(connection, name)
    if account is None:
        raise BreakGlassRefused(f"account: there is no `{name[:40]}`; see `gateway account list`")
    connection.execute(
        update(_account)
        .where(_account.c.name == name)
        .values(disabled=1, uses_left=0, password_hash="", authenticator="", proposed_by="")
    )
    return account


def review(connection: Connection, number: int, *, by: str, finding: str, at: datetime) -> Use:
    """Sign off a use.

    Raises:
        BreakGlassRefused: there is no such open review, or it is one's own use.
    """
    found = next((use for use in uses(connection) if use.number == number), None)
    if found is None or found.reviewed_by:
        raise BreakGlassRefused(f"review: no use `{number}` waits; see `gateway account review`")
    if fold_name(by) == fold_name(found.used_by):
        raise BreakGlassRefused(
            f"review: `{found.used_by}` used the account; somebody else must sign it off"
        )
    connection.execute(
        update(_use)
        .where(_use.c.number == number)
        .values(reviewed_by=by, reviewed_at_us=schema.microseconds(at), finding=finding)
    )
    return found


def accounts(connection: Connection) -> tuple[Account, ...]:
    """List the accounts by name."""
    return tuple(
        _to_account(connection, row)
        for row in connection.execute(select(_account).order_by(_account.c.name))
    )


def find_account(connection: Connection, name: str) -> Account | None:
    """Give the account of a name."""
    row = connection.execute(select(_account).where(_account.c.name == name)).one_or_none()
    return None if row is None else _to_account(connection, row)


def uses(connection: Connection, *, limit: int = 200) -> tuple[Use, ...]:
    """List the uses: those that wait for review first, then the latest."""
    rows = connection.execute(
        select(_use).order_by(_use.c.reviewed_at_us.is_not(None), _use.c.at_us.desc()).limit(limit)
    )
    return tuple(_to_use(row) for row in rows)


def person_of(account: Account) -> DirectoryPerson:
    """Describe an account as a directory describes a person: nothing but who it is."""
    return DirectoryPerson(
        directory_id=directory_id(account.name),
        username=account.name,
        name=f"Break-glass account {account.name}",
        employee_number=account.employee_number,
    )


def directory_id(name: str) -> str:
    """Give what stands for a directory's id of the account."""
    return f"{BREAK_GLASS}:{name}"


def context(name: str) -> str:
    """Give the context in which the secret of an account's authenticator is sealed."""
    return f"break-glass authenticator of {name}"


def _to_account(connection: Connection, row: Row[tuple[object, ...]]) -> Account:
    held = row._mapping  # noqa: SLF001  # the public way to a row's columns by name, despite its underscore
    waiting = connection.execute(
        select(func.count())
        .select_from(_use)
        .where(_use.c.account == held["name"], _use.c.reviewed_at_us.is_(None))
    ).scalar_one()
    ends_us = held["expires_at_us"]
    return Account(
        name=held["name"],
        employee_number=held["employee_number"],
        uses_left=held["uses_left"],
        expires_at=None if ends_us is None else schema.instant(ends_us),
        sealed_by=held["sealed_by"],
        proposed_by=held["proposed_by"],
        proposed_uses=held["proposed_uses"],
        disabled=bool(held["disabled"]),
        open_reviews=int(waiting),
    )


def _to_use(row: Row[tuple[object, ...]]) -> Use:
    held = dict(row._mapping)  # noqa: SLF001  # as above
    reviewed_us = held.pop("reviewed_at_us")
    return Use(
        at=schema.instant(held.pop("at_us")),
        reviewed_at=None if reviewed_us is None else schema.instant(reviewed_us),
        **held,
    )
