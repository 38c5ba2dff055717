"""Sessions know their directory, browser, second factor and pauses; sign-outs owed, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _add_columns()
    _renew_jars()
    op.create_table(
        "upstream_sign_out",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("jar", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _add_columns() -> None:
    for name, kind, default in (
        ("directory", sa.String(length=80), ""),
        ("provider_session", sa.String(length=255), ""),
        ("source", sa.String(length=64), ""),
        ("agent", sa.String(length=120), ""),
        ("rested_us", sa.BigInteger(), "0"),
        ("vouched_at_us", sa.BigInteger(), "0"),
        ("displaced", sa.Integer(), "0"),
    ):
        # Only for the rows there are; the program always gives a value.
        column = sa.Column(name, kind, nullable=False, server_default=default)
        op.add_column("session", column)
    op.add_column("session", sa.Column("second_factor_at_us", sa.BigInteger(), nullable=True))
    op.execute("UPDATE session SET directory = organisation, vouched_at_us = started_at_us")
    op.create_index("session_directory", "session", ["directory"], unique=False)


def _renew_jars() -> None:
    """Make the table anew, as its foreign key now follows a changed hash."""
    jars = sa.table(
        "upstream_cookie", sa.column("session_hash"), sa.column("system"), sa.column("jar")
    )
    kept = [dict(row) for row in op.get_bind().execute(sa.select(jars)).mappings()]
    op.drop_table("upstream_cookie")
    op.create_table(
        "upstream_cookie",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("jar", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_hash"], ["session.hash"], ondelete="CASCADE", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_hash", "system"),
    )
    if kept:
        op.bulk_insert(jars, kept)
