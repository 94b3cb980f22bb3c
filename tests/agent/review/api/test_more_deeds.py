"""What the pages do besides settling items, by API: tasks, audits, words of a mail, by hand, views, files, models."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent.learning import background, sampling
from agent.ledger.tasks import open_task
from models import Customer, Document, Invoice, Note, Promise, Task, blob
from models.reasons import TaskKind
from models.states import InvoiceState, PromiseState, TaskState
from models.user import Role
from tests.agent.review import test_model_pages
from tests.agent.review.api.test_api import Program, one_approval
from tests.agent.review.test_model_pages import FALL, NAME, compared, in_use, trained
from tests.agent.review.test_worklist import task
from tests.builders import desk as desks
from tests.builders import mail
from tests.builders import office as offices
from tests.builders.desk import NOW, Office, debtor, one_item, state_of

begun = test_model_pages.begun


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


# --- tasks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"outcome": "promise", "promise_date": "2026-09-10", "text": "Mme Roux"}, InvoiceState.PROMISED),
        ({"outcome": "paid"}, InvoiceState.PAYMENT_REPORTED),
        ({"outcome": "dispute", "dispute_reason": "quality"}, InvoiceState.DISPUTED),
        ({"outcome": "wrong_contact"}, InvoiceState.REMINDED),
    ],
)
def test_what_came_of_a_call_is_what_the_command_makes_of_it(
    desk: Office, body: dict[str, str], state: InvoiceState
) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    assert Program(desk).post(f"/work/task/{call}/done", body).status_code == 200
    assert state_of(desk) is state
    with desk.database.read() as session:
        assert session.get_one(Task, call).state is TaskState.DONE


def test_a_call_that_nobody_answered_is_called_again_on_the_next_working_day(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    done = Program(desk).post(f"/work/task/{call}/done", {"outcome": "no_answer"}).json()
    (again,) = [effect for effect in done["effects"] if effect["code"] == "call_again"]
    with desk.database.read() as session:
        (row,) = session.scalars(select(Task).where(Task.state == TaskState.OPEN))
        assert (row.kind, row.due_on.isoformat()) == (TaskKind.CALL, again["on"])


def test_a_promise_without_its_day_is_refused_and_leaves_the_call_open(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    assert Program(desk).post(f"/work/task/{call}/done", {"outcome": "promise"}).status_code == 409
    with desk.database.read() as session:
        assert session.get_one(Task, call).state is TaskState.OPEN


@pytest.fixture
def drawn(tmp_path: Path) -> Iterator[tuple[offices.Office, Office]]:
    """A mail that says "paid", acted on without a person and drawn for the audit."""
    with offices.opened(f"sqlite:///{tmp_path / 'relance.db'}", tmp_path) as office:
        object.__setattr__(office.settings.classifier, "audit_percent", 100)
        office.answers("paid")
        made = desks.Office(office.database, office.settings, desks.Clock(offices.NOW))
        yield office, made
        made.close()


def test_an_audit_is_previewed_judged_and_taken_back(drawn: tuple[offices.Office, Office]) -> None:
    office, desk = drawn
    program, number = Program(desk), office.one(Task).id
    shown = program.get(f"/work/task/{number}").json()
    assert shown["prediction"]["primary"] == "paid"
    assert shown["mails"][-1]["text"]
    wrong = {"intent": "dispute", "dispute_reason": "quality"}

    def judged() -> list[bool]:
        with office.database.read() as session:
            return [each.wrong for each in sampling.judged(session)]

    previewed = program.post(f"/work/task/{number}/audit/preview", wrong).json()
    assert judged() == []
    assert program.post(f"/work/task/{number}/audit", wrong).json() == previewed
    assert judged() == [True]
    assert state_of(desk) is InvoiceState.DISPUTED
    assert program.post("/undo").json()["kind"] == "task"
    assert (judged(), state_of(desk)) == ([], InvoiceState.PAYMENT_REPORTED)
    assert program.post(f"/work/task/{number}/audit", {"intent": "paid"}).json()["effects"][0]["code"] == "audit_right"
    assert judged() == [False]


def test_what_follows_from_a_call_is_told_before(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    program = Program(desk)
    word = {"outcome": "promise", "promise_date": "2026-09-10"}
    previewed = program.post(f"/work/task/{call}/done/preview", word).json()
    assert state_of(desk) is InvoiceState.REMINDED
    assert [one["code"] for one in previewed["effects"]] == ["task_done", "promised"]
    assert program.post(f"/work/task/{call}/done", word).json() == previewed
    assert state_of(desk) is InvoiceState.PROMISED


def test_a_letter_is_composed_kept_and_downloaded_and_a_case_is_one_file(desk: Office) -> None:
    with desk.database.write() as session:
        owner = session.merge(Customer(**_postal(session)))
        rows = session.scalars(select(Invoice).where(Invoice.customer_id == owner.id)).all()
        number = open_task(
            session, key="letter:1", kind=TaskKind.LETTER, invoices=rows, detail="d", due_on=NOW.date(), at=NOW
        ).id
    program = Program(desk)
    made = program.post(f"/work/task/{number}/letter", key="letter-1").json()
    assert made["invoices"] == ["FA-1"]
    file = program.get(f"/invoices/FA-1/documents/{made['document']}")
    assert file.content.startswith(b"%PDF")
    assert hashlib.sha256(file.content).hexdigest() == made["sha256"]
    assert {one["kind"] for one in program.get("/invoices/FA-1").json()["documents"]} == {"letter"}
    case = zipfile.ZipFile(io.BytesIO(program.get(f"/work/task/{number}/hand-over").content))
    assert "case.json" in case.namelist()
    page = desk.at_work("lea")
    assert f"/work/task/{number}/letter" in page.get(f"/work/task/{number}").text
    assert page.post(f"/work/task/{number}/letter").content.startswith(b"%PDF")


def _postal(session: Any) -> dict[str, Any]:
    owner, _ = debtor(session, "FA-1", name="Dupont", address="1 rue X", postcode="75001", city="Paris")
    return {"id": owner.id}


# --- words of a waiting mail -----------------------------------------------------------------------------------------


def test_a_waiting_mail_is_put_into_other_words_and_figures_that_are_none_of_its_are_refused(desk: Office) -> None:
    number = one_approval(desk)
    program = Program(desk)
    words = program.get(f"/work/approval/{number}/words").json()
    assert "[table]" in words["text"]
    wrong = {"text": words["text"].replace("[table]", "Vous devez 999 999,00 €.\n\n[table]"), "seen": words["seen"]}
    refused = program.post(f"/work/approval/{number}/edit", wrong)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["at"] == "body.text"
    right = {"text": words["text"].replace("[table]", "Comme convenu au téléphone.\n\n[table]"), "seen": words["seen"]}
    assert program.post(f"/work/approval/{number}/edit", right).status_code == 200
    told = program.get(f"/work/approval/{number}").json()
    assert "Comme convenu au téléphone." in told["mail"]["text"]
    assert (told["edited_by"], told["approval"]) == ("erp", "waiting")


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_payment_plan_is_a_list_of_promises_that_pays_all(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)
    balance = program.get("/invoices/FA-1").json()["invoice"]["balance"]
    parts = [{"day": "2026-09-10", "amount": "10.00"}, {"day": "2026-10-10", "amount": f"{float(balance) - 10:.2f}"}]
    short = {"kind": "plan", "invoice": "FA-1", "instalments": parts[:1]}
    assert program.post("/log", short).status_code == 409
    assert program.post("/log", {**short, "instalments": parts, "text": "Mme Roux"}).status_code == 200
    with desk.database.read() as session:
        rows = session.scalars(select(Promise).where(Promise.state == PromiseState.OPEN).order_by(Promise.date)).all()
        assert [(row.date.isoformat(), str(row.amount)) for row in rows] == [
            (part["day"], part["amount"]) for part in parts
        ]


def test_mails_stop_and_go_on_and_an_insolvency_is_put_down_and_lifted(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)

    def customer() -> Customer:
        with desk.database.read() as session:
            return session.scalars(select(Customer)).one()

    number = customer().id
    assert program.post("/log", {"kind": "stop_mails", "customer": number}).json()["errors"][0]["at"] == "body.text"
    assert program.post("/log", {"kind": "stop_mails", "customer": number, "text": "calls only"}).status_code == 200
    assert customer().no_mail_since == NOW.date()
    assert program.post("/log", {"kind": "resume_mails", "customer": number}).status_code == 200
    assert customer().no_mail_since is None
    line = {"kind": "insolvent", "customer": number, "day": "2026-08-20", "text": "BODACC 1234"}
    assert program.post("/log", line).status_code == 200
    assert customer().insolvent_since == date(2026, 8, 20)
    assert program.post("/log", {"kind": "solvent", "customer": number, "text": "another firm"}).status_code == 200
    assert customer().insolvent_since is None
    with desk.database.read() as session:
        assert {row.by for row in session.scalars(select(Note))} == {"erp"}


def test_the_page_stops_mails_by_the_same_deed(desk: Office) -> None:
    one_item(desk)
    lea = desk.at_work("lea")
    with desk.database.read() as session:
        number = session.scalars(select(Customer.id)).one()
    assert 'value="stop_mails"' in lea.get(f"/customers/{number}").text
    lea.post("/log", {"kind": "stop_mails", "customer": number, "text": "calls only"})
    assert 'value="resume_mails"' in lea.get(f"/customers/{number}").text


# --- several, views --------------------------------------------------------------------------------------------------


def test_several_at_once_and_each_refusal_with_its_reason(desk: Office) -> None:
    with desk.database.write() as session:
        calls = [task(session, f"FA-{number}").id for number in range(3)]
    program = Program(desk)
    entries = [{"kind": "task", "number": number} for number in (*calls, 777)]
    told = program.post("/work/bulk", {"do": "snooze", "entries": entries, "until": "2026-09-08"}).json()
    assert [one["number"] for one in told["done"]] == calls
    assert [(one["number"], one["status"]) for one in told["refused"]] == [(777, 404)]
    missing = program.post("/work/bulk", {"do": "assign", "entries": entries})
    assert (missing.status_code, missing.json()["errors"][0]["at"]) == (422, "body.assignee")
    assert len(program.post("/work/bulk", {"do": "settle", "entries": entries}).json()["done"]) == 3


def test_a_programs_views_are_its_own(desk: Office) -> None:
    program, other = Program(desk), Program(desk, "crm")
    kept = program.post("/views", {"name": "Calls", "reason": "call", "whose": "mine"}).json()
    changed = program.post("/views", {"name": "Calls", "reason": "call"}).json()
    assert (changed["id"], changed["whose"]) == (kept["id"], "")
    assert other.get("/views").json() == {"views": []}
    assert other.post(f"/views/{kept['id']}/forget").status_code == 404
    assert program.post(f"/views/{kept['id']}/forget").json() == {"views": []}


# --- files -----------------------------------------------------------------------------------------------------------


def test_mails_documents_and_everything_on_an_invoice_are_downloads(desk: Office) -> None:
    raw = mail.with_parts(
        "Bonjour", From='"A" <a@customer.test>', Subject="Avis",
        attachments=[("../avis.html", "text/html", b"<script>alert(4)</script>")],
    )  # fmt: skip
    one_item(desk, raw=raw)
    with desk.database.write() as session:
        invoice = session.scalars(select(Invoice)).one()
        kept = Document(
            invoice_id=invoice.id, kind="invoice", filename="FA-1.pdf", content_type="application/pdf",
            sha256=blob.keep(session, b"%PDF-1.4 x"), added_at=NOW, added_by="erp",
        )  # fmt: skip
        session.add(kept)
        session.flush()
        number = kept.id
    program = Program(desk)
    expected = {
        "/mails/1/source": raw, "/mails/1/attachments/0": b"<script>alert(4)</script>",
        f"/invoices/FA-1/documents/{number}": b"%PDF-1.4 x",
    }  # fmt: skip
    for path, content in expected.items():
        answered = program.get(path)
        assert answered.content == content, path
        assert answered.headers["content-type"] == "application/octet-stream"
        assert answered.headers["content-disposition"].startswith("attachment;")
    archive = zipfile.ZipFile(io.BytesIO(program.get("/invoices/FA-1/dossier").content))
    assert "manifest.json" in archive.namelist()
    for path in ("/mails/1/attachments/1", "/mails/9/source", "/invoices/FA-1/documents/999", "/invoices/X/dossier"):
        assert program.get(path).status_code == 404, path


def test_figures_are_files_too(desk: Office) -> None:
    with desk.database.write() as session:
        debtor(session, "FA-1", name="=cmd|Dupont")
    program = Program(desk)
    told = program.get("/figures/aging.csv", by="customer")
    assert told.headers["content-type"].startswith("text/csv")
    assert "'=cmd|Dupont" in told.text
    book = zipfile.ZipFile(io.BytesIO(program.get("/figures.xlsx").content))
    assert 'name="aging"' in book.read("xl/workbook.xml").decode()


# --- trained models --------------------------------------------------------------------------------------------------


def test_trained_models_are_compared_put_to_work_and_gone_back_from(
    desk: Office, begun: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(desk)
    program = Program(desk, role=Role.ADMIN)
    before = program.get("/models").json()
    assert {one["name"]: one["in_use"] for one in before["models"]} == {"default": True, NAME: False}
    body = {"reason": "reads our customers better"}
    assert "Compare it first" in program.post(f"/models/{NAME}/promote", body).json()["detail"]
    run = program.post(f"/models/{NAME}/compare").json()
    assert (run["kind"], begun) == ("comparison", [run["id"]])
    assert program.post("/models/train").status_code == 409, "one at a time"
    assert program.get("/models").json()["run"]["id"] == run["id"]
    assert program.post("/models/nothing/promote", body).status_code == 404
    with desk.database.write() as session:
        row = background.under_way(session)
        assert row is not None
        background._end(session, row, desk.clock(), error="stopped")
    compared(desk, monkeypatch, FALL)
    assert program.post(f"/models/{NAME}/promote", body).status_code == 409
    assert in_use(desk) == "default"
    assert program.post(f"/models/{NAME}/promote", {**body, "anyway": True}).status_code == 200
    assert in_use(desk) == NAME
    back = {"reason": "too many wrong", "of": NAME}
    assert program.post("/models/rollback", back).status_code == 200
    assert program.post("/models/rollback", back).status_code == 409, "a second word goes back no further"
    changes = program.get("/models").json()["changes"]
    assert [(one["kind"], one["by"]) for one in changes] == [("rolled_back", "erp"), ("promoted", "erp")]
