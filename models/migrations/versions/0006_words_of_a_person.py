"""The words that a person puts in the place of a template's, before a reminder leaves

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from models.base import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reminder") as batch:
        batch.add_column(sa.Column("edited_subject", sa.Text(), nullable=True))
        batch.add_column(sa.Column("edited_text", sa.Text(), nullable=True))
        batch.add_column(sa.Column("edited_by", sa.String(length=128), nullable=True))
        batch.add_column(sa.Column("edited_at", Moment(), nullable=True))
