"""Failed sign-ins, counted per person and per source, so that nobody can guess for long.

A try is written down before the password is sent, and removed once it was found right: many at once
cannot slip past the count, and a crash in between forgets nothing. The count is in the database, so
a restart does not reset it.

Who fails is counted three times over, always within one organisation:

- by the *name typed*, folded: known to the directory or not, so that the limit tells nobody who
  exists. Whoever is stopped by it is told so before any directory is asked.
- by the *person* the name led to, so that all their names are one count. Whoever is stopped by this
  alone came by another name of a locked person; they are told what a wrong password is told, and
  the directory takes the same steps, or trying a second name would show that both are one.
- by the *source*.

What the counts mean is in `gateway.identity.signing_in.lockout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.errors import IdentityError
from gateway.identity.names import fold_name
from gateway.identity.signing_in.lockout import AttemptLimits, Try, locked_until
from gateway.sources import place_of
from gateway.store import schema
from gateway.store.engine import reading, writing

__all__ = ["AttemptLimits", "Attempts", "Begun", "TooManyAttempts"]

REMEMBERED = timedelta(days=15)
"""How long a failure is kept: longer than any can make a difference."""

KEPT_NAME_CHARACTERS = 256
KEPT_PERSON_CHARACTERS = 300

_table = schema.sign_in_attempt


class TooManyAttempts(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """This name or this source has failed too often lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A try that was written down.

    Attributes:
        number: by which it is settled.
        wanted: whether the password may be tried. If not, the person is locked under another name.
    """

    number: int
    wanted: bool


class Attempts:
    """The failed sign-ins in the database. Every method blocks; safe for several threads."""

    def __init__(self, engine: Engine, limits_of: Callable[[str], AttemptLimits]) -> None:
        """Count in this store.

        Args:
            engine: the store.
            limits_of: what is borne at an organisation, by its id; of any text.
        """
        self._engine = engine
        self._limits_of = limits_of

    def check(self, *, organisation: str, name: str, source: str, at: datetime) -> None:
        """See whether another try may be made at all, without writing anything.

        Raises:
            TooManyAttempts: if not.
            StoreUnavailable: if the database does not answer.
        """
        with reading(self._engine) as connection:
            self._demand_few(connection, organisation, name_key(name), place_of(source), at)

    def begin(
        self,
        *,
        organisation: str,
        name: str,
        source: str,
        at: datetime,
        person: str = "",
    ) -> Begun:
        """Write a try down as failed, if it may be made.

        Args:
            organisation: where.
            name: as typed.
            source: the address it came from.
            at: when.
            person: what identifies the person the name leads to; empty if it leads to nobody.

        Raises:
            TooManyAttempts: if it may not; it is not counted then.
            StoreUnavailable: if the database does not answer.
        """
        key, place = name_key(name), place_of(source)
        person = person[:KEPT_PERSON_CHARACTERS]
        # Not flushed: it would double the time of a sign-in, and what a power cut loses is a
        # count of the last moments before it.
        with writing(self._engine, flushed=False) as connection:
            self._demand_few(connection, organisation, key, place, at)
            wanted = not person or not self._locked(
                connection, organisation, _table.c.person_key == person, of_person(person), at
            )
            number = connection.execute(
                insert(_table)
                .values(
                    organisation=organisation,
                    name_key=key,
                    # One who is not let try does not make the person's own wait longer.
                    person_key=person if wanted else "",
                    source=place,
                    at_us=schema.microseconds(at),
                    judged=1,
                )
                .returning(_table.c.number)
            ).scalar_one()
        return Begun(number=int(number), wanted=wanted)

    def succeed(self, connection: Connection, *numbers: int) -> None:
        """Take tries back whose password was right, inside the caller's transaction."""
        if numbers:
            connection.execute(delete(_table).where(_table.c.number.in_(numbers)))

    def forget(self, *numbers: int) -> None:
        """Take tries back whose password was right, though nobody was signed in."""
        if not numbers:
            return
        with writing(self._engine) as connection:
            self.succeed(connection, *numbers)

    def excuse(self, *numbers: int) -> None:
        """Note that no answer came: the directory may have counted the try, nobody is blamed."""
        if not numbers:
            return
        with writing(self._engine) as connection:
            connection.execute(update(_table).where(_table.c.number.in_(numbers)).values(judged=0))

    def purge(self, *, at: datetime) -> int:
        """Remove what no longer makes a difference.

        Returns:
            How many tries were removed.
        """
        oldest = schema.microseconds(at - REMEMBERED)
        lift = schema.sign_in_lift
        with writing(self._engine) as connection:
            connection.execute(delete(lift).where(lift.c.at_us < oldest))
            return connection.execute(delete(_table).where(_table.c.at_us < oldest)).rowcount

    def _demand_few(
        self, connection: Connection, organisation: str, key: str, place: str, at: datetime
    ) -> None:
        if self._locked(connection, organisation, _table.c.name_key == key, of_name(key), at):
            message = "sign-in: too many failed attempts for this name"
            raise TooManyAttempts(message)
        if self._source_is_locked(connection, organisation, place, at):
            message = "sign-in: too many failed attempts from this source"
            raise TooManyAttempts(message)

    def _locked(
        self,
        connection: Connection,
        organisation: str,
        whose: ColumnElement[bool],
        key: str,
        at: datetime,
    ) -> bool:
        limits = self._limits_of(organisation)
        at_us = schema.microseconds(at)
        tries = tries_of(connection, organisation, whose, at, limits)
        if len(tries) < limits.per_person:
            return False
        lifted_at_us = lifted_at(connection, organisation, key)
        return locked_until(tries, limits, lifted_at_us=lifted_at_us) > at_us

    def _source_is_locked(
        self, connection: Connection, organisation: str, place: str, at: datetime
    ) -> bool:
        limits = self._limits_of(organisation)

        def too_many(since_us: int) -> bool:
            statement = (
                select(_table.c.organisation, func.count())
                .where(_table.c.source == place, _table.c.at_us > since_us, _table.c.judged == 1)
                .group_by(_table.c.organisation)
            )
            counted = {row[0]: int(row[1]) for row in connection.execute(statement)}
            return (
                counted.get(organisation, 0) >= limits.per_source
                or sum(counted.values()) >= limits.per_source_anywhere
            )

        oldest_us = schema.microseconds(at - limits.source_window)
        # Whether it was lifted is asked only of those it would matter to: hardly anybody.
        return too_many(oldest_us) and too_many(
            max(oldest_us, lifted_at(connection, "", of_source(place)))
        )


