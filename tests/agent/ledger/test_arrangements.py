"""Payment plans: instalments that a person accepts, each a promise; one missed breaks the plan."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from agent.ledger import overview
from agent.ledger.byhand import Deed, Instalment, log_arrangement, shares
from agent.ledger.promises import judge_promises
from agent.reminders import loading
from config import Settings
from config.errors import RelanceError
from models import Database, Invoice, Promise, Task
from models.states import InvoiceState, PromiseState
from tests.builders import ledger

NOW = ledger.NOW
PARTS = (Instalment(date(2026, 9, 10), Decimal("90.00")), Instalment(date(2026, 10, 12), Decimal("60.00")))


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    with opened.write() as session:
        owner = ledger.customer(session, "C1")
        ledger.invoice(session, owner, "FA-1", amount=Decimal("100.00"))
        ledger.invoice(session, owner, "FA-2", amount=Decimal("50.00"), due_date=date(2026, 8, 10))
        ledger.invoice(session, owner, "FA-USD", currency="USD")
    yield opened
    opened.close()


def agree(
    database: Database, company: Settings, *parts: Instalment, numbers: tuple[str, ...] = ("FA-1", "FA-2")
) -> None:
    with database.write() as session:
        log_arrangement(session, numbers, parts or PARTS, Deed("Anna", NOW), company)


def pay(database: Database, company: Settings, day: date, amount: str, *, at: datetime) -> None:
    ledger.load(
        database, company, "payments",
        ledger.csv("id,date,amount,customer_id,invoice_number", f"P{day},{day},{amount},C1,FA-1"), now=at,
    )  # fmt: skip


def fresh(database: Database, company: Settings, at: datetime) -> None:
    ledger.load(database, company, "payments", ledger.csv("id,date,amount,customer_id"), now=at)


def states(database: Database) -> dict[str, InvoiceState]:
    with database.read() as session:
        return dict(session.execute(select(Invoice.number, Invoice.state)).all())


def test_instalments_become_promises_on_the_oldest_invoice_first(database: Database, company: Settings) -> None:
    agree(database, company)
    with database.read() as session:
        rows = session.execute(
            select(Invoice.number, Promise.date, Promise.amount, Promise.state)
            .join(Invoice, Invoice.id == Promise.invoice_id)
            .order_by(Promise.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("FA-1", date(2026, 9, 10), Decimal("90.00"), PromiseState.OPEN),
        ("FA-1", date(2026, 10, 12), Decimal("10.00"), PromiseState.OPEN),
        ("FA-2", date(2026, 10, 12), Decimal("50.00"), PromiseState.OPEN),
    ]
    assert states(database)["FA-1"] is states(database)["FA-2"] is InvoiceState.PROMISED


def test_the_plan_and_the_list_name_the_next_instalment_of_an_invoice(database: Database, company: Settings) -> None:
    agree(database, company)
    with database.read() as session:
        (view,) = loading.customer_views(session, company, NOW, ["C1"])
        listed = {row.number: row.promise_date for row in overview.invoices(session, company, NOW)}
    planned = {row.number: row.promised_for for row in view.invoices}
    assert planned == listed
    assert planned["FA-1"] == PARTS[0].day


def test_an_instalment_that_comes_keeps_the_plan(database: Database, company: Settings) -> None:
    agree(database, company)
    pay(database, company, date(2026, 9, 9), "90", at=NOW + timedelta(days=9))
    later = NOW + timedelta(days=15)
    fresh(database, company, later)
    assert judge_promises(database, company, later) == 1
    assert states(database)["FA-1"] is InvoiceState.PROMISED


def test_one_missed_instalment_breaks_the_plan_on_every_invoice(database: Database, company: Settings) -> None:
    agree(database, company)
    later = NOW + timedelta(days=15)
    fresh(database, company, later)
    assert judge_promises(database, company, later) == 1
    assert states(database) == {
        "FA-1": InvoiceState.BROKEN, "FA-2": InvoiceState.BROKEN, "FA-USD": InvoiceState.OPEN,
    }  # fmt: skip
    with database.read() as session:
        assert session.scalars(select(Promise.state).order_by(Promise.id)).all() == [
            PromiseState.BROKEN, PromiseState.SUPERSEDED, PromiseState.SUPERSEDED,
        ]  # fmt: skip
        assert len(session.scalars(select(Task)).all()) == 1


@pytest.mark.parametrize(
    ("parts", "numbers", "told"),
    [
        (PARTS, ("FA-1",), "come to 150.00, the invoices to 100.00"),
        (PARTS, ("FA-1", "FA-2", "FA-USD"), "one customer and one currency"),
        ((Instalment(date(2026, 9, 10), Decimal(150)),), ("FA-1", "FA-2"), "two instalments"),
        ((Instalment(date(2026, 8, 10), Decimal(90)), PARTS[1]), ("FA-1", "FA-2"), "days to come"),
        (PARTS, ("FA-9",), "unknown invoice FA-9"),
    ],
)
def test_a_plan_that_can_not_be_is_refused(
    database: Database, company: Settings, parts: tuple[Instalment, ...], numbers: tuple[str, ...], told: str
) -> None:
    with pytest.raises(RelanceError, match=told):
        agree(database, company, *parts, numbers=numbers)
    assert set(states(database).values()) == {InvoiceState.OPEN}


@given(
    balances=st.lists(st.decimals("0.01", "500", places=2), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_shares_pay_each_invoice_and_each_instalment_whole(balances: list[Decimal], cuts: list[int]) -> None:
    total = sum(balances, Decimal(0))
    parts = [
        Instalment(date(2026, 1, 1 + n), (total * cut / 50).quantize(Decimal("0.01"))) for n, cut in enumerate(cuts)
    ]
    parts.append(Instalment(date(2026, 2, 1), total - sum((p.amount for p in parts), Decimal(0))))
    found = shares([(str(n), balance) for n, balance in enumerate(balances)], parts)
    for n, balance in enumerate(balances):
        assert sum((part.amount for number, part in found if number == str(n)), Decimal(0)) == balance
    for part in parts:
        assert sum((share.amount for _, share in found if share.day == part.day), Decimal(0)) == part.amount
