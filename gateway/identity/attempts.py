"""Failed sign-ins, counted per person and per source, so that nobody can guess for long.

An attempt is written down as failed before the password is tried, and marked as good afterwards:
many at once cannot slip past the count, and a crash in between forgets nothing. The count is in the
database, so a restart does not reset it.

People are counted by organisation and folded name. The name is the directory's own spelling where
it knows the person, and what was typed where it does not, so unknown names run into the same limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from gateway.errors import IdentityError
from gateway.identity.names import fold_name
from gateway.store import schema
from gateway.store.engine import reading, writing

KEPT_NAME_CHARACTERS = 256


class TooManyAttempts(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """This person or this source has failed too often lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLimits:
    """How many failures are borne.

    Attributes:
        window: failures longer ago do not count.
        per_person: failures of one name at one organisation; keep it below the directory's own
            lockout, so that nobody can lock a directory account through the gateway.
        per_source: failures from one address; a station's staff share one.
    """

    window: timedelta = timedelta(minutes=15)
    per_person: int = 10
    per_source: int = 100


class Attempts:
    """The failed sign-ins in the database. Every method blocks; safe for several threads."""

    def __init__(self, engine: Engine, limits: AttemptLimits) -> None:
        """Count in this store, against these limits."""
        self._engine = engine
        self._limits = limits

    def check(self, *, organisation: str, name: str, source: str, at: datetime) -> None:
        """See whether another attempt may be made at all, without writing anything.

        Raises:
            TooManyAttempts: if not.
            StoreUnavailable: if the database does not answer.
        """
        with reading(self._engine) as connection:
            self._demand_few(connection, organisation, _key(name), source, at)

    def begin(self, *, organisation: str, name: str, source: str, at: datetime) -> int:
        """Write an attempt down as failed, if it may be made.

        Returns:
            Its number.

        Raises:
            TooManyAttempts: if it may not; it is not counted then.
            StoreUnavailable: if the database does not answer.
        """
        key = _key(name)
        with writing(self._engine) as connection:
            self._demand_few(connection, organisation, key, source, at)
            number = connection.execute(
                insert(schema.sign_in_attempt)
                .values(
                    organisation=organisation,
                    name_key=key,
                    source=source,
                    at_us=schema.microseconds(at),
                    succeeded=0,
                )
                .returning(schema.sign_in_attempt.c.number)
            ).scalar_one()
            return int(number)

    def succeed(self, connection: Connection, number: int) -> None:
        """Mark an attempt as good, inside the caller's transaction."""
        table = schema.sign_in_attempt
        connection.execute(update(table).where(table.c.number == number).values(succeeded=1))

    def forget(self, number: int) -> None:
        """Take an attempt back that came to nothing, such as when the directory fell silent."""
        table = schema.sign_in_attempt
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.number == number))

    def purge(self, *, at: datetime) -> int:
        """Remove attempts that no longer count.

        Returns:
            How many were removed.
        """
        table = schema.sign_in_attempt
        oldest = schema.microseconds(at - self._limits.window)
        with writing(self._engine) as connection:
            return connection.execute(delete(table).where(table.c.at_us < oldest)).rowcount

    def _demand_few(
        self, connection: Connection, organisation: str, key: str, source: str, at: datetime
    ) -> None:
        table = schema.sign_in_attempt
        failed = (
            select(func.count())
            .select_from(table)
            .where(
                table.c.succeeded == 0,
                table.c.at_us > schema.microseconds(at - self._limits.window),
            )
        )
        of_person = failed.where(table.c.organisation == organisation, table.c.name_key == key)
        if connection.execute(of_person).scalar_one() >= self._limits.per_person:
            message = "sign-in: too many failed attempts for this name"
            raise TooManyAttempts(message)
        if (
            connection.execute(failed.where(table.c.source == source)).scalar_one()
            >= self._limits.per_source
        ):
            message = "sign-in: too many failed attempts from this source"
            raise TooManyAttempts(message)


def _key(name: str) -> str:
    return fold_name(name)[:KEPT_NAME_CHARACTERS]
