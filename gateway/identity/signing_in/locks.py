"""Locks as officers see them: who and what is locked out now, and lifting a lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from gateway.identity.names import fold_name
from gateway.identity.signing_in.attempts import (
    lifted_at,
    name_key,
    of_name,
    of_person,
    of_source,
    tries_of,
)
from gateway.identity.signing_in.lockout import AttemptLimits, locked_until
from gateway.sources import place_of
from gateway.store import schema

LimitsOf = Callable[[str], AttemptLimits]

_table = schema.sign_in_attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A name, a person or a source that may not try now.

    Attributes:
        kind: `name`, `person` or `source`.
        organisation: where; empty for a source that is locked everywhere.
        names: those that were typed, folded; of a source, the address.
        failures: how many are remembered.
        until: when it ends by itself; None for a source, whose failures end one by one.
    """

    kind: str
    organisation: str
    names: tuple[str, ...]
    failures: int
    until: datetime | None


def locks_at(connection: Connection, limits_of: LimitsOf, at: datetime) -> tuple[Lock, ...]:
    """List what is locked, persons first.

    Args:
        connection: to read with.
        limits_of: what is borne at an organisation.
        at: now.
    """
    persons = _locks_of(connection, "person", _table.c.person_key, limits_of, at)
    covered = {(lock.organisation, name) for lock in persons for name in lock.names}
    names = _locks_of(connection, "name", _table.c.name_key, limits_of, at)
    return (
        *persons,
        *(lock for lock in names if (lock.organisation, lock.names[0]) not in covered),
        *_source_locks(connection, limits_of, at),
    )


def lift_person(connection: Connection, organisation: str, name: str, at: datetime) -> int:
    """Lift the lock of a name, of whom it led to, and of all names that led there.

    Args:
        connection: a writing connection.
        organisation: where.
        name: any name of theirs, as typed or as their directory spells it.
        at: now.

    Returns:
        How many locks that may be; 0 if nobody has failed under that name.
    """
    key = name_key(name)
    staff = schema.staff
    same = [
        row.directory_id
        for row in connection.execute(
            select(staff.c.directory_id).where(
                staff.c.organisation == organisation, staff.c.username_key == fold_name(name)
            )
        )
    ]
    own = _table.c.organisation == organisation
    led_to = connection.execute(
        select(_table.c.person_key)
        .where(own, or_(_table.c.name_key == key, _table.c.person_key.in_(same)))
        .distinct()
    )
    persons = {row.person_key for row in led_to} - {""}
    names = {
        row.name_key
        for row in connection.execute(
            select(_table.c.name_key)
            .where(own, or_(_table.c.name_key == key, _table.c.person_key.in_(persons)))
            .distinct()
        )
    }
    keys = [*map(of_person, sorted(persons)), *map(of_name, sorted(names))]
    return _lift(connection, organisation, keys, at)


def lift_source(connection: Connection, source: str, at: datetime) -> int:
    """Lift the lock of a source, at every organisation; gives 0 if nothing failed from there."""
    place = place_of(source)
    known = connection.execute(
        select(func.count()).select_from(_table).where(_table.c.source == place)
    ).scalar_one()
    return _lift(connection, "", [of_source(place)] if known else [], at)


def _lift(connection: Connection, organisation: str, keys: list[str], at: datetime) -> int:
    at_us = schema.microseconds(at)
    for key in keys:
        connection.execute(
            insert(schema.sign_in_lift).values(organisation=organisation, lock_key=key, at_us=at_us)
        )
    return len(keys)


def _locks_of(
    connection: Connection,
    kind: str,
    column: ColumnElement[str],
    limits_of: LimitsOf,
    at: datetime,
) -> tuple[Lock, ...]:
    at_us = schema.microseconds(at)
    counted = connection.execute(
        select(_table.c.organisation, column.label("whose"), func.count().label("failures"))
        .where(column != "")
        .group_by(_table.c.organisation, column)
        .order_by(_table.c.organisation, column)
    ).all()
    found = []
    for row in counted:
        limits = limits_of(row.organisation)
        if row.failures < limits.per_person:
            continue
        tries = tries_of(connection, row.organisation, column == row.whose, at, limits)
        key = of_person(row.whose) if kind == "person" else of_name(row.whose)
        lifted_at_us = lifted_at(connection, row.organisation, key)
        until_us = locked_until(tries, limits, lifted_at_us=lifted_at_us)
        if until_us <= at_us:
            continue
        found.append(
            Lock(
                kind=kind,
                organisation=row.organisation,
                names=_names(connection, row.organisation, column == row.whose),
                failures=len(tries),
                until=schema.instant(until_us),
            )
        )
    return tuple(found)


def _names(
    connection: Connection, organisation: str, whose: ColumnElement[bool]
) -> tuple[str, ...]:
    rows = connection.execute(
        select(_table.c.name_key)
        .where(_table.c.organisation == organisation, whose)
        .distinct()
        .order_by(_table.c.name_key)
    )
    return tuple(row.name_key for row in rows)


def _source_locks(connection: Connection, limits_of: LimitsOf, at: datetime) -> tuple[Lock, ...]:
    widest = limits_of("")
    counted = connection.execute(
        select(_table.c.source, _table.c.organisation, func.count().label("failures"))
        .where(
            _table.c.judged == 1,
            _table.c.at_us > schema.microseconds(at - widest.source_window),
        )
        .group_by(_table.c.source, _table.c.organisation)
        .order_by(_table.c.source, _table.c.organisation)
    ).all()
    by_source: dict[str, int] = {}
    found = []
    for row in counted:
        if lifted_at(connection, "", of_source(row.source)) > schema.microseconds(
            at - widest.source_window
        ):
            continue
        by_source[row.source] = by_source.get(row.source, 0) + row.failures
        if row.failures >= limits_of(row.organisation).per_source:
            found.append(
                Lock(
                    kind="source",
                    organisation=row.organisation,
                    names=(row.source,),
                    failures=row.failures,
                    until=None,
                )
            )
    found += [
        Lock(kind="source", organisation="", names=(source,), failures=failures, until=None)
        for source, failures in by_source.items()
        if failures >= widest.per_source_anywhere
    ]
    return tuple(found)