def name_key(name: str) -> str:
    """Bring a typed name to the form it is counted by."""
    return fold_name(name)[:KEPT_NAME_CHARACTERS]


def of_name(key: str) -> str:
    """Give the key of the lock of a name."""
    return f"name:{key}"


def of_person(key: str) -> str:
    """Give the key of the lock of a person."""
    return f"person:{key}"


def of_source(place: str) -> str:
    """Give the key of the lock of a source."""
    return f"source:{place}"


def tries_of(
    connection: Connection,
    organisation: str,
    whose: ColumnElement[bool],
    at: datetime,
    limits: AttemptLimits,
) -> list[Try]:
    """Read the tries that still make a difference, the earliest first.

    Args:
        connection: to read with.
        organisation: where they were made.
        whose: the condition on the table that tells whose.
        at: now.
        limits: what is borne there.
    """
    statement: Select[tuple[int, int]] = (
        select(_table.c.at_us, _table.c.judged)
        .where(
            _table.c.organisation == organisation,
            whose,
            _table.c.at_us > schema.microseconds(at - limits.remembered),
        )
        .order_by(_table.c.at_us, _table.c.number)
    )
    return [Try(at_us=row.at_us, judged=bool(row.judged)) for row in connection.execute(statement)]


def lifted_at(connection: Connection, organisation: str, key: str) -> int:
    """Tell when an officer last lifted a lock, in microseconds since 1970 UTC; 0 for never.

    Args:
        connection: to read with.
        organisation: whose lock; empty for that of a source.
        key: of the lock.
    """
    lift = schema.sign_in_lift
    latest = select(func.max(lift.c.at_us)).where(
        lift.c.organisation == organisation, lift.c.lock_key == key
    )
    return int(connection.execute(latest).scalar_one() or 0)
