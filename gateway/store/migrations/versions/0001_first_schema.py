"""The first schema: staff, sessions, bulletin, sign-in attempts, cookies, and the vetting register.

Written out in full, as a step never changes once a database has taken it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _make_register()
    _make_staff()
    _make_sessions()
    _make_bulletin()


def _make_register() -> None:
    op.create_table(
        "vetting_grant",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("employee_number", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("granting_body", sa.String(length=64), nullable=False),
        sa.Column("sponsor", sa.String(length=64), nullable=False),
        sa.Column("granted_on", sa.String(length=10), nullable=False),
        sa.Column("expires_on", sa.String(length=10), nullable=True),
        sa.Column("review_due_on", sa.String(length=10), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("functions", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "vetting_grant_person", "vetting_grant", ["organisation", "employee_number"], unique=False
    )
    op.create_table(
        "appointment",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("employee_number", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("starts_on", sa.String(length=10), nullable=False),
        sa.Column("ends_on", sa.String(length=10), nullable=True),
        sa.Column("withdrawn_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "appointment_person", "appointment", ["organisation", "employee_number"], unique=False
    )
    op.create_table(
        "register_change",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("employee_number", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index(
        "register_change_person",
        "register_change",
        ["organisation", "employee_number"],
        unique=False,
    )


def _make_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("directory_id", sa.String(length=100), nullable=False),
        sa.Column("employee_number", sa.String(length=32), nullable=False),
        sa.Column("username", sa.String(length=256), nullable=False),
        sa.Column("username_key", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("posts", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=256), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("first_seen_at_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id"),
        sa.UniqueConstraint("organisation", "directory_id", name="staff_directory_id"),
        sa.UniqueConstraint("organisation", "employee_number", name="staff_employee_number"),
    )
    op.create_index("staff_username", "staff", ["organisation", "username_key"], unique=False)
    op.create_table(
        "sign_in_attempt",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("name_key", sa.String(length=256), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("sign_in_attempt_age", "sign_in_attempt", ["at_us"], unique=False)
    op.create_index(
        "sign_in_attempt_person",
        "sign_in_attempt",
        ["organisation", "name_key", "at_us"],
        unique=False,
    )
    op.create_index("sign_in_attempt_source", "sign_in_attempt", ["source", "at_us"], unique=False)


def _make_sessions() -> None:
    op.create_table(
        "session",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("factors", sa.String(length=200), nullable=False),
        sa.Column("started_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_us", sa.BigInteger(), nullable=False),
        sa.Column("idle_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_us", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.staff_id"]),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("session_ends", "session", ["ends_at_us"], unique=False)
    op.create_index("session_organisation", "session", ["organisation"], unique=False)
    op.create_index("session_staff", "session", ["staff_id"], unique=False)
    op.create_table(
        "upstream_cookie",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("jar", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_hash"], ["session.hash"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_hash", "system"),
    )


def _make_bulletin() -> None:
    op.create_table(
        "bulletin",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
