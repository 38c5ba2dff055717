"""Functions that are withheld under a policy version."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "policy_doubt",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("function", sa.String(length=80), nullable=False),
        sa.Column("found_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["policy_version.number"]),
        sa.PrimaryKeyConstraint("version", "function"),
    )
