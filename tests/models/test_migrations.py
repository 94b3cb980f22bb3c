"""Data survives: each migration runs over a filled database of the schema before it, and every row comes through."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from models.database import MIGRATIONS, _engine, head, migrate

ROWS = 3


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


REVISIONS = [script.revision for script in reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))]


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


def _fill(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
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
        written[table.name] = _rows(connection, table)
    return written


def _rows(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    order = list(table.primary_key.columns)
    return [dict(row) for row in connection.execute(sa.select(table).order_by(*order)).mappings()]


def _upgrade(connection: sa.Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_the_newest_schema_is_named_by_its_file() -> None:
    assert head() == REVISIONS[-1]


def test_one_revision_follows_the_other() -> None:
    assert [f"{number:04d}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert all((MIGRATIONS / "versions").glob(f"{revision}_*.py") for revision in REVISIONS)


@pytest.mark.parametrize("before", REVISIONS[:-1])
def test_a_filled_database_of_an_older_schema_keeps_its_rows(database_url: str, before: str) -> None:
    engine = _engine(make_url(database_url), "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        _upgrade(connection, before)
        written = _fill(connection)
    with engine.begin() as connection:
        migrate(connection)
    with engine.connect() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for name, rows in written.items():
            after = _rows(connection, metadata.tables[name])
            kept = [{column: row[column] for column in before_row} for row, before_row in zip(after, rows, strict=True)]
            assert kept == rows, name
    engine.dispose()


def test_an_upgrade_that_is_cut_leaves_the_schema_before_it(database_url: str) -> None:
    engine = _engine(make_url(database_url), "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        _upgrade(connection, REVISIONS[0])
        _fill(connection)

    with pytest.raises(RuntimeError, match="the power went"), engine.begin() as connection:
        migrate(connection)
        raise RuntimeError("the power went")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == REVISIONS[0]
        assert connection.execute(sa.text("SELECT count(*) FROM customer")).scalar_one() == ROWS
    engine.dispose()
