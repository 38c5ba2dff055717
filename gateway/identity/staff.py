"""Staff: the people whom a directory has vouched for, as remembered here.

A member of staff is known by organisation, directory and the directory's own id, never by name. The
employee number, by which the vetting register speaks of people, is pinned to that id at the first
sign-in: when a number comes back under another id (an account deleted and made again, or a number
given to someone else), nobody is let in on the strength of the number until an officer has looked.

An organisation may have several directories that hold the same people. Only where its settings say
that a directory does (`linked`), the employee number leads from an id there to a member of staff
whom another directory of the same organisation made known; never from one organisation to another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sys import intern

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from gateway.errors import IdentityChanged
from gateway.identity.directories.directory import BREAK_GLASS, DirectoryPerson, EntryIncomplete
from gateway.identity.names import fold_name
from gateway.store import schema

MAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
LONGEST_MAIL = 254
MOST_NAME_CHARACTERS = 256
"""Of a sign-in name once it is folded, which makes one letter up to eighteen."""
EMPLOYEE_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
DIRECTORY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+-]{0,99}")

# Made once: making a statement costs more than it does.
_BY_ID = select(schema.staff).where(schema.staff.c.staff_id == bindparam("staff_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """A member of staff, as their directory described them when it last vouched for them.

    Attributes:
        staff_id: `<organisation>/<directory id>`, never reused.
        organisation: whose staff they are.
        directory_id: the directory's id of their entry.
        employee_number: pinned to the directory's id.
        username: as the directory spells it.
        name: for people to read.
        posts: what they do.
        unit: where they do it.
        team: employee numbers of those who report to them.
    """

    staff_id: str
    organisation: str
    directory_id: str
    employee_number: str
    username: str
    name: str
    posts: frozenset[str]
    unit: str
    team: frozenset[str]

    @property
    def person(self) -> str:
        """The person as the register names them, `<organisation>/<employee number>`."""
        return f"{self.organisation}/{self.employee_number}"

    @property
    def address(self) -> str:
        """The person as people name them, `<username>@<organisation>`."""
        return f"{self.username}@{self.organisation}"


def remember(
    connection: Connection,
    organisation: str,
    person: DirectoryPerson,
    at: datetime,
    *,
    directory: str | None = None,
    linked: bool = False,
) -> Staff:
    """Remember what a directory has just said about a person, pinning their employee number.

    Args:
        connection: a writing connection.
        organisation: the organisation whose directory it was.
        person: what it said.
        at: when.
        directory: the id of the directory; that which goes by the organisation's name if None.
        linked: whether this directory holds the same people as the organisation's others, under
            the same employee numbers.

    Raises:
        IdentityChanged: if the number belongs to another id here, or the id to another number.
        EntryIncomplete: if number, id or sign-in name are not of a form that can be kept.
    """
    # 1. Both halves of the pin must be there, and must not be mistaken for parts of a longer name.
    if not EMPLOYEE_NUMBER.fullmatch(person.employee_number):
        message = "staff: the directory's employee number is missing or of unknown form"
        raise EntryIncomplete(message)
    if not DIRECTORY_ID.fullmatch(person.directory_id):
        message = "staff: the directory's id is missing or of unknown form"
        raise EntryIncomplete(message)
    username_key = fold_name(person.username)
    if len(username_key) > MOST_NAME_CHARACTERS:
        message = f"staff: the sign-in name has {len(username_key)} characters once it is folded, "
        message += f"more than {MOST_NAME_CHARACTERS}"
        raise EntryIncomplete(message)
    # 2. The pin: this id and this number must lead to one row, or be both unheard of.
    directory = directory or organisation
    known = _pinned(connection, organisation, directory, person, linked=linked)
    # 3. Everything else may change from one sign-in to the next.
    staff = Staff(
        staff_id=f"{organisation}/{person.directory_id}" if known is None else known.staff_id,
        organisation=organisation,
        directory_id=person.directory_id if known is None else known.directory_id,
        employee_number=person.employee_number,
        username=person.username,
        name=person.name,
        posts=person.posts,
        unit=person.unit,
        team=person.team if person.team_complete else frozenset(),
    )
    described = {
        "username": staff.username,
        "username_key": username_key,
        "name": staff.name,
        "posts": _to_list(staff.posts),
        "unit": staff.unit,
        "team": _to_list(staff.team),
        "mail": _mail(person.mail),
        "seen_at_us": schema.microseconds(at),
    }
    table = schema.staff
    if known is not None:
        connection.execute(
            update(table).where(table.c.staff_id == staff.staff_id).values(described)
        )
        return staff
    connection.execute(
        insert(table).values(
            staff_id=staff.staff_id,
            organisation=organisation,
            directory_id=staff.directory_id,
            employee_number=staff.employee_number,
            first_seen_at_us=schema.microseconds(at),
            **described,
        )
    )
    _identify(connection, organisation, directory, person.directory_id, staff.staff_id)
    return staff


def staff_identified(
    connection: Connection, organisation: str, directory: str, directory_id: str
) -> str | None:
    """Give the staff id of whom a directory knows by this id of its own."""
    table = schema.staff_identity
    found = connection.execute(
        select(table.c.staff_id).where(
            table.c.organisation == organisation,
            table.c.directory == directory,
            table.c.directory_id == directory_id,
        )
    ).scalar_one_or_none()
    return None if found is None else str(found)


def _pinned(
    connection: Connection,
    organisation: str,
    directory: str,
    person: DirectoryPerson,
    *,
    linked: bool,
) -> Staff | None:
    """Find who this is, or nobody; refuse whenever id and number do not lead to the same row."""
    by_id = staff_identified(connection, organisation, directory, person.directory_id)
    by_number = staff_by_person(connection, f"{organisation}/{person.employee_number}")
    if by_id is not None:
        if by_number is None or by_number.staff_id != by_id:
            message = f"staff: `{by_id}` came back with another employee number"
            raise IdentityChanged(message)
        return by_number
    if by_number is None:
        if staff_by_id(connection, f"{organisation}/{person.directory_id}") is not None:
            message = "staff: a directory uses an id that another directory has given to somebody"
            raise IdentityChanged(message)
        return None
    table = schema.staff_identity
    here = connection.execute(
        select(table.c.directory_id).where(
            table.c.staff_id == by_number.staff_id, table.c.directory == directory
        )
    ).one_or_none()
    ours = f"{organisation}/{BREAK_GLASS}:"  # of no directory, whatever number one may claim
    if here is not None or not linked or by_number.staff_id.startswith(ours):
        message = f"staff: the employee number of `{by_number.staff_id}` came back under another id"
        raise IdentityChanged(message)
    _identify(connection, organisation, directory, person.directory_id, by_number.staff_id)
    return by_number


def _identify(
    connection: Connection, organisation: str, directory: str, directory_id: str, staff_id: str
) -> None:
    connection.execute(
        insert(schema.staff_identity).values(
            organisation=organisation,
            directory=directory,
            directory_id=directory_id,
            staff_id=staff_id,
        )
    )


def staff_by_id(connection: Connection, staff_id: str) -> Staff | None:
    """Give the member of staff with this id."""
    row = connection.execute(_BY_ID, {"staff_id": staff_id}).one_or_none()
    return None if row is None else _from_row(row)


def staff_by_person(connection: Connection, person: str) -> Staff | None:
    """Give the member of staff whom the register calls `<organisation>/<employee number>`."""
    organisation, _, number = person.partition("/")
    row = connection.execute(
        select(schema.staff).where(
            schema.staff.c.organisation == organisation, schema.staff.c.employee_number == number
        )
    ).one_or_none()
    return None if row is None else _from_row(row)


def mail_of(connection: Connection, person: str) -> str:
    """Give the address at which mail reaches `<organisation>/<employee number>`; empty if unknown.

    It is what the directory said when it last vouched for them.
    """
    organisation, _, number = person.partition("/")
    table = schema.staff.c
    found = connection.execute(
        select(table.mail).where(
            table.organisation == organisation, table.employee_number == number
        )
    ).scalar()
    return str(found or "")


def find_staff(
    connection: Connection, text: str, *, organisation: str | None = None, limit: int = 50
) -> tuple[Staff, ...]:
    """Find the staff somebody means: for searching the record and for the command line.

    Args:
        connection: to read with.
        text: a sign-in name, `name@organisation`, an employee number, `organisation/number`, or a
            staff id.
        organisation: looks only there; needed where a name exists at several organisations.
        limit: the most that are given.

    Returns:
        Whoever matches, ordered by id; a name used again by a later account gives both.
    """
    table = schema.staff
    key = fold_name(text)
    name, at_sign, name_organisation = key.rpartition("@")
    number_organisation, slash, number = text.strip().partition("/")
    ways = [
        table.c.username_key == key,
        table.c.employee_number == text.strip(),
        table.c.staff_id == text.strip(),
    ]
    if at_sign:
        ways.append((table.c.username_key == name) & (table.c.organisation == name_organisation))
    if slash:
        ways.append(
            (table.c.organisation == number_organisation) & (table.c.employee_number == number)
        )
    statement = select(table).where(or_(*ways)).order_by(table.c.staff_id).limit(limit)
    if organisation is not None:
        statement = statement.where(table.c.organisation == organisation)
    return tuple(_from_row(row) for row in connection.execute(statement))


def staff_after(connection: Connection, staff_id: str, *, limit: int) -> tuple[Staff, ...]:
    """Give the next of everybody whom a directory has vouched for, ordered by id.

    Args:
        connection: to read with.
        staff_id: the last that was given; empty to begin.
        limit: the most that are given; fewer means that these are the last.
    """
    known = schema.staff.c.staff_id
    statement = select(schema.staff).where(known > staff_id).order_by(known).limit(limit)
    return tuple(_from_row(row) for row in connection.execute(statement))


def _mail(address: str) -> str:
    """Keep an address only if mail can be sent to it; nobody is refused for theirs."""
    return address if len(address) <= LONGEST_MAIL and MAIL.fullmatch(address) else ""


@lru_cache(maxsize=1_024)
def _listed(text: str) -> frozenset[str]:
    """Read a list; one object for what many staff have alike."""
    return frozenset(json.loads(text))


def _to_list(values: frozenset[str]) -> str:
    return json.dumps(sorted(values), ensure_ascii=False)


def _from_row(row: Row[tuple[object, ...]]) -> Staff:
    held = row._mapping  # noqa: SLF001  # the public way to a row's columns by name, despite its underscore
    return Staff(
        staff_id=held["staff_id"],
        organisation=intern(held["organisation"]),
        directory_id=held["directory_id"],
        employee_number=held["employee_number"],
        username=held["username"],
        name=held["name"],
        posts=_listed(held["posts"]),
        unit=intern(held["unit"]),
        team=_listed(held["team"]),
    )
