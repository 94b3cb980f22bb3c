"""What a mailbox has sent of late, and what it may send next, by an index each

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_delivery_wire", "delivery", ["mailbox", "wire_at"])
    op.create_index("ix_delivery_due", "delivery", ["mailbox", "state", "not_before"])
    op.drop_index("ix_delivery_mailbox", "delivery")
