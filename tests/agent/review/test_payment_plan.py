"""A payment plan, written down on a page as it was agreed by phone: instalments, each a promise."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from models import Invoice, Promise
from models.states import InvoiceState
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import NOW, Office

FIRST, SECOND = ((NOW.date() + timedelta(days=each)).isoformat() for each in (20, 50))


@pytest.fixture
def owing(small_desk: Office) -> str:
    with small_desk.database.write() as session:
        customer = ledger.customer(session, "C1", account_manager="max@morel.example")
        for number in ("FA-1", "FA-2", "FA-3"):
            ledger.invoice(session, customer, number)
    return "C1"


def promised(desk: Office) -> list[tuple[str, str, Decimal | None]]:
    with desk.database.read() as session:
        query = select(Invoice.number, Promise).join(Promise, Promise.invoice_id == Invoice.id).order_by(Promise.id)
        return [(number, one.date.isoformat(), one.amount) for number, one in session.execute(query)]


def form(owing: str, *parts: tuple[str, str], covers: tuple[str, ...] = ("FA-1", "FA-2")) -> dict[str, object]:
    blank = [("", "")] * (12 - len(parts))
    days, amounts = zip(*parts, *blank, strict=True)
    return {
        "kind": "plan", "customer": owing, "covers": list(covers), "part_day": list(days),
        "part_amount": list(amounts), "text": "Mr Morel, by phone",
    }  # fmt: skip


def owed(desk: Office) -> Decimal:
    with desk.database.read() as session:
        return session.scalars(select(Invoice.balance).where(Invoice.number == "FA-1")).one()


def test_its_instalments_are_promises_on_the_invoices_that_it_covers(small_desk: Office, owing: str) -> None:
    browser, each = small_desk.at_work("lea"), owed(small_desk)
    assert "A payment plan" in browser.get(f"/customers/{owing}").text
    written = f"{2 * each - 40:.2f}".replace(".", ",")
    assert browser.post("/log", form(owing, (FIRST, "40"), (SECOND, written))).status_code == 303
    assert promised(small_desk) == [
        ("FA-1", FIRST, Decimal(40)), ("FA-1", SECOND, each - 40), ("FA-2", SECOND, each)
    ]  # fmt: skip
    with small_desk.database.read() as session:
        states = {row.number: row.state for row in session.scalars(select(Invoice))}
    assert states == {
        "FA-1": InvoiceState.PROMISED, "FA-2": InvoiceState.PROMISED, "FA-3": InvoiceState.OPEN
    }  # fmt: skip
    assert "Mr Morel, by phone" in browser.get(f"/customers/{owing}").text


def test_from_an_invoice_it_covers_that_one(small_desk: Office, owing: str) -> None:
    browser, each = small_desk.at_work("lea"), owed(small_desk)
    assert "A payment plan" in browser.get("/invoices/FA-2").text
    sent = form(owing, (FIRST, "40"), (SECOND, str(each - 40)), covers=()) | {"invoice": "FA-2"}
    assert browser.post("/log", sent).status_code == 303
    assert [number for number, _, _ in promised(small_desk)] == ["FA-2", "FA-2"]


@pytest.mark.parametrize(
    ("parts", "covers", "told"),
    [
        (((FIRST, "40"), (SECOND, "")), ("FA-1",), "Instalment 2 needs both its day and its amount"),
        (((FIRST, "40"), ("", "60")), ("FA-1",), "Instalment 2 needs both its day and its amount"),
        (((FIRST, "40"), (SECOND, "41")), ("FA-1",), "the instalments come to 81"),
        (((FIRST, "40"), (SECOND, "1e3x")), ("FA-1",), "1e3x"),
        (((FIRST, "40"), (SECOND, "60")), (), "one customer and one currency"),
        ((), ("FA-1",), "the instalments come to 0"),
    ],
)
def test_what_does_not_add_up_is_told_and_changes_nothing(
    small_desk: Office, owing: str, parts: tuple[tuple[str, str], ...], covers: tuple[str, ...], told: str
) -> None:
    answered = small_desk.at_work("lea").post("/log", form(owing, *parts, covers=covers))
    assert answered.status_code in (400, 409, 422)
    assert told in answered.text
    assert promised(small_desk) == []


def test_a_sales_person_accepts_none(small_desk: Office, owing: str) -> None:
    browser = small_desk.at_work("max", Role.SALES, email="max@morel.example")
    assert 'value="plan"' not in browser.get(f"/customers/{owing}").text
    assert browser.post("/log", form(owing, (FIRST, "40"), (SECOND, "60"))).status_code == 403
    assert promised(small_desk) == []


def test_nobody_puts_another_customers_invoice_into_it(small_desk: Office, owing: str) -> None:
    with small_desk.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C2", account_manager="eva@morel.example"), "FB-1")
    browser = small_desk.at_work("lea")
    sent = form(owing, (FIRST, "40"), (SECOND, "60"), covers=("FA-1", "FB-1"))
    assert browser.post("/log", sent).status_code == 404
    assert promised(small_desk) == []
