"""A hand-over that is done puts its invoices into collection: nothing asks for them any more. Undo takes it back."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.ledger import byhand, states
from agent.ledger.tasks import open_task
from agent.reminders import case, plan
from agent.reports import store
from agent.reports.figures_ledger import Receivables
from agent.review import deeds, taking_back
from agent.review.deeds import TaskWord
from config import Settings
from config.errors import NeedsPerson
from models import Database, Event, Invoice, Promise, Task, events
from models.reasons import TaskKind
from models.states import DisputeState, InvoiceState, PromiseState, TaskState
from tests.agent.review.api.test_api import Program
from tests.builders import ledger
from tests.builders.desk import Office, debtor

NOW = ledger.NOW
DONE = TaskWord("done", "done")
S = InvoiceState


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    return ledger.settings(tmp_path, policy={"mode": "automatic"})


@pytest.fixture
def database(database_url: str, company: Settings) -> Iterator[Database]:
    """A customer with two invoices; task 1 is their hand-over, task 2 a call about them."""
    opened = Database.open(database_url, company.root, NOW)
    with opened.write() as session:
        owner = ledger.customer(session, "C1")
        rows = [ledger.invoice(session, owner, number, state=S.REMINDED) for number in ("FA-1", "FA-2")]
        for kind in (TaskKind.HAND_OVER, TaskKind.CALL):
            open_task(session, key=kind.value, kind=kind, invoices=rows, detail="d", due_on=NOW.date(), at=NOW)
    ledger.load(opened, company, "payments", ledger.csv("id,date,amount,customer_id"))
    yield opened
    opened.close()


def finish(database: Database, company: Settings, word: TaskWord = DONE, task: int = 1) -> list[str]:
    with database.write() as session:
        return [e.sentence for e in deeds.finish_task(session, task, word, "Anna", company, NOW)]


def take_back(database: Database) -> list[str]:
    with database.write() as session:
        back = taking_back.undo_last(session, "Anna", NOW + timedelta(minutes=5))
        assert (back.kind, back.id) == ("task", 1)
        return [effect.sentence for effect in back.effects]


def found(database: Database) -> dict[str, InvoiceState]:
    with database.read() as session:
        return {row.number: row.state for row in session.scalars(select(Invoice).order_by(Invoice.id))}


def tasks(database: Database) -> list[TaskState]:
    with database.read() as session:
        return list(session.scalars(select(Task.state).order_by(Task.id)))


def test_what_is_handed_over_is_in_collection_and_nothing_else_asks_for_it(
    database: Database, company: Settings
) -> None:
    told = finish(database, company)
    assert told == ["task 1 is done", "FA-1 is in collection", "FA-2 is in collection"]
    assert found(database) == {"FA-1": S.IN_COLLECTION, "FA-2": S.IN_COLLECTION}
    assert tasks(database) == [TaskState.DONE, TaskState.CANCELLED]
    planned = plan.drain(database, company, NOW)
    assert (planned.mails, planned.tasks) == (0, 0)
    with database.read() as session:
        assert events.verify(session, database.key) is None
        moved = session.scalars(select(Event).where(Event.kind == "invoice.in_collection")).all()
        assert {(event.actor, event.data["task"], event.data["was"]) for event in moved} == {("Anna", 1, "reminded")}


def test_undo_puts_all_of_it_back(database: Database, company: Settings) -> None:
    finish(database, company)
    assert take_back(database) == ["FA-1 is reminded again", "FA-2 is reminded again"]
    assert found(database) == {"FA-1": S.REMINDED, "FA-2": S.REMINDED}
    assert tasks(database) == [TaskState.OPEN, TaskState.OPEN]
    assert plan.drain(database, company, NOW).mails == 1, "the plan goes on"
    finish(database, company)
    assert set(found(database).values()) == {S.IN_COLLECTION}, "and once more"


def put(database: Database, company: Settings, state: InvoiceState) -> None:
    """Bring FA-1 into a state as it comes about."""
    with database.write() as session:
        row = byhand.invoice(session, "FA-1")
        on, deed = byhand.target(session, "FA-1", None), byhand.Deed("Lea", NOW)
        match state:
            case S.PROMISED:
                byhand.log_promise(session, on, date(2026, 9, 20), None, deed, company)
            case S.DISPUTED:
                byhand.log_dispute(session, on, "quality", None, deed, company)
            case S.PAYMENT_REPORTED:
                states.report_paid(session, row, message_id=None, at=NOW, actor="Lea", reason="said")
            case S.BROKEN | S.OPEN:
                row.state = state


@pytest.mark.parametrize(
    ("state", "back"),
    [
        (S.OPEN, S.OPEN), (S.PROMISED, S.PROMISED), (S.DISPUTED, S.DISPUTED), (S.PAYMENT_REPORTED, S.PAYMENT_REPORTED),
        (S.BROKEN, S.REMINDED),  # by the table nothing but a promise is broken; the plan goes on all the same
    ],
)  # fmt: skip
def test_undo_leaves_it_as_whatever_the_customer_had_said(
    database: Database, company: Settings, state: InvoiceState, back: InvoiceState
) -> None:
    put(database, company, state)
    finish(database, company)
    assert found(database)["FA-1"] is S.IN_COLLECTION
    take_back(database)
    assert found(database)["FA-1"] is back
    with database.read() as session:
        assert set(session.scalars(select(Promise.state))) == ({PromiseState.OPEN} if state is S.PROMISED else set())


def test_a_dispute_goes_on_beside_it_and_what_was_decided_meanwhile_counts(
    database: Database, company: Settings
) -> None:
    put(database, company, S.DISPUTED)
    finish(database, company)
    with database.write() as session:
        row = byhand.invoice(session, "FA-1")
        assert byhand.settle_disputes(session, row, DisputeState.REJECTED, byhand.Deed("Lea", NOW)) == 1
    assert found(database)["FA-1"] is S.IN_COLLECTION
    take_back(database)
    assert found(database)["FA-1"] is S.REMINDED


def test_a_payment_closes_it_and_undo_leaves_that_so(database: Database, company: Settings) -> None:
    finish(database, company)
    paid = ledger.csv("id,date,amount,customer_id,invoice_number", "P1,2026-09-01,100.00,C1,FA-1")
    ledger.load(database, company, "payments", paid)
    assert found(database) == {"FA-1": S.PAID, "FA-2": S.IN_COLLECTION}
    assert take_back(database) == ["FA-2 is reminded again", "FA-1 is paid and stays so"]
    assert found(database) == {"FA-1": S.PAID, "FA-2": S.REMINDED}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (TaskWord("not_handed_over", "not handed over"), S.REMINDED),
        (TaskWord("promise", "promise", promise_date=date(2026, 9, 20)), S.PROMISED),
        (TaskWord("no_answer", "nobody there"), S.REMINDED),
    ],
)
def test_what_ends_otherwise_is_not_in_collection(
    database: Database, company: Settings, word: TaskWord, state: InvoiceState
) -> None:
    finish(database, company, word)
    assert set(found(database).values()) == {state}
    take_back(database)
    assert set(found(database).values()) == {state}


def test_a_call_that_is_done_hands_nothing_over(database: Database, company: Settings) -> None:
    finish(database, company, task=2)
    assert set(found(database).values()) == {S.REMINDED}


def test_it_is_doubtful_in_the_figures_and_counts_in_none(database: Database, company: Settings) -> None:
    def receivables() -> Decimal:
        with database.read() as session:
            return Receivables(list(store.books(session, company, NOW).invoices), []).total(NOW.date())

    assert receivables() == 200
    finish(database, company)
    assert receivables() == 0
    take_back(database)
    assert receivables() == 200


def test_its_case_can_still_be_had(database: Database, company: Settings) -> None:
    finish(database, company)
    with database.read() as session:
        made = case.hand_over(session, company, 1, NOW)
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        told = json.loads(archive.read("case.json"))
    assert [(one["number"], one["state"]) for one in told["invoices"]] == [
        ("FA-1", "in_collection"), ("FA-2", "in_collection")
    ]  # fmt: skip


def test_after_a_day_it_is_not_undone(database: Database, company: Settings) -> None:
    finish(database, company)
    with database.write() as session, pytest.raises(NeedsPerson, match="more than 24 hours ago"):
        taking_back.undo_task(session, 1, "Anna", NOW + timedelta(days=2))


# --- where people see it ---------------------------------------------------------------------------------------------


def waiting_at(desk: Office) -> int:
    with desk.database.write() as session:
        _, rows = debtor(session, "FA-1")
        return open_task(
            session, key="h", kind=TaskKind.HAND_OVER, invoices=rows, detail="d", due_on=NOW.date(), at=NOW
        ).id  # fmt: skip


def test_on_the_page_it_is_told_before_and_after(small_desk: Office) -> None:
    number = waiting_at(small_desk)
    lea = small_desk.at_work("lea")
    page = lea.get(f"/work/task/{number}").text
    assert "Handed over: its invoices are in collection from now on" in page
    assert "Not handed over: its invoices stay where they are" in page
    assert lea.post(f"/work/task/{number}/done", {"outcome": "done"}).status_code == 303
    assert "FA-1: in collection; relance asks for it no more." in lea.get("/").text
    shown = lea.get("/invoices/FA-1").text
    assert "In collection" in shown
    assert "None: it is in collection" in shown
    lea.post("/undo")
    assert "FA-1: “Reminded” again." in lea.get("/").text
    assert found(small_desk.database) == {"FA-1": S.REMINDED}


def test_by_the_api_it_is_told_and_taken_back(small_desk: Office) -> None:
    number = waiting_at(small_desk)
    program = Program(small_desk)
    told = program.post(f"/work/task/{number}/done", {"outcome": "done"}).json()
    assert [one["code"] for one in told["effects"]] == ["task_done", "in_collection"]
    assert program.get("/invoices/FA-1").json()["invoice"]["state"] == "in_collection"
    assert [one["code"] for one in program.post("/undo").json()["effects"]] == ["again"]
    assert program.post(f"/work/task/{number}/done", {"outcome": "not_handed_over"}).status_code == 200
    assert found(small_desk.database) == {"FA-1": S.REMINDED}
