"""Filled databases of older schemas, to be upgraded by tests."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from models.database import MIGRATIONS

ROWS = 3


def config() -> Config:
    """Alembic, pointed at our migrations."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return made


REVISIONS = [script.revision for script in reversed(list(ScriptDirectory.from_config(config()).walk_revisions()))]


def _sample(column: sa.Column[Any], row: int, known: Mapping[str, list[Any]]) -> Any:
    """A value of the column's type that differs from row to row; what refers to a table is one of its rows."""
    for key in column.foreign_keys:
        values = known[key.column.table.name]
        return values[row % len(values)] if values else None
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {"row": row}
    if isinstance(kind, sa.Boolean):
        return row % 2 == 0
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 3, 1 + row, 9, 30, tzinfo=UTC)
    if isinstance(kind, sa.Date):
        return date(2026, 3, 1 + row)
    if isinstance(kind, sa.Float):
        return 0.5
    if isinstance(kind, sa.Integer):
        return row + 1
    if isinstance(kind, sa.LargeBinary):
        return b"bytes %d" % row
    return f"{column.name[:20]} é {row}"[: getattr(kind, "length", None)]


def fill(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """Rows in every table, in an order in which references hold; what was written, by table."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    keys: dict[str, list[Any]] = {}
    written: dict[str, list[dict[str, Any]]] = {}
    for table in metadata.sorted_tables:
        if table.name == "alembic_version":
            continue
        rows = [{c.name: _sample(c, row, keys) for c in table.columns} for row in range(ROWS)]
        connection.execute(table.insert(), rows)
        keys[table.name] = [row[next(iter(table.primary_key.columns)).name] for row in rows]
        # Read back: dates and JSON come as the database gives them.
        written[table.name] = rows_of(connection, table)
    return written


def rows_of(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    order = list(table.primary_key.columns)
    return [dict(row) for row in connection.execute(sa.select(table).order_by(*order)).mappings()]


def upgrade(connection: sa.Connection, revision: str) -> None:
    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, revision)
