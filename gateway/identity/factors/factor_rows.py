"""What is kept of second factors, and how it is read: values, and the rows behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, select

from gateway.identity.factors.factor_failures import forget_failures
from gateway.identity.factors.recovery_codes import drop_codes
from gateway.identity.factors.security_key import KnownKey
from gateway.store.schema_second_factor import second_factor


class FactorKind(StrEnum):
    """What a second factor is."""

    APP = "app"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One second factor, as its owner sees it; nothing secret."""

    id: str
    kind: FactorKind
    name: str
    added_at_us: int
    used_at_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What second factors somebody has."""

    factors: tuple[Factor, ...]
    codes_left: int

    @property
    def has_key(self) -> bool:
        """Whether one of them is a security key or passkey."""
        return any(each.kind is FactorKind.KEY for each in self.factors)

    @property
    def has_app(self) -> bool:
        """Whether one of them is an authenticator app."""
        return any(each.kind is FactorKind.APP for each in self.factors)


def drop_factors(connection: Connection, staff_id: str) -> int:
    """Remove everything a person proves themselves with besides; gives how many factors."""
    drop_codes(connection, staff_id)
    forget_failures(connection, staff_id)
    table = second_factor
    return connection.execute(delete(table).where(table.c.staff_id == staff_id)).rowcount


def factor_rows(connection: Connection, staff_id: str) -> list[Row[tuple[object, ...]]]:
    """Read the rows of a person's factors, the oldest first."""
    table = second_factor
    statement = select(table).where(table.c.staff_id == staff_id)
    return list(connection.execute(statement.order_by(table.c.added_at_us, table.c.id)))


def to_factor(row: Row[tuple[object, ...]]) -> Factor:
    """Give a row as its owner sees it."""
    held = row._mapping  # noqa: SLF001  # the public way to a row's columns by name
    return Factor(
        id=held["id"],
        kind=FactorKind(held["kind"]),
        name=held["name"],
        added_at_us=held["added_at_us"],
        used_at_us=held["used_at_us"],
    )


def to_key(row: Row[tuple[object, ...]]) -> KnownKey:
    """Give the row of a security key as its answers are judged by."""
    held = row._mapping  # noqa: SLF001  # as above
    return KnownKey(
        credential_id=held["credential_id"],
        public_key=held["public_key"],
        sign_count=held["sign_count"],
        transports=held["transports"],
    )
