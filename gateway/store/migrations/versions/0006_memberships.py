"""Who works where, from when to when; and the contract that a grant is bound to."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "membership",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("employee_number", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.String(length=10), nullable=False),
        sa.Column("ends_on", sa.String(length=10), nullable=True),
        sa.Column("contract", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("membership_key", "membership", ["organisation", "employee_number"])
    op.create_index("membership_person", "membership", ["person"])
    op.add_column(
        "vetting_grant",
        sa.Column("contract", sa.String(length=64), nullable=False, server_default=""),
    )
