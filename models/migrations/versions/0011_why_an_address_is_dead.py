"""Why nothing goes to an address any more, and which one took its place

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contact") as batch:
        batch.add_column(sa.Column("dead_because", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("replaced_by", sa.String(length=320), nullable=True))
