"""The number under which a provider keeps a conversation

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("provider_thread", sa.String(length=20), nullable=True))
    op.create_index("ix_message_provider_thread", "message", ["mailbox", "provider_thread"])
