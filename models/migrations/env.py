"""Alembic's entry: runs the migrations on the connection that `models.database` hands over."""

from typing import Any, Literal

from alembic import context

from models import Base
from models.base import Amount, Moment


def plain_types(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write our own column types as what they are in the database: a migration must not change when they do."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Amount):
        return "sa.BigInteger()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite can't change a column in place; this copies the table
    render_item=plain_types,
)
with context.begin_transaction():
    context.run_migrations()
