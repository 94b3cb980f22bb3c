"""How a database is born, upgraded and refused, and that its transactions lose nothing."""

import stat
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError

from config.errors import NeedsPerson, TemporaryFailure
from models import Base, Customer, Database, Installation, Invoice, SendingStop, events
from models.database import _engine, _make, head, migrate
from models.keys import SigningKey

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def add_invoice(database: Database, balance: str = "0.00") -> None:
    with database.write() as session:
        session.add(Customer(id="C1", name="Dupont", email="a@b.example", created_at=NOW, updated_at=NOW))
        session.flush()
        session.add(
            Invoice(
                number="FA-1",
                customer_id="C1",
                due_date=date(2026, 3, 2),
                amount=Decimal(balance),
                opening_balance=Decimal(balance),
                balance=Decimal(balance),
                currency="EUR",
                state_at=NOW,
                created_at=NOW,
            )
        )


@pytest.mark.parametrize("way", ["made", "migrated"])
def test_a_new_database_and_a_migrated_one_have_exactly_the_tables_of_the_code(database_url: str, way: str) -> None:
    engine = _engine(make_url(database_url), "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        if way == "migrated":
            migrate(connection)
        else:
            _make(connection, SigningKey("k1", {"k1": b"secret"}), "here", NOW)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, Base.metadata)
        assert context.get_current_revision() == head()
    engine.dispose()
    assert differences == []


def test_opening_twice_keeps_key_and_binding(database: Database, database_url: str, tmp_path: Path) -> None:
    again = Database.open(database_url, tmp_path, NOW)
    with database.read() as one, again.read() as other:
        assert one.scalars(select(Installation.uuid)).all() == other.scalars(select(Installation.uuid)).all()
    assert database.key.secret == again.key.secret
    again.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NeedsPerson, match="newer version"):
        Database.open(database_url, tmp_path, NOW)
    with database.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_two_processes_that_make_one_database_at_once_agree(database_url: str, tmp_path: Path) -> None:
    opened: list[Database] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Database.open(database_url, tmp_path, NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({database.key.secret for database in opened}) == 1
    assert len(opened) == 4
    with opened[0].read() as session:
        assert events.verify(session, opened[0].key) is None
    for database in opened:
        database.close()


def test_who_opens_a_database_waits_for_no_writer(database: Database, database_url: str, tmp_path: Path) -> None:
    with database.write() as session:
        session.add(SendingStop(reason="person", detail="x", placed_by="x", placed_at=NOW))
        session.flush()
        Database.open(database_url, tmp_path, NOW).close()


def test_a_lost_key_is_told_and_never_replaced(database: Database, database_url: str, tmp_path: Path) -> None:
    key_file = next(tmp_path.glob("*.key"))
    key_file.unlink()
    with pytest.raises(NeedsPerson, match="signing key is missing"):
        Database.open(database_url, tmp_path, NOW)
    assert not list(tmp_path.glob("*.key"))


def test_key_and_sqlite_file_are_for_their_owner_only(tmp_path: Path) -> None:
    Database.open("sqlite:///relance.db", tmp_path, NOW).close()
    for name in ("relance.db", "relance.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_copied_folder_is_another_installation(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.mkdir()
    Database.open("sqlite:///relance.db", original, NOW).close()
    original.rename(copy)
    database = Database.open("sqlite:///relance.db", copy, NOW)
    with database.read() as session:
        assert session.scalar(select(Installation.fingerprint)) != database.fingerprint()
    database.close()


def test_two_that_add_to_one_balance_at_once_lose_nothing(database: Database) -> None:
    """Read, then write: with the driver's default BEGIN most of these updates were lost."""
    add_invoice(database)

    def pay() -> None:
        for _ in range(25):
            with database.write() as session:
                invoice = session.execute(select(Invoice).with_for_update()).scalar_one()
                invoice.balance += Decimal("1.00")

    threads = [threading.Thread(target=pay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.scalar(select(Invoice.balance)) == Decimal("100.00")


def test_a_reading_session_can_change_nothing(database: Database) -> None:
    with pytest.raises((TemporaryFailure, DBAPIError), match=r"written|read-only"), database.read() as session:
        session.add(SendingStop(reason="person", detail="x", placed_by="x", placed_at=NOW))
        session.flush()


def test_a_failed_block_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        stop = SendingStop(reason="person", detail="x", placed_by="x", placed_at=NOW)
        session.add(stop)
        events.record(session, "sending_stop.placed", stop, actor="Anna", at=NOW)
        raise RuntimeError
    with database.read() as session:
        assert session.scalars(select(SendingStop)).all() == []
        assert events.verify(session, database.key) is None


def test_money_comes_back_exact_and_aware_moments_in_utc(database: Database) -> None:
    add_invoice(database, "1234567.89")
    with database.read() as session:
        invoice = session.execute(select(Invoice)).scalar_one()
    assert invoice.balance == Decimal("1234567.89")
    assert invoice.created_at == NOW
    assert invoice.created_at.tzinfo is not None


def test_money_refuses_what_would_be_rounded_and_floats(database: Database) -> None:
    with pytest.raises(Exception, match="four decimal places"):
        add_invoice(database, "0.00001")
    with pytest.raises(Exception, match="Decimal"), database.write() as session:
        session.execute(select(Invoice).where(Invoice.balance == 1.5))


def test_a_folder_that_is_missing_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(TemporaryFailure, match="can't be opened"):
        Database.open("sqlite:///nowhere/relance.db", tmp_path, NOW)
