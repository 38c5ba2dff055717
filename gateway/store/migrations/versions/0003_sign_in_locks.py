"""Failed sign-ins are counted by person too, and officers can lift a lock."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("DELETE FROM sign_in_attempt WHERE succeeded = 1")
    op.drop_index("sign_in_attempt_person", "sign_in_attempt")
    with op.batch_alter_table("sign_in_attempt") as table:
        table.drop_column("succeeded")
        table.add_column(sa.Column("person_key", sa.String(300), nullable=False, server_default=""))
        table.add_column(sa.Column("judged", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("sign_in_attempt") as table:
        table.alter_column("person_key", server_default=None)
        table.alter_column("judged", server_default=None)
    op.create_index(
        "sign_in_attempt_name", "sign_in_attempt", ["organisation", "name_key", "at_us"]
    )
    op.create_index(
        "sign_in_attempt_person", "sign_in_attempt", ["organisation", "person_key", "at_us"]
    )
    op.create_table(
        "sign_in_lift",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("lock_key", sa.String(length=320), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("sign_in_lift_key", "sign_in_lift", ["organisation", "lock_key", "at_us"])
