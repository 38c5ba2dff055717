"""The tables of break-glass accounts, copied into the one metadata by `gateway.store.schema`.

Passwords are hashed and secrets of authenticators sealed: a copy of the database opens nothing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

break_glass_metadata: Final = MetaData()

_Counted = BigInteger().with_variant(Integer(), "sqlite")

local_account = Table(
    "local_account",
    break_glass_metadata,
    Column("name", String(40), primary_key=True),
    Column("organisation", String(40), nullable=False),  # always the host
    Column("employee_number", String(32), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),  # argon2id; empty: nothing opens it
    Column("authenticator", Text, nullable=False),  # sealed; else empty
    Column("last_step", BigInteger, nullable=False),  # of the last code used
    Column("uses_left", Integer, nullable=False),
    Column("expires_at_us", BigInteger, nullable=True),
    Column("sealed_by", String(200), nullable=False),  # both officers
    Column("proposed_by", String(80), nullable=False),  # empty: nobody wants it sealed (again)
    Column("proposed_uses", Integer, nullable=False),
    Column("proposed_at_us", BigInteger, nullable=False),
    Column("disabled", Integer, nullable=False),
)

break_glass_use = Table(
    "break_glass_use",
    break_glass_metadata,
    Column("number", _Counted, primary_key=True, autoincrement=True),
    Column("account", String(40), ForeignKey("local_account.name"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("used_by", String(200), nullable=False),  # as they said
    Column("reason", String(200), nullable=False),
    Column("source", String(64), nullable=False),
    Column("reference", String(10), nullable=False),
    Column("reviewed_by", String(80), nullable=False),  # empty while it is open
    Column("reviewed_at_us", BigInteger, nullable=True),
    Column("finding", String(500), nullable=False),
    Index("break_glass_use_open", "account", "reviewed_at_us"),
    sqlite_autoincrement=True,
)
