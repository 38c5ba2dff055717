"""Identities of staff at several directories, and what sign-in at OpenID providers keeps."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "staff_identity",
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("directory", sa.String(length=80), nullable=False),
        sa.Column("directory_id", sa.String(length=100), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.staff_id"]),
        sa.PrimaryKeyConstraint("organisation", "directory", "directory_id"),
        sa.UniqueConstraint("staff_id", "directory", name="staff_identity_one_each"),
    )
    # Until now an organisation had one directory, which goes by the organisation's name.
    op.execute(
        "INSERT INTO staff_identity (organisation, directory, directory_id, staff_id)"
        " SELECT organisation, organisation, directory_id, staff_id FROM staff"
    )
    op.create_table(
        "provider_login",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("directory", sa.String(length=80), nullable=False),
        sa.Column("next", sa.String(length=2000), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_index("provider_login_source", "provider_login", ["source", "at_us"])
    op.create_index("provider_login_age", "provider_login", ["at_us"])
    op.create_table(
        "provider_token",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_hash"], ["session.hash"], ondelete="CASCADE", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_hash"),
    )
    op.create_table(
        "provider_logout",
        sa.Column("directory", sa.String(length=80), nullable=False),
        sa.Column("jti_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("directory", "jti_hash"),
    )
    op.create_index("provider_logout_age", "provider_logout", ["expires_at_us"])
