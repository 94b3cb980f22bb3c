"""People who use the pages, and the work list's order

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from models.base import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("disabled_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("last_login_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("name", name=op.f("uq_user_account_name")),
    )
    op.create_table(
        "login_failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_failure")),
    )
    op.create_index("ix_login_failure_name_at", "login_failure", ["name", "at"])
    op.create_index("ix_login_failure_address_at", "login_failure", ["address", "at"])
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("selection", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_saved_view_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_saved_view_user_id_name")),
    )
    op.create_index(op.f("ix_saved_view_user_id"), "saved_view", ["user_id"])

    # Rows that are there already get the urgency that was their priority so far; the daemon weighs them anew.
    op.add_column("exception", sa.Column("urgency", sa.Integer(), nullable=False, server_default="50"))
    op.execute("UPDATE exception SET urgency = priority")
    op.add_column("exception", sa.Column("weighed_on", sa.Date(), nullable=True))
    op.create_index("ix_exception_worklist", "exception", ["state", sa.text("priority DESC"), "id"])
    op.create_index("ix_exception_reason_state", "exception", ["reason", "state"])
    op.create_index("ix_exception_resolved", "exception", ["resolved_by", "resolved_at"])
    op.add_column("task", sa.Column("priority", sa.Integer(), nullable=False, server_default="50"))
    op.add_column("task", sa.Column("weighed_on", sa.Date(), nullable=True))
    op.add_column("task", sa.Column("assignee", sa.String(length=128), nullable=True))
    op.add_column("task", sa.Column("snoozed_until", Moment(), nullable=True))
    op.create_index("ix_task_worklist", "task", ["state", sa.text("priority DESC"), "id"])
    op.create_index("ix_task_done", "task", ["done_by", "done_at"])
    op.create_index("ix_reminder_approval", "reminder", ["approval", "id"])
