"""Whole imports, on each kind of database: idempotent, all or nothing, and what they do to states."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from agent.ledger import states, store
from agent.ledger.importing import OlderList
from agent.ledger.values import ImportResult
from config import Settings
from models import (
    Allocation,
    Base,
    Contact,
    Customer,
    Database,
    Document,
    Event,
    EventHead,
    ExceptionItem,
    ExceptionLink,
    ImportRun,
    Invoice,
    Payment,
    Promise,
    SendingStop,
    Task,
)
from models.reasons import ExceptionReason, TaskKind
from models.states import DisputeState, ExceptionState, InvoiceState, PromiseState, TaskState
from tests.builders import ledger
from tests.builders.ledger import NOW, csv, load

CUSTOMERS = csv("id,name,email", "C1,One,one@one.example", "C2,Two,two@two.example")
INVOICES = "number,customer_id,due_date,amount"
PAYMENTS = "id,date,amount,customer_id,invoice_number"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path)


@pytest.fixture
def open_items(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path, mode="open_items")


def fill(database: Database, settings: Settings, *lines: str, header: str = INVOICES) -> None:
    load(database, settings, "customers", CUSTOMERS)
    load(database, settings, "invoices", csv(header, *lines))


def invoice(database: Database, number: str) -> Invoice:
    with database.read() as session:
        return session.scalars(select(Invoice).where(Invoice.number == number)).one()


def balances(database: Database) -> dict[str, tuple[str, str]]:
    with database.read() as session:
        return {i.number: (str(i.balance), i.state.value) for i in session.scalars(select(Invoice))}


def everything(database: Database, *besides: type[Base]) -> Mapping[str, Any]:
    """Every row of every table, to see that nothing moved."""
    left_out = {table.__tablename__ for table in besides}
    with database.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in left_out
        }


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.changed, result.unchanged, result.removed


def pay(database: Database, settings: Settings, *lines: str, **order: Any) -> ImportResult:
    return load(database, settings, "payments", csv(PAYMENTS, *lines), **order)


def test_the_same_files_twice_change_nothing_but_the_time_that_they_speak_for(
    database: Database, settings: Settings
) -> None:
    files = {
        "customers": CUSTOMERS,
        "contacts": csv("customer_id,email,role,name", "C1,x@one.example,director,Ms X"),
        "invoices": csv(INVOICES + ",kind", "F-1,C1,2026-08-01,100,", "A-1,C1,2026-08-01,20,credit_note"),
        "payments": csv(PAYMENTS, "P1,2026-08-20,40,C1,F-1", "P2,2026-08-21,99,C2,"),
    }
    first = [load(database, settings, kind, raw) for kind, raw in files.items()]
    assert [counts(result) for result in first] == [(2, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0), (2, 0, 0, 0)]
    before = everything(database, ImportRun, Event, EventHead)
    later = NOW + timedelta(days=1)
    second = [load(database, settings, kind, raw, now=later) for kind, raw in files.items()]
    assert [counts(result) for result in second] == [(0, 0, 2, 0), (0, 0, 1, 0), (0, 0, 2, 0), (0, 0, 2, 0)]
    assert everything(database, ImportRun, Event, EventHead) == before
    with database.read() as session:
        assert store.ledger_as_of(session, settings) == later


@pytest.mark.parametrize("kind", ["customers", "contacts", "invoices", "payments"])
def test_a_dry_run_tells_all_and_writes_nothing(database: Database, settings: Settings, kind: str) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100")
    raw = {
        "customers": csv("id,name,email", "C1,One,new@one.example", "C3,Three,three@three.example"),
        "contacts": csv("customer_id,email", "C1,x@one.example"),
        "invoices": csv(INVOICES, "F-1,C1,2026-08-05,100", "F-2,C2,2026-08-01,10"),
        "payments": csv(PAYMENTS, "P1,2026-08-20,40,C1,F-1", "P2,2026-08-20,40,C1,F-9"),
    }[kind]
    before = everything(database)
    dry = load(database, settings, kind, raw, dry_run=True)
    assert everything(database) == before
    real = load(database, settings, kind, raw)
    assert (dry.dry_run, counts(dry), dry.allocations, dry.exceptions) == (
        True, counts(real), real.allocations, real.exceptions,
    )  # fmt: skip


def test_one_bad_row_keeps_the_whole_file_out(database: Database, settings: Settings) -> None:
    fill(database, settings)
    before = everything(database)
    raw = csv(INVOICES, "F-1,C1,2026-08-01,100", "F-2,C9,2026-08-01,100", "F-3,C1,soon,100")
    result = load(database, settings, "invoices", raw)
    assert result.refused
    assert [(e.line, e.column) for e in result.skipped] == [(3, "customer_id"), (4, "due_date")]
    assert "C9" in result.skipped[0].message
    assert everything(database) == before


def test_skipping_bad_rows_takes_the_good_ones(database: Database, settings: Settings) -> None:
    fill(database, settings)
    raw = csv(INVOICES, "F-1,C1,2026-08-01,100", "F-2,C9,2026-08-01,100", "F-3,C1,soon,100")
    result = load(database, settings, "invoices", raw, skip_bad=True)
    assert (result.refused, counts(result), len(result.skipped)) == (False, (1, 0, 0, 0), 2)
    assert balances(database) == {"F-1": ("100.00", "open")}


def test_a_fault_on_the_way_leaves_the_ledger_as_it_was(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100")
    before = everything(database)
    with monkeypatch.context() as patch:
        patch.setattr("agent.ledger.apply.open_exception", _die)
        with pytest.raises(InterruptedError):
            pay(database, settings, "P1,2026-08-20,100,C1,F-1", "P2,2026-08-20,5,C1,F-9")
    assert everything(database) == before


def _die(*args: object, **kwargs: object) -> None:
    raise InterruptedError


def test_payments_lower_balances_and_close_what_is_paid(database: Database, settings: Settings) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100", "F-2,C1,2026-07-01,50", "F-3,C2,2026-08-01,70")
    result = pay(database, settings, "P1,2026-08-20,30,C1,F-1", "P2,2026-08-21,70,C1,", "P3,2026-08-22,25,C2,")
    assert [(a.payment, a.invoice, str(a.amount), a.rule) for a in result.allocations] == [
        ("P1", "F-1", "30.00", "named"),
        ("P2", "F-1", "70.00", "exact_amount"),
        ("P3", "F-3", "25.00", "oldest"),
    ]
    assert balances(database) == {"F-1": ("0.00", "paid"), "F-2": ("50.00", "open"), "F-3": ("45.00", "open")}
    assert result.exceptions == ()


def test_money_that_nobody_owes_is_a_persons_and_holds_the_customer(database: Database, settings: Settings) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100", "F-2,C2,2026-08-01,10")
    lines = ("P1,2026-08-20,130,C1,F-1", "P2,2026-08-20,5,C1,F-9", "P3,2026-08-20,5,C1,F-2")
    result = pay(database, settings, *lines)
    assert [(r.payment, r.reason) for r in result.exceptions] == [
        ("P1", ExceptionReason.OVERPAYMENT),
        ("P2", ExceptionReason.UNKNOWN_INVOICE),
        ("P3", ExceptionReason.UNKNOWN_INVOICE),
    ]
    assert balances(database) == {"F-1": ("0.00", "paid"), "F-2": ("10.00", "open")}
    with database.read() as session:
        items = session.scalars(select(ExceptionItem).order_by(ExceptionItem.key)).all()
        assert [item.key for item in items] == ["payment:P1", "payment:P2", "payment:P3"]
        assert all(item.holds and item.due_at > NOW + timedelta(days=6) for item in items)
        held = set(session.scalars(select(ExceptionLink.customer_id).where(ExceptionLink.exception_id == items[2].id)))
        assert held == {"C1", "C2"}


def test_a_payment_that_comes_before_its_invoice_finds_it_later(database: Database, settings: Settings) -> None:
    fill(database, settings)
    pay(database, settings, "P1,2026-08-20,100,C1,F-1")
    result = load(database, settings, "invoices", csv(INVOICES, "F-1,C1,2026-08-01,100"))
    assert [(a.payment, a.invoice, a.rule) for a in result.allocations] == [("P1", "F-1", "named")]
    assert balances(database) == {"F-1": ("0.00", "paid")}
    with database.read() as session:
        assert session.scalars(select(ExceptionItem.state)).one() is ExceptionState.RESOLVED


def test_a_reversal_reopens_with_the_next_cycle_wherever_its_line_stands(
    database: Database, settings: Settings
) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100")
    pay(database, settings, "R1,2026-08-25,-100,C1,", "P1,2026-08-20,100,C1,")
    found = invoice(database, "F-1")
    assert (found.state, str(found.balance), found.cycle) == (InvoiceState.OPEN, "100.00", 2)
    pay(database, settings, "P2,2026-08-28,100,C1,F-1")
    assert balances(database) == {"F-1": ("0.00", "paid")}
    result = pay(database, settings, "R3,2026-08-29,-250,C1,")
    assert [r.reason for r in result.exceptions] == [ExceptionReason.UNKNOWN_INVOICE]
    with database.read() as session:
        assert session.scalar(select(func.sum(Allocation.amount, type_=Allocation.amount.type))) == Decimal(100)


def test_a_refund_settles_the_credit_note_that_it_names(database: Database, settings: Settings) -> None:
    fill(database, settings, "A-1,C1,2026-08-01,20,credit_note", header=INVOICES + ",kind")
    assert balances(database) == {"A-1": ("-20.00", "open")}
    pay(database, settings, "P1,2026-08-25,-20,C1,A-1")
    assert balances(database) == {"A-1": ("0.00", "credited")}


def test_money_is_corrected_by_a_reversal_never_by_another_amount(database: Database, settings: Settings) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100")
    pay(database, settings, "P1,2026-08-20,100,C1,F-1")
    result = pay(database, settings, "P1,2026-08-20,90,C1,F-1")
    assert result.refused
    assert (result.skipped[0].column, "reversal" in result.skipped[0].message) == ("amount", True)


def test_a_corrected_amount_keeps_what_was_paid(database: Database, settings: Settings) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100")
    pay(database, settings, "P1,2026-08-20,40,C1,F-1")
    assert counts(load(database, settings, "invoices", csv(INVOICES, "F-1,C1,2026-08-01,120"))) == (0, 1, 0, 0)
    assert balances(database) == {"F-1": ("80.00", "open")}
    assert load(database, settings, "invoices", csv(INVOICES, "F-1,C1,2026-08-01,30")).refused
    load(database, settings, "invoices", csv(INVOICES, "F-1,C1,2026-08-01,40"))
    assert balances(database) == {"F-1": ("0.00", "paid")}


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("F-1,C2,2026-08-01,100,EUR,", "customer_id"),
        ("F-1,C1,2026-08-01,100,USD,", "currency"),
        ("F-1,C1,2026-08-01,100,EUR,credit_note", "kind"),
    ],
)
def test_a_number_stands_for_one_invoice(database: Database, settings: Settings, line: str, column: str) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100")
    result = load(database, settings, "invoices", csv(INVOICES + ",currency,kind", line))
    assert [e.column for e in result.skipped] == [column]


def test_the_list_of_open_items_is_the_truth(database: Database, open_items: Settings) -> None:
    header = INVOICES + ",balance"
    fill(database, open_items, "F-1,C1,2026-08-01,100,100", "F-2,C1,2026-08-01,50,50", "F-3,C2,2026-08-01,9,9",
         header=header)  # fmt: skip
    later = NOW + timedelta(days=1)
    raw = csv(header, "F-1,C1,2026-08-01,100,60", "F-3,C2,2026-08-01,9,9", "F-4,C2,2026-09-30,5,5")
    assert counts(load(database, open_items, "invoices", raw, now=later)) == (1, 1, 1, 1)
    assert balances(database) == {
        "F-1": ("60.00", "open"), "F-2": ("0.00", "paid"), "F-3": ("9.00", "open"), "F-4": ("5.00", "open"),
    }  # fmt: skip
    back = csv(header, "F-1,C1,2026-08-01,100,60", "F-2,C1,2026-08-01,50,50", "F-3,C2,2026-08-01,9,9",
               "F-4,C2,2026-09-30,5,5")  # fmt: skip
    assert counts(load(database, open_items, "invoices", back, now=later + timedelta(days=1))) == (0, 1, 3, 0)
    assert balances(database)["F-2"] == ("50.00", "open")
    assert invoice(database, "F-2").cycle == 2
    with pytest.raises(OlderList):
        load(database, open_items, "invoices", raw, as_of=NOW)


def test_in_the_mode_of_open_items_payments_are_kept_and_lower_nothing(
    database: Database, open_items: Settings
) -> None:
    fill(database, open_items, "F-1,C1,2026-08-01,100")
    result = pay(database, open_items, "P1,2026-08-20,100,C1,F-1")
    assert (result.allocations, balances(database)) == ((), {"F-1": ("100.00", "open")})
    with database.read() as session:
        assert session.get_one(Payment, "P1").amount == 100
        assert store.ledger_as_of(session, open_items) == NOW


def test_a_bad_line_of_the_list_settles_nobody(database: Database, open_items: Settings) -> None:
    fill(database, open_items, "F-1,C1,2026-08-01,100", "F-2,C1,2026-08-01,50")
    named = csv(INVOICES, "F-1,C1,soon,100", "F-2,C1,2026-08-01,50")
    assert counts(load(database, open_items, "invoices", named, skip_bad=True)) == (0, 0, 1, 0)
    nameless = csv(INVOICES, ",C1,2026-08-01,100", "F-2,C1,2026-08-01,50")
    assert load(database, open_items, "invoices", nameless, skip_bad=True).refused
    assert load(database, open_items, "invoices", csv(INVOICES), skip_bad=True).refused
    assert balances(database) == {"F-1": ("100.00", "open"), "F-2": ("50.00", "open")}


def test_a_credit_note_gone_from_the_list_is_credited_and_a_write_off_stays(
    database: Database, open_items: Settings
) -> None:
    header = INVOICES + ",kind"
    kept = [f"F-{n},C2,2026-08-01,10," for n in range(9)]
    fill(database, open_items, "A-1,C1,2026-08-01,20,credit_note", "F-W,C1,2026-08-01,5,", *kept, header=header)
    with database.write() as session:
        row = session.scalars(select(Invoice).where(Invoice.number == "F-W")).one()
        states.write_off(session, row, at=NOW, actor="tester", reason="by_hand")
    load(database, open_items, "invoices", csv(header, *kept))
    found = balances(database)
    assert (found["A-1"], found["F-W"]) == (("0.00", "credited"), ("0.00", "written_off"))


@pytest.mark.parametrize(("left", "stops"), [(10, 0), (7, 0), (6, 1)])
def test_a_list_that_shrank_by_more_than_three_tenths_stops_sending(
    database: Database, open_items: Settings, left: int, stops: int
) -> None:
    lines = [f"F-{n},C1,2026-08-01,10" for n in range(10)]
    fill(database, open_items, *lines)
    result = load(database, open_items, "invoices", csv(INVOICES, *lines[:left]))
    assert len(result.stops) == stops
    with database.read() as session:
        assert list(session.scalars(select(SendingStop.reason))) == ["list_shrank"] * stops


@pytest.mark.parametrize(("changed", "stops"), [(1, 0), (2, 0), (3, 1)])
def test_more_than_one_in_twenty_addresses_changed_stops_sending(
    database: Database, settings: Settings, changed: int, stops: int
) -> None:
    def file(suffix: str) -> bytes:
        ends = [suffix if n < changed else "" for n in range(40)]
        return csv("id,name,email", *(f"C{n},N,a{end}@c{n}.example" for n, end in enumerate(ends)))

    load(database, settings, "customers", file(""))
    result = load(database, settings, "customers", file("-new"))
    assert (result.changed, len(result.stops)) == (changed, stops)
    with database.read() as session:
        told = session.scalars(select(Event).where(Event.kind == "customer.address_changed")).all()
        assert len(told) == changed
        assert all(event.data["was"] != event.data["now"] and "@" not in str(event.data) for event in told)
        assert list(session.scalars(select(SendingStop.reason))) == ["addresses_changed"] * stops


def test_a_new_address_takes_the_place_of_the_old_one(database: Database, settings: Settings) -> None:
    load(database, settings, "customers", CUSTOMERS)
    load(database, settings, "contacts", csv("customer_id,email,name", "C1,new@one.example,Ms New"))
    with database.write() as session:
        session.scalars(select(Contact).where(Contact.email == "one@one.example")).one().dead_since = NOW
    load(database, settings, "customers", csv("id,name,email", "C1,One,new@one.example"))
    with database.read() as session:
        contacts = session.get_one(Customer, "C1").contacts
        assert [(c.email, c.dead_since) for c in contacts] == [("new@one.example", None)]


def test_columns_that_a_file_does_not_have_stay(database: Database, settings: Settings) -> None:
    load(database, settings, "customers", csv("id,name,email,city,phone", "C1,One,one@one.example,Lyon,1"))
    load(database, settings, "customers", csv("id,name,email,city", "C1,One,one@one.example,"))
    with database.read() as session:
        customer = session.get_one(Customer, "C1")
        assert (customer.city, customer.phone) == (None, "1")


def test_documents_are_kept_once_and_only_from_beside_the_file(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    load(database, settings, "customers", CUSTOMERS)
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "F-1.pdf").write_bytes(b"%PDF-1.4 one")
    (tmp_path / "extra.pdf").write_bytes(b"%PDF-1.4 two")
    (tmp_path.parent / "secret.txt").write_bytes(b"secret")
    header = INVOICES + ",document"
    good = csv(header.replace(",", ";"), 'F-1;C1;2026-08-01;100;"F-1.pdf; extra.pdf"')
    for expected in ((1, 0, 0, 0), (0, 0, 1, 0)):
        assert counts(load(database, settings, "invoices", good, folder=folder)) == expected
    with database.read() as session:
        kept = session.scalars(select(Document).order_by(Document.id)).all()
        assert [(d.filename, d.kind, d.content_type) for d in kept] == [
            ("F-1.pdf", "invoice", "application/pdf"), ("extra.pdf", "invoice", "application/pdf"),
        ]  # fmt: skip
    for path in ("../secret.txt", "../../secret.txt", "/etc/passwd", "gone.pdf"):
        result = load(database, settings, "invoices", csv(header, f"F-2,C1,2026-08-01,9,{path}"), folder=folder)
        assert [(e.line, e.column) for e in result.skipped] == [(2, "document")], path


def test_what_was_promised_disputed_or_asked_for_ends_with_the_payment(database: Database, settings: Settings) -> None:
    fill(database, settings, "F-1,C1,2026-08-01,100", "F-2,C1,2026-08-01,50", "F-3,C1,2026-08-01,70")
    with database.write() as session:
        rows = {row.number: row for row in session.scalars(select(Invoice))}
        said: Any = {"message_id": None, "at": NOW, "actor": "tester", "reason": "logged"}
        states.promise(session, rows["F-1"], date(2026, 9, 4), None, **said)
        states.promise(session, rows["F-2"], date(2026, 8, 31), None, **said)
        states.dispute(session, rows["F-3"], "amount", None, **said)
        task = Task(key="reminder:1", kind=TaskKind.CALL, customer_id="C1", due_on=NOW.date(), created_at=NOW)
        session.add(task)
        session.flush()
        session.execute(Base.metadata.tables["task_link"].insert().values(task_id=task.id, invoice_id=rows["F-3"].id))
    days = ("P1,2026-09-08,100,C1,F-1", "P2,2026-09-03,50,C1,F-2", "P3,2026-09-03,70,C1,F-3")
    pay(database, settings, *days)
    assert {state for _, state in balances(database).values()} == {"paid"}
    with database.read() as session:
        promises = session.scalars(select(Promise.state).order_by(Promise.id)).all()
        assert promises == [PromiseState.KEPT, PromiseState.BROKEN]
        assert session.scalars(select(Base.metadata.tables["dispute"].c.state)).one() == DisputeState.WITHDRAWN
        assert session.scalars(select(Task.state)).one() is TaskState.CANCELLED
