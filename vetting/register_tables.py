"""The tables of the vetting register, and how a row becomes a value and a value a row.

Every column is text or a whole number, on purpose. A column type that parses dates raises for the
whole result when one row is broken, and one person's broken row must never cost another person
anything. So rows are read one by one, and a row that cannot be read is an error for that row alone.

INVARIANT: whatever a row holds, reading it gives a value, `GrantError` or `RegisterError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from sys import intern
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from vetting.appointments import Appointment, Role
from vetting.errors import GrantError, RegisterError, quoted
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.membership import Membership, is_contract
from vetting.person import PersonKey
from vetting.references import is_sealed
from vetting.training import Training

if TYPE_CHECKING:
    from vetting.levels import LevelOrder

Row = dict[str, Any]  # a row on its way from or to the database, never beyond the register
AnyRow = Mapping[Any, Any]  # the same as SQLAlchemy hands it out, keyed by column name

metadata = MetaData()

_NUMBER = BigInteger().with_variant(
    Integer, "sqlite"
)  # SQLite numbers rows by itself for INTEGER only
# One object for what nearly all grants have, of which workers hold thousands.
_ALL_FUNCTIONS: frozenset[str] = frozenset()
_DAY = String(10)  # ISO 8601, a day of Europe/London

vetting_grant = Table(
    "vetting_grant",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organisation", String(64), nullable=False),
    Column("employee_number", String(64), nullable=False),
    Column("level", String(16), nullable=False),
    Column("granting_body", String(64), nullable=False),
    Column("sponsor", String(64), nullable=False),
    Column("granted_on", _DAY, nullable=False),
    Column("expires_on", _DAY),
    Column("review_due_on", _DAY),
    Column("status", String(16), nullable=False),
    Column("functions", Text, nullable=False),  # JSON, a list of function ids; empty for all
    Column("reference", Text, nullable=False),  # sealed, see vetting.references
    Column("contract", String(64), nullable=False, server_default=""),
    Index("vetting_grant_person", "organisation", "employee_number"),
)

appointment = Table(
    "appointment",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("organisation", String(64), nullable=False),
    Column("employee_number", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("starts_on", _DAY, nullable=False),
    Column("ends_on", _DAY),
    Column("withdrawn_at_us", BigInteger),  # microseconds since 1970, UTC
    Index("appointment_person", "organisation", "employee_number"),
)

membership = Table(
    "membership",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("person", String(64), nullable=False),
    Column("organisation", String(64), nullable=False),
    Column("employee_number", String(64), nullable=False),
    Column("starts_on", _DAY, nullable=False),
    Column("ends_on", _DAY),
    Column("contract", String(64), nullable=False),
    Index("membership_key", "organisation", "employee_number"),
    Index("membership_person", "person"),
)

training = Table(
    "training",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("organisation", String(64), nullable=False),
    Column("employee_number", String(64), nullable=False),
    Column("course", String(64), nullable=False),
    Column("completed_on", _DAY, nullable=False),
    Column("expires_on", _DAY),
    Column("awarding_body", String(100), nullable=False),
    Column("ended_at_us", BigInteger),  # microseconds since 1970, UTC
    Index("training_person", "organisation", "employee_number"),
)

register_change = Table(
    "register_change",
    metadata,
    Column("sequence", _NUMBER, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),  # microseconds since 1970, UTC
    Column("by", String(200), nullable=False),
    Column("organisation", String(64), nullable=False),
    Column("employee_number", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("before", Text),  # JSON, the row as it was; null when there was none
    Column("after", Text),  # JSON, the row as it is now; null when it is gone
    Index("register_change_person", "organisation", "employee_number"),
)

feed_import = Table(
    "feed_import",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("feed", String(20), nullable=False),
    Column("exported_at_us", BigInteger, nullable=False),  # when the unit wrote it
    Column("digest", String(64), nullable=False),  # SHA-256 of the file
    Column("at_us", BigInteger, nullable=False),
    Column("by", String(200), nullable=False),
    Index("feed_import_feed", "feed", "exported_at_us"),
)

reminder = Table(
    "reminder",
    metadata,
    Column("grant_id", String(64), primary_key=True),
    Column("ends_on", _DAY, primary_key=True),  # a renewed grant is reminded of anew
    Column("days", Integer, primary_key=True),  # how many days before
    Column("told", String(16), primary_key=True),  # whom: `person` or `sponsor`
    Column("at_us", BigInteger, nullable=False),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GRANT_TEXTS = ("id", "level", "granting_body", "sponsor", "granted_on", "status", "functions")


def grant_to_row(person: PersonKey, grant: ClearanceGrant) -> Row:
    """Write a grant of clearance as a row of `vetting_grant`.

    A reference that is not sealed is left out: it is never written, and never in the way of a
    suspension.
    """
    return {
        "id": grant.id,
        "organisation": person.organisation,
        "employee_number": person.employee_number,
        "level": str(grant.level),
        "granting_body": grant.granting_body,
        "sponsor": grant.sponsor,
        "granted_on": grant.granted_on.isoformat(),
        "expires_on": grant.expires_on.isoformat() if grant.expires_on else None,
        "review_due_on": grant.review_due_on.isoformat() if grant.review_due_on else None,
        "status": grant.status.value,
        "functions": json.dumps(sorted(grant.functions)),
        "reference": grant.reference if is_sealed(grant.reference) else "",
        "contract": grant.contract,
    }


def grant_from_row(row: AnyRow, order: LevelOrder) -> ClearanceGrant:
    """Read a row of `vetting_grant`.

    Raises:
        GrantError: the row cannot be read, or fails `check_against_levels`.
    """
    for name in _GRANT_TEXTS:
        if not isinstance(row[name], str) or not row[name]:
            raise GrantError(f"read grant {quoted(row['id'])}: {name} is missing or no text")
    try:
        status = GrantStatus(row["status"])
    except ValueError as error:
        raise GrantError(
            f"read grant {quoted(row['id'])}: {quoted(row['status'])} is no status"
        ) from error
    grant = ClearanceGrant(
        id=row["id"],
        level=LevelId(intern(row["level"])),
        granting_body=intern(row["granting_body"]),
        sponsor=intern(row["sponsor"]),
        granted_on=_day(row, "granted_on"),
        expires_on=_day_or_none(row, "expires_on"),
        review_due_on=_day_or_none(row, "review_due_on"),
        status=status,
        functions=_functions(row),
        reference=row["reference"] if isinstance(row["reference"], str) else "",
        contract=_contract(row),
    )
    check_against_levels(grant, order)
    return grant


def check_against_levels(grant: ClearanceGrant, order: LevelOrder) -> None:
    """Refuse a grant that the register cannot hold.

    Raises:
        GrantError: the level is unknown, or it is vetting (not screening) without an end: every
            vetting level is granted for a time, and one without a date would never lapse.
    """
    if not order.knows(grant.level):
        raise GrantError(f"read grant {quoted(grant.id)}: {quoted(grant.level)} is no level")
    if grant.expires_on is None and not order.level(grant.level).screening:
        raise GrantError(f"read grant {quoted(grant.id)}: expires_on is missing")


def appointment_to_row(person: PersonKey, value: Appointment) -> Row:
    """Write an appointment as a row of `appointment`, without its number."""
    withdrawn_at = value.withdrawn_at
    return {
        "organisation": person.organisation,
        "employee_number": person.employee_number,
        "role": value.role.value,
        "starts_on": value.starts_on.isoformat(),
        "ends_on": value.ends_on.isoformat() if value.ends_on else None,
        "withdrawn_at_us": None if withdrawn_at is None else to_microseconds(withdrawn_at),
    }


def appointment_from_row(row: AnyRow) -> Appointment:
    """Read a row of `appointment`.

    Raises:
        RegisterError: the row cannot be read.
    """
    withdrawn_at = row["withdrawn_at_us"]
    try:
        return Appointment(
            role=Role(row["role"]),
            starts_on=_day(row, "starts_on"),
            ends_on=_day_or_none(row, "ends_on"),
            withdrawn_at=None if withdrawn_at is None else from_microseconds(withdrawn_at),
        )
    except (ValueError, GrantError) as error:
        raise RegisterError(f"read appointment {quoted(row['id'])}: {error}") from error


def membership_to_row(value: Membership) -> Row:
    """Write a membership as a row of `membership`, without its number."""
    return {
        "person": value.person,
        "organisation": value.key.organisation,
        "employee_number": value.key.employee_number,
        "starts_on": value.starts_on.isoformat(),
        "ends_on": value.ends_on.isoformat() if value.ends_on else None,
        "contract": value.contract,
    }


def membership_from_row(row: AnyRow) -> Membership:
    """Read a row of `membership`.

    Raises:
        RegisterError: the row cannot be read.
    """
    try:
        return Membership(
            person=row["person"],
            key=PersonKey(organisation=row["organisation"], employee_number=row["employee_number"]),
            starts_on=_day(row, "starts_on"),
            ends_on=_day_or_none(row, "ends_on"),
            contract=row["contract"],
        )
    except GrantError as error:
        raise RegisterError(f"read membership {quoted(row['id'])}: {error}") from error


def training_to_row(person: PersonKey, value: Training) -> Row:
    """Write a training as a row of `training`, without its number."""
    return {
        "organisation": person.organisation,
        "employee_number": person.employee_number,
        "course": value.course,
        "completed_on": value.completed_on.isoformat(),
        "expires_on": value.expires_on.isoformat() if value.expires_on else None,
        "awarding_body": value.awarding_body,
        "ended_at_us": None if value.ended_at is None else to_microseconds(value.ended_at),
    }


def training_from_row(row: AnyRow) -> Training:
    """Read a row of `training`.

    Raises:
        RegisterError: the row cannot be read.
    """
    ended_at = row["ended_at_us"]
    try:
        return Training(
            course=row["course"],
            completed_on=_day(row, "completed_on"),
            expires_on=_day_or_none(row, "expires_on"),
            awarding_body=row["awarding_body"],
            ended_at=None if ended_at is None else from_microseconds(ended_at),
        )
    except GrantError as error:
        raise RegisterError(f"read training {quoted(row['id'])}: {error}") from error


def to_microseconds(at: datetime) -> int:
    """Write an instant as whole microseconds since 1970, UTC.

    Raises:
        RegisterError: the instant has no time zone.
    """
    if at.tzinfo is None:
        raise RegisterError("write register: the instant has no time zone")
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(at_us: object) -> datetime:
    """Read an instant from whole microseconds since 1970, UTC.

    Raises:
        RegisterError: it is no whole number, or too far away.
    """
    if not isinstance(at_us, int):
        raise RegisterError(f"read register: {quoted(at_us)} is no instant")
    try:
        return _EPOCH + timedelta(microseconds=at_us)
    except OverflowError as error:
        raise RegisterError(f"read register: {quoted(at_us)} is no instant") from error


def _day(row: AnyRow, name: str) -> date:
    value = row[name]
    # `fromisoformat` also reads 20261120 and 2026-W47-5; one day is written one way here.
    if isinstance(value, str) and _DAY_FORM.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise GrantError(f"read row {quoted(row.get('id'))}: {name} {quoted(value)} is no date")


def _day_or_none(row: AnyRow, name: str) -> date | None:
    return None if row[name] is None else _day(row, name)


def _contract(row: AnyRow) -> str:
    # A row written before there were contracts has none; one that cannot be read binds to nothing.
    value = row.get("contract", "")
    if not isinstance(value, str) or not is_contract(value):
        raise GrantError(f"read grant {quoted(row['id'])}: {quoted(value)} is no contract")
    return value


def _functions(row: AnyRow) -> frozenset[str]:
    if row["functions"] == "[]":
        return _ALL_FUNCTIONS
    try:
        names = json.loads(row["functions"])
    except (ValueError, RecursionError) as error:
        raise GrantError(f"read grant {quoted(row['id'])}: functions is no list") from error
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise GrantError(f"read grant {quoted(row['id'])}: functions is no list of ids")
    return frozenset(names)
