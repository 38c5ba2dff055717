"""What an enrolment or a challenge under way must be answered with: one a purpose, used once.

It is bound to the hash of the session, or of the sign-in stage, that began it: an answer that comes
with another session finds nothing. Taking it removes it, whatever is then made of the answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from gateway.identity.factors.factor_seal import FactorSeal
from gateway.store.schema import microseconds
from gateway.store.schema_second_factor import factor_ceremony

CEREMONY_MINUTES: Final = 10
"""So long may a person take over a page that was shown to them."""


class Purpose(StrEnum):
    """What is under way."""

    ADD_APP = "add-app"
    ADD_KEY = "add-key"
    PROVE_KEY = "prove-key"


def keep_value(
    connection: Connection,
    seal: FactorSeal,
    binding: str,
    purpose: Purpose,
    value: bytes,
    at: datetime,
) -> None:
    """Keep what the answer must match; what was kept for this purpose before is void."""
    _drop(connection, binding, purpose)
    connection.execute(
        insert(factor_ceremony).values(
            binding=binding,
            purpose=purpose,
            value=seal.seal(value, context=_context(binding, purpose)),
            at_us=microseconds(at),
        )
    )


def peek_value(
    connection: Connection, seal: FactorSeal, binding: str, purpose: Purpose, at: datetime
) -> bytes | None:
    """Look at what is kept, leaving it there: a form with a fault is shown once more."""
    table = factor_ceremony
    row = connection.execute(
        select(table.c.value).where(
            table.c.binding == binding,
            table.c.purpose == purpose,
            table.c.at_us > microseconds(at - timedelta(minutes=CEREMONY_MINUTES)),
            table.c.at_us <= microseconds(at),
        )
    ).one_or_none()
    return None if row is None else seal.open(row.value, context=_context(binding, purpose))


def take_value(
    connection: Connection, seal: FactorSeal, binding: str, purpose: Purpose, at: datetime
) -> bytes | None:
    """Take out what is kept; None if there is nothing, or it is too old."""
    value = peek_value(connection, seal, binding, purpose, at)
    _drop(connection, binding, purpose)
    return value


def purge_ceremonies(connection: Connection, at: datetime) -> None:
    """Remove what is too old to be answered."""
    oldest = microseconds(at - timedelta(minutes=CEREMONY_MINUTES))
    connection.execute(delete(factor_ceremony).where(factor_ceremony.c.at_us <= oldest))


def _drop(connection: Connection, binding: str, purpose: Purpose) -> None:
    table = factor_ceremony
    connection.execute(delete(table).where(table.c.binding == binding, table.c.purpose == purpose))


def _context(binding: str, purpose: Purpose) -> str:
    return f"ceremony {purpose} of {binding}"
