"""Sign-ins that a provider can end; notices seen; what providers are asked again with."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    # Ten minutes old at most, and without what they are now found by: begun anew.
    op.drop_table("sign_in_stage")
    op.create_table(
        "sign_in_stage",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("directory", sa.String(length=80), nullable=False),
        sa.Column("provider_session", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("sign_in_stage_age", "sign_in_stage", ["at_us"])
    op.create_table(
        "notice_seen",
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id"),
    )
    op.add_column(
        "provider_token", sa.Column("refresh", sa.Text(), nullable=False, server_default="")
    )
