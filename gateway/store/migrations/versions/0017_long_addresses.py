"""Sign-ins at a provider lead back to addresses of any length that the pages take."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    with op.batch_alter_table("provider_login") as table:
        table.alter_column(
            "next", type_=sa.Text(), existing_type=sa.String(2000), existing_nullable=False
        )
