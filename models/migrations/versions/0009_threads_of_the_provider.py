"""The number under which a provider keeps a conversation

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
    op.add_column("message", sa.Column("provider_thread", sa.String(length=20), nullable=True))
    op.create_index("ix_message_provider_thread", "message", ["mailbox", "provider_thread"])


def downgrade() -> None:
    op.drop_index("ix_message_provider_thread", "message")
    op.drop_column("message", "provider_thread")
