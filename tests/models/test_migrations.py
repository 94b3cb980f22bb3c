"""Data survives: each migration runs over a filled database of the schema before it, and every row comes through."""

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from models.database import MIGRATIONS, _engine, head, migrate
from tests.builders.schemas import REVISIONS, ROWS, fill, rows_of, upgrade


def test_the_newest_schema_is_named_by_its_file() -> None:
    assert head() == REVISIONS[-1]


def test_one_revision_follows_the_other() -> None:
    assert [f"{number:04d}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert all((MIGRATIONS / "versions").glob(f"{revision}_*.py") for revision in REVISIONS)


MOVED = {("saved_view", "user_id"): "owner"}
"""Columns whose content a later schema keeps in another one, by table; no other may go."""


@pytest.mark.parametrize("before", REVISIONS[:-1])
def test_a_filled_database_of_an_older_schema_keeps_its_rows(database_url: str, before: str) -> None:
    engine = _engine(make_url(database_url), "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        upgrade(connection, before)
        written = fill(connection)
    with engine.begin() as connection:
        migrate(connection)
    with engine.connect() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for name, rows in written.items():
            after = rows_of(connection, metadata.tables[name])
            stays = [column for column in (rows[0] if rows else ()) if (name, column) not in MOVED]
            assert [[row[column] for column in stays] for row in after] == [[row[c] for c in stays] for row in rows], (
                name
            )
            assert all(row[to] is not None for (table, _), to in MOVED.items() if table == name for row in after)
    engine.dispose()


def test_an_upgrade_that_is_cut_leaves_the_schema_before_it(database_url: str) -> None:
    engine = _engine(make_url(database_url), "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        upgrade(connection, REVISIONS[0])
        fill(connection)

    with pytest.raises(RuntimeError, match="the power went"), engine.begin() as connection:
        migrate(connection)
        raise RuntimeError("the power went")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == REVISIONS[0]
        assert connection.execute(sa.text("SELECT count(*) FROM customer")).scalar_one() == ROWS
    engine.dispose()
