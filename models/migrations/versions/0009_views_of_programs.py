"""Saved views belong to a name, so that programs have theirs too

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("saved_view", sa.Column("owner", sa.String(length=64), nullable=True))
    op.execute(
        "UPDATE saved_view SET owner = (SELECT name FROM user_account WHERE user_account.id = saved_view.user_id)"
    )
    op.drop_index("ix_saved_view_user_id", table_name="saved_view")
    with op.batch_alter_table("saved_view") as batch:
        batch.alter_column("owner", existing_type=sa.String(length=64), nullable=False)
        batch.drop_constraint("uq_saved_view_user_id_name", type_="unique")
        batch.drop_constraint("fk_saved_view_user_id_user_account", type_="foreignkey")
        batch.drop_column("user_id")
        batch.create_unique_constraint("uq_saved_view_owner_name", ["owner", "name"])
