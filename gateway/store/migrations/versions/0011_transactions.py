"""Which function each page that a system opened belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "upstream_transaction",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("transaction", sa.String(length=64), nullable=False),
        sa.Column("function", sa.String(length=80), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_hash"], ["session.hash"], onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint(
            "session_hash", "system", "transaction", name="upstream_transaction_once"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "upstream_transaction_of_system", "upstream_transaction", ["system", "transaction"]
    )
