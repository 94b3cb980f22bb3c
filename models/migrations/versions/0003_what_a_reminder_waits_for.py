"""What a reminder waits for: whose word, and what the mail said when it was asked for

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reminder") as batch:
        batch.add_column(sa.Column("approver", sa.String(length=320), nullable=True))
        batch.add_column(sa.Column("said", sa.String(length=64), nullable=True))
