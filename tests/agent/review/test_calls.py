"""Calls: the sheet before, the form after; and the one file that goes to collection."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.ledger.tasks import open_task
from agent.reminders.case import hand_over, sheet
from agent.review.calls import Form, Result, record
from config import Settings
from config.errors import NeedsPerson, RelanceError
from models import Customer, Database, Invoice, Message, MessageLink, Note, Promise, Task, blob
from models.message import Direction
from models.reasons import TaskKind
from models.states import InvoiceState, TaskState
from tests.builders import ledger

NOW = ledger.NOW


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(database_url, tmp_path, NOW)
    with opened.write() as session:
        owner = ledger.customer(session, "C1", phone="+33 1 02 03 04 05", name="=cmd|Dupont")
        rows = [ledger.invoice(session, owner, number) for number in ("FA-1", "FA-2")]
        open_task(session, key="call:1", kind=TaskKind.CALL, invoices=rows, detail="d", due_on=NOW.date(), at=NOW)
    yield opened
    opened.close()


def fill_in(database: Database, company: Settings, form: Form) -> None:
    with database.write() as session:
        record(session, company, session.scalars(select(Task.id).order_by(Task.id)).first() or 0, form, "Anna", NOW)


def states(database: Database) -> set[InvoiceState]:
    with database.read() as session:
        return set(session.scalars(select(Invoice.state)))


@pytest.mark.parametrize(
    ("form", "state"),
    [
        (Form(Result.PROMISED, day=date(2026, 9, 15)), InvoiceState.PROMISED),
        (Form(Result.PAID), InvoiceState.PAYMENT_REPORTED),
        (Form(Result.DISPUTED, reason="quality"), InvoiceState.DISPUTED),
        (Form(Result.WRONG_CONTACT), InvoiceState.OPEN),
        (Form(Result.OTHER, text="asks for a copy"), InvoiceState.OPEN),
    ],
)
def test_what_was_said_becomes_what_it_is(
    database: Database, company: Settings, form: Form, state: InvoiceState
) -> None:
    fill_in(database, company, form)
    assert states(database) == {state}
    with database.read() as session:
        task = session.scalars(select(Task)).one()
        assert (task.state, task.outcome, task.done_by) == (TaskState.DONE, form.result, "Anna")
        assert [n.text for n in session.scalars(select(Note).where(Note.kind == "call"))] == (
            [form.text] if form.text else []
        )


def test_nobody_answered_so_it_is_tried_again_on_the_next_working_day(database: Database, company: Settings) -> None:
    fill_in(database, company, Form(Result.NO_ANSWER))
    with database.read() as session:
        first, again = session.scalars(select(Task).order_by(Task.id)).all()
        assert (first.state, again.state, again.due_on) == (TaskState.DONE, TaskState.OPEN, date(2026, 9, 2))
        assert len(again.links) == 2


@pytest.mark.parametrize(
    "form", [Form(Result.PROMISED), Form(Result.DISPUTED), Form(Result.DISPUTED, reason="no such reason")]
)
def test_a_form_that_lacks_something_changes_nothing(database: Database, company: Settings, form: Form) -> None:
    with pytest.raises(RelanceError):
        fill_in(database, company, form)
    assert states(database) == {InvoiceState.OPEN}
    with database.read() as session:
        assert session.scalars(select(Promise)).all() == []
        assert session.scalars(select(Task.state)).all() == [TaskState.OPEN]


def test_a_call_is_recorded_once(database: Database, company: Settings) -> None:
    fill_in(database, company, Form(Result.OTHER))
    with pytest.raises(NeedsPerson, match="no open call"):
        fill_in(database, company, Form(Result.PAID))


def test_the_sheet_has_whom_to_call_and_what_is_open(database: Database, company: Settings) -> None:
    with database.read() as session:
        found = sheet(session, company, 1, NOW)
    assert found["customer"]["phone"] == "+33 1 02 03 04 05"
    assert [(i["number"], i["days_late"]) for i in found["invoices"]] == [("FA-1", 31), ("FA-2", 31)]
    assert found["open"] == {"EUR": Decimal("200.00")}
    # 100.00 x 12.40 % x 31/365 = 1.05 for each of the two, and 40.00
    assert (found["charges"]["interest"], found["charges"]["indemnity"]) == (Decimal("2.10"), Decimal("80.00"))


def test_the_hand_over_is_one_file_whose_manifest_holds(database: Database, company: Settings) -> None:
    with database.read() as session:
        made = hand_over(session, company, 1, NOW)
        assert hand_over(session, company, 1, NOW) == made
    assert made.sha256 == hashlib.sha256(made.content).hexdigest()
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    lines = files.pop("MANIFEST.sha256").decode().splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    case = json.loads(files["case.json"])
    assert [i["number"] for i in case["invoices"]] == ["FA-1", "FA-2"]
    assert case["open"] == {"EUR": "200.00"}
    assert b"200.00 EUR" in files["summary.txt"]


def test_the_hand_over_leaves_out_mails_about_other_invoices(database: Database, company: Settings) -> None:
    with database.write() as session:
        other = ledger.invoice(session, session.get_one(Customer, "C1"), "FA-9")
        first = session.scalars(select(Invoice).where(Invoice.number == "FA-1")).one()
        for subject, about in (("one", [first.id]), ("both", [first.id, other.id]), ("other", [other.id]), ("all", [])):
            row = Message(
                dkey=subject, direction=Direction.IN, mailbox="ar", message_id=f"<{subject}@c.example>", size=1,
                blob_sha256=blob.keep(session, subject.encode()), received_at=NOW, created_at=NOW, customer_id="C1",
            )  # fmt: skip
            session.add(row)
            session.flush()
            for invoice_id in about:
                link = MessageLink(
                    message_id=row.id, customer_id="C1", invoice_id=invoice_id, evidence="numbers", proof=False
                )
                session.add(link)
    with database.read() as session:
        made = hand_over(session, company, 1, NOW)
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        mails = {archive.read(name).decode() for name in archive.namelist() if name.startswith("mails/")}
    assert mails == {"one", "both", "all"}
