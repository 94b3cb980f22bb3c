"""Figures from rows that came the way of all rows: imports, reminders, answers, people."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent.replies.word import Word
from agent.reports import asking
from agent.reports.asking import Wish
from agent.reports.store import books
from models import Database
from tests.builders import ledger
from tests.builders.ledger import NOW
from tests.builders.office import NOW as OFFICE_NOW
from tests.builders.office import Office, opened

INVOICES = "number;customer_id;issue_date;due_date;amount;balance;currency;kind"


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    found = Database.open(database_url, tmp_path, NOW)
    yield found
    found.close()


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with opened(database_url, tmp_path) as found:
        yield found


def test_balances_of_the_past_come_from_value_dates(database: Database, tmp_path: Path) -> None:
    settings = ledger.settings(tmp_path)
    ledger.load(database, settings, "customers", ledger.csv("id;name;email", "C1;Un;a@one.example"))
    rows = ledger.csv(
        INVOICES,
        "F1;C1;2026-07-01;2026-07-31;1000;;EUR;invoice",
        "F2;C1;2026-08-01;2026-08-31;500;300;EUR;invoice",
        "F3;C1;;2026-09-30;50;;EUR;invoice",
        "A1;C1;2026-08-10;2026-08-10;40;;EUR;credit_note",
    )
    ledger.load(database, settings, "invoices", rows)
    payments = ledger.csv(
        "id;date;amount;customer_id;currency;invoice_number",
        "P1;2026-08-15;400;C1;EUR;F1",
        "P2;2026-08-20;700;C1;EUR;F1",
        "P3;2026-08-25;-400;C1;EUR;F1",
    )
    ledger.load(database, settings, "payments", payments)
    with database.read() as session:
        found = books(session, settings, NOW)
    by_number = {i.number: i for i in found.invoices}
    f1 = by_number["F1"]
    days = [date(2026, 8, d) for d in (14, 15, 20, 25)]
    assert [f1.balance_on(day) for day in days] == [1000, 600, 0, 400]
    assert by_number["F2"].balance_on(date(2026, 8, 1)) == 300, "what was paid before the first import has no day"
    assert (by_number["F3"].issued, by_number["F3"].is_dated) == (date(2026, 9, 1), False)
    assert by_number["A1"].balance_on(date(2026, 8, 31)) == -40
    assert [(c.day, c.amount) for c in found.credits] == [(date(2026, 8, 20), Decimal(100))]


def test_a_list_of_open_items_dates_a_payment_by_the_day_that_it_speaks_for(database: Database, tmp_path: Path) -> None:
    settings = ledger.settings(tmp_path, mode="open_items")
    ledger.load(database, settings, "customers", ledger.csv("id;name;email", "C1;Un;a@one.example"))
    first = ledger.csv(
        INVOICES, "F1;C1;2026-07-01;2026-07-31;100;100;EUR;invoice", "F2;C1;2026-07-01;2026-07-31;900;900;EUR;invoice"
    )
    ledger.load(database, settings, "invoices", first, as_of=NOW - timedelta(days=5))
    second = ledger.csv(INVOICES, "F2;C1;2026-07-01;2026-07-31;900;700;EUR;invoice")
    ledger.load(database, settings, "invoices", second, as_of=NOW - timedelta(days=2))
    with database.read() as session:
        one, two = books(session, settings, NOW).invoices
    listed = (NOW - timedelta(days=2)).date()
    assert one.paid_on == listed
    assert [one.balance_on(listed - timedelta(days=1)), one.balance_on(listed)] == [100, 0]
    assert [two.balance_on(listed - timedelta(days=1)), two.balance_on(listed)] == [900, 700]
    assert two.paid_between(listed - timedelta(days=1), listed) == 200


def test_a_reminder_and_its_answer_are_told(office: Office) -> None:
    office.answers("promise", promise_date=date(2026, 3, 20))
    with office.database.read() as session:
        found = books(session, office.settings, OFFICE_NOW)
    (touch,) = found.touches
    assert (touch.step, touch.channel, touch.day) == ("friendly", "mail", date(2026, 3, 10))
    assert [line.balance for line in touch.lines] == [Decimal("1240.00")]
    (mail,) = found.mails
    assert (mail.kind, mail.is_handled, mail.was_automatic, mail.thread_id) == ("human", True, True, touch.thread_id)
    (promise,) = found.promises
    assert (promise.on, promise.amount, promise.fulfilled) == (date(2026, 3, 20), Decimal("1240.00"), None)
    with office.database.read() as session:
        tables = asking.tables(session, office.settings, OFFICE_NOW, ["mailbox", "recovery", "promises"], Wish())
    assert [next(iter(t.rows))[k] for t, k in zip(tables, ("automatic", "answered", "open"), strict=True)] == [1, 1, 1]


def test_a_persons_word_is_work_and_a_correction(office: Office) -> None:
    office.answers("other")
    office.says(Word(by="Anna", intent="dispute", dispute_reason="quality"))
    with office.database.read() as session:
        found = books(session, office.settings, OFFICE_NOW)
    (mail,) = found.mails
    assert (mail.was_automatic, mail.predicted, mail.corrected) == (False, "other", "dispute")
    assert [(w.what, w.by, w.customer_id) for w in found.work] == [("exception", "Anna", "C1")]
    assert [(d.reason, d.amount) for d in found.disputes] == [("quality", Decimal("1240.00"))]


def test_a_later_time_that_a_run_was_given_moves_today_on(office: Office) -> None:
    office.answers("paid")
    with office.database.read() as session:
        assert books(session, office.settings, OFFICE_NOW - timedelta(days=400)).today == OFFICE_NOW.date()


def test_an_empty_company_has_no_figures(database: Database, tmp_path: Path) -> None:
    settings = ledger.settings(tmp_path)
    with database.read() as session:
        tables = asking.tables(session, settings, NOW, ["aging", "dso", "recovery", "mailbox"], Wish())
    assert [len(table.rows) for table in tables] == [0, 0, 0, 1]
