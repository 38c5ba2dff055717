"""Recovery codes: ten for each person, each good once, shown once and kept as keyed hashes only.

A code is ten Crockford characters, 50 bits: with the waits of `factor_failures` nobody guesses one,
and without the key ring nobody works one out of the database.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from gateway.identity.factors.factor_seal import FactorSeal
from gateway.store.schema import microseconds
from gateway.store.schema_second_factor import recovery_code

CODES: Final = 10
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 10
# People read O as 0, I and L as 1.
_READ_AS: Final = str.maketrans("OIL", "011", " -\t\r\n\u2010\u2011\u2013")


def make_codes(
    connection: Connection, seal: FactorSeal, staff_id: str, at: datetime
) -> tuple[str, ...]:
    """Make new codes for a person; the old ones are void.

    Returns:
        The codes in two halves, to be shown once; they are kept nowhere.
    """
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(CODES)]
    drop_codes(connection, staff_id)
    connection.execute(
        insert(recovery_code),
        [
            {
                "staff_id": staff_id,
                "mac": seal.macs(code, context=_context(staff_id))[0],
                "made_at_us": microseconds(at),
            }
            for code in codes
        ],
    )
    return tuple(f"{code[:5]}-{code[5:]}" for code in codes)


def use_code(
    connection: Connection, seal: FactorSeal, staff_id: str, typed: str, at: datetime
) -> bool:
    """Use a code up; tells whether it was one of this person's that had not been used."""
    code = typed[:64].upper().translate(_READ_AS)
    if len(code) != _LENGTH or not set(code) <= set(_ALPHABET):
        return False
    table = recovery_code
    used = connection.execute(
        update(table)
        .where(
            table.c.staff_id == staff_id,
            # The database compares hashes under a key that whoever guesses does not hold.
            table.c.mac.in_(seal.macs(code, context=_context(staff_id))),
            table.c.used_at_us.is_(None),
        )
        .values(used_at_us=microseconds(at))
    )
    return used.rowcount == 1


def codes_left(connection: Connection, staff_id: str) -> int:
    """Count the codes that have not been used."""
    table = recovery_code
    left = select(func.count()).where(table.c.staff_id == staff_id, table.c.used_at_us.is_(None))
    return int(connection.execute(left).scalar_one())


def drop_codes(connection: Connection, staff_id: str) -> None:
    """Void every code of a person."""
    connection.execute(delete(recovery_code).where(recovery_code.c.staff_id == staff_id))


def _context(staff_id: str) -> str:
    return f"recovery code of {staff_id}"
