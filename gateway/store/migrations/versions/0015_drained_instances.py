"""Instances of systems that an operator has taken out."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "drained_instance",
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("instance", sa.String(length=300), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "instance"),
    )
