"""What people said they need a function for; how often they used one."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "given_purpose",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("function", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_hash"], ["session.hash"], onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_hash", "function"),
    )
    op.create_index("given_purpose_age", "given_purpose", ["at_us"])
    op.create_table(
        "rate_use",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("function", sa.String(length=80), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("rate_use_whose", "rate_use", ["staff_id", "function", "at_us"])
    op.create_index("rate_use_age", "rate_use", ["until_us"])
