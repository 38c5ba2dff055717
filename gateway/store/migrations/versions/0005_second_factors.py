"""Second factors: what they are proved with, ceremonies, notices, resets, kept forms, stages.

Written out in full, as a step never changes once a database has taken it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _make_factors()
    _make_ceremonies()
    _make_officers()


def _make_factors() -> None:
    op.create_table(
        "second_factor",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("added_at_us", sa.BigInteger(), nullable=False),
        sa.Column("used_at_us", sa.BigInteger(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index("second_factor_staff", "second_factor", ["staff_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.Column("made_at_us", sa.BigInteger(), nullable=False),
        sa.Column("used_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("staff_id", "mac"),
    )
    op.create_table(
        "second_factor_failure",
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at_us", sa.BigInteger(), nullable=False),
        sa.Column("wait_until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id"),
    )


def _make_ceremonies() -> None:
    op.create_table(
        "factor_ceremony",
        sa.Column("binding", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("binding", "purpose"),
    )
    op.create_index("factor_ceremony_age", "factor_ceremony", ["at_us"], unique=False)
    op.create_table(
        "kept_form",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_hash"),
    )
    op.create_index("kept_form_age", "kept_form", ["at_us"], unique=False)
    op.create_table(
        "sign_in_stage",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("sign_in_stage_age", "sign_in_stage", ["at_us"], unique=False)


def _make_officers() -> None:
    op.create_table(
        "factor_notice",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "factor_notice_organisation", "factor_notice", ["organisation", "at_us"], unique=False
    )
    op.create_index("factor_notice_staff", "factor_notice", ["staff_id", "at_us"], unique=False)
    op.create_table(
        "factor_reset",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("staff_id", sa.String(length=160), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("staff_id"),
    )
