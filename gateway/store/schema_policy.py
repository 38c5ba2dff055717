"""The table of policy sets: every version there was, at most one of them in force."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, text

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
