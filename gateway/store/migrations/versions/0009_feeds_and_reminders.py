"""Which exports were imported, and which reminders were sent; where mail reaches staff."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "feed_import",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("feed", sa.String(length=20), nullable=False),
        sa.Column("exported_at_us", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("feed_import_feed", "feed_import", ["feed", "exported_at_us"])
    op.create_table(
        "reminder",
        sa.Column("grant_id", sa.String(length=64), nullable=False),
        sa.Column("ends_on", sa.String(length=10), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("told", sa.String(length=16), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "ends_on", "days", "told"),
    )
    op.add_column(
        "staff", sa.Column("mail", sa.String(length=254), nullable=False, server_default="")
    )
