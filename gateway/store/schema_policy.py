"""The tables of policy sets: every version there was, at most one in force, and doubts of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

policy_version = Table(
    "policy_version",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("digest", String(64), nullable=False),
    Column("files", Text, nullable=False),  # JSON, see policies.policy_files
    Column("state", String(12), nullable=False),  # gateway.policy_versions.State
    Column("base", BigInteger, nullable=True),  # the version it was compared with
    Column("loosens", Integer, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("proposed_by", String(200), nullable=False),
    Column("proposed_at_us", BigInteger, nullable=False),
    Column("decided_by", String(200), nullable=True),
    Column("decided_at_us", BigInteger, nullable=True),
    # whatever a program gets wrong, two sets are never in force at once
    Index(
        "policy_version_in_force",
        "state",
        unique=True,
        sqlite_where=text("state = 'in-force'"),
        postgresql_where=text("state = 'in-force'"),
    ),
    sqlite_autoincrement=True,
)

# Functions that are withheld under a version, as a decision on them differed from Casbin's.
policy_doubt = Table(
    "policy_doubt",
    metadata,
    Column("version", BigInteger, ForeignKey("policy_version.number"), primary_key=True),
    Column("function", String(80), primary_key=True),
    Column("found_at_us", BigInteger, nullable=False),
)
