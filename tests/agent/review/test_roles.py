"""Every page, deed and operation for every role; and what a sales person sees, wherever they look: their customers."""

import dataclasses
import io
import re
import threading
import zipfile
from datetime import timedelta
from typing import get_args

import pytest
from sqlalchemy import func, select

from agent.learning import background
from agent.ledger import byhand
from agent.ledger.tasks import open_task
from agent.reminders import plan
from agent.reports.tables import REPORTS
from agent.review import people
from agent.review.api import given
from agent.review.api.frame import Operation
from agent.review.api.operations import OPERATIONS
from agent.review.rights import LINES, RIGHTS, Right
from agent.review.web.app import PLACES, Place
from models import Customer, Document, Event, Hold, Invoice, Reminder, SendingStop, blob
from models.reasons import TaskKind
from models.states import InvoiceState
from models.user import Role
from tests.agent.review.api.test_api import Program
from tests.builders import ledger, mail
from tests.builders.desk import NOW, Browser, Office, answer, one_item, state_of

SAM = "sam@morel.example"
ORDER = (Role.VIEWER, Role.SALES, Role.REVIEWER, Role.APPROVER, Role.ADMIN)
LEAST = {Right.READ: Role.VIEWER, Right.LOG: Role.SALES, Right.WORK: Role.REVIEWER, Right.APPROVE: Role.APPROVER,
         Right.MANAGE: Role.ADMIN}  # fmt: skip
DEEDS = {
    Role.VIEWER: {"keep_view", "forget_view"},
    Role.SALES: {"log"},
    Role.REVIEWER: {
        "take", "give_back", "assign", "snooze", "preview", "decide", "end_disputes", "dismiss", "answer",
        "finish_task", "preview_audit", "preview_task", "judge_audit", "letter", "bulk", "undo", "stop_sending",
    },
    Role.APPROVER: {"edit", "approve", "skip", "resume_sending"},
    Role.ADMIN: {"train", "compare", "promote", "rollback"},
}  # fmt: skip
"""By role, what it may do that the one before it may not."""


@pytest.fixture
def desk(small_desk: Office) -> Office:
    """Over it nothing begins a training."""
    small_desk._desk = dataclasses.replace(small_desk.desk, start=lambda *_: threading.Thread())
    return small_desk


def test_the_roles_are_those_of_the_table() -> None:
    for role in ORDER:
        assert RIGHTS[role] == {right for right, least in LEAST.items() if ORDER.index(least) <= ORDER.index(role)}


def test_every_deed_asks_for_the_role_of_the_table() -> None:
    asked = {
        role: {one.name for one in OPERATIONS if one.method == "POST" and LEAST[one.right] is role} for role in ORDER
    }
    assert asked == DEEDS
    assert {one.right for one in OPERATIONS if one.method == "GET"} == {Right.READ}


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "1", path.replace("{kind}", "item").replace("{name}", "aging"))


@pytest.mark.parametrize("role", ORDER)
def test_a_page_opens_for_who_may_and_for_nobody_else(desk: Office, role: Role) -> None:
    browser = desk.at_work("somebody", role, email=SAM)
    token = browser.token()
    for place in PLACES:
        if place.right is None:
            continue
        answered = browser.client.request(
            place.method, filled(place.path), data={"csrf": token} if place.method == "POST" else None
        )
        may = ORDER.index(LEAST[place.right]) <= ORDER.index(role)
        assert (answered.status_code != 403) is may, (place.method, place.path, answered.status_code)
        assert answered.status_code < 500, place.path
    with desk.database.read() as session:
        assert background.under_way(session) is None or role is Role.ADMIN


@pytest.mark.parametrize("role", ORDER)
def test_an_operation_is_for_who_may_and_for_nobody_else(desk: Office, role: Role) -> None:
    program = Program(desk, "somebody", role, email=SAM)
    for one in OPERATIONS:
        answered = program.client.request(
            one.method, f"/api/v1{filled(one.path)}", headers={"Authorization": f"Bearer {program.token}"}
        )
        may = ORDER.index(LEAST[one.right]) <= ORDER.index(role)
        assert (answered.status_code != 403) is may, (one.name, answered.status_code)
        assert answered.status_code < 500, one.name
        if not may:
            assert answered.json()["title"] == "The token's role does not allow this."


@pytest.mark.parametrize("place", [one for one in PLACES if one.right is not None], ids=lambda one: one.path)
def test_nobody_gets_in_without_a_log_in(desk: Office, place: Place) -> None:
    browser = Browser(desk.client())
    form = {"csrf": browser.token()} if place.method == "POST" else None
    answered = browser.client.request(place.method, filled(place.path), data=form)
    assert answered.status_code == 303
    assert answered.headers["location"].startswith("/login")


@pytest.mark.parametrize("place", [one for one in PLACES if one.method == "POST"], ids=lambda one: one.path)
def test_no_form_counts_without_the_pages_token(desk: Office, place: Place) -> None:
    browser = desk.at_work("root", Role.ADMIN)
    for form in ({}, {"csrf": "guessed"}):
        assert browser.client.post(filled(place.path), data=form).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    assert browser.client.post(filled(place.path), data={"csrf": browser.token()}, headers=foreign).status_code == 403
    assert browser.get("/").status_code == 200, "nobody was logged out by it"


# --- their own customers ---------------------------------------------------------------------------------------------

HIDDEN = ("Dupont", "THEIRS", "theirs", "hidden-segment")


@dataclasses.dataclass(frozen=True)
class Side:
    """What there is of one customer."""

    customer: str
    invoice: str
    numbers: dict[str, int]
    """By kind of entry, and `mail` and `document`."""

    def path(self, template: str) -> str:
        found = template
        for kind in ("item", "task", "approval"):
            found = found.replace(f"/{kind}/{{number}}", f"/{kind}/{self.numbers[kind]}")
        found = found.replace("{kind}/{number}", f"item/{self.numbers['item']}")
        found = re.sub(r"/(mails?)/\{number\}", rf"/\1/{self.numbers['mail']}", found)
        found = re.sub(r"/documents/\{\w+\}", f"/documents/{self.numbers['document']}", found)
        found = re.sub(r"/customers/\{[^}]*\}", f"/customers/{self.customer}", found)
        found = re.sub(r"/invoices/\{[^}]*\}", f"/invoices/{self.invoice}", found)
        return found.replace("{place}", "0").replace("{name}", "aging")


@pytest.fixture
def sides(desk: Office) -> tuple[Side, Side]:
    """Sam's customer, and another's."""
    people = (
        ("MINE", "FA-MINE", {"name": "Petit SARL", "account_manager": SAM, "segment": "mine"}),
        (
            "THEIRS",
            "FA-THEIRS",
            {"name": "Dupont", "account_manager": "eve@morel.example", "segment": "hidden-segment"},
        ),
    )
    with desk.database.write() as session:
        for number, invoice, more in people:
            ledger.invoice(
                session, ledger.customer(session, number, email=f"ap@{number.lower()}.example", **more), invoice
            )
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert plan.drain(desk.database, desk.settings, NOW).mails == 2
    return _side(desk, "MINE", "FA-MINE"), _side(desk, "THEIRS", "FA-THEIRS")


def _side(desk: Office, customer: str, number: str) -> Side:
    raw = mail.with_parts(
        f"Bonjour, {number}", From=f'"{customer}" <ap@{customer.lower()}.example>', Subject=f"Re: {number}",
        **{"Message-ID": f"<a@{customer.lower()}.example>"}, attachments=[("a.pdf", "application/pdf", b"%PDF-1.4")],
    )  # fmt: skip
    with desk.database.write() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == number)).one()
        item = answer(session, session.get_one(Customer, customer), [invoice], raw=raw)
        kept = Document(
            invoice_id=invoice.id, kind="invoice", filename=f"{number}.pdf", content_type="application/pdf",
            sha256=blob.keep(session, number.encode()), added_at=NOW, added_by="x",
        )  # fmt: skip
        session.add(kept)
        session.flush()
        call = open_task(
            session, key=f"call:{number}", kind=TaskKind.CALL, invoices=[invoice], detail=f"call {number}",
            due_on=NOW.date(), at=NOW,
        ).id  # fmt: skip
        approval = session.scalars(select(Reminder.id).where(Reminder.customer_id == customer)).one()
        numbers = {
            "item": item.id, "task": call, "approval": approval, "mail": item.message_id or 0, "document": kept.id
        }  # fmt: skip
    return Side(customer, number, numbers)


def says(content: bytes) -> str:
    """What a file or answer says, a workbook unpacked."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            return "".join(opened.read(name).decode("utf-8", "replace") for name in opened.namelist())
    return content.decode("utf-8", "replace")


def is_of_one(path: str) -> bool:
    return "{" in path.replace("{name}", "").replace("/views/{number}", "")


@pytest.mark.parametrize("one", [one for one in OPERATIONS if one.method == "GET"], ids=lambda one: one.name)
def test_by_api_a_sales_person_sees_their_own_customers_only(
    desk: Office, sides: tuple[Side, Side], one: Operation
) -> None:
    mine, theirs = sides
    program = Program(desk, "sam", Role.SALES, email=SAM)
    if is_of_one(one.path):
        shown = 409 if one.name == "words" else 200  # while the customer's mail waits, its reminder can't be edited
        assert program.get(mine.path(one.path)).status_code in (shown, 200), "there is something to see"
        refused = program.get(theirs.path(one.path))
        assert refused.status_code == 404
        assert "Dupont" not in refused.text
        return
    names = REPORTS if "{name}" in one.path else ("",)
    for name in names:
        for asked in ({}, {"text": "FA"}, {"text": "Dupont"}, {"customer": "THEIRS"}, {"owner": "eve@morel.example"},
                      {"segment": "hidden-segment"}, {"by": "customer"}):  # fmt: skip
            if set(asked) <= set(one.query.model_fields if one.query is not None else ()):
                answered = program.get(one.path.replace("{name}", name), **asked)
                assert answered.status_code < 500
                told = says(answered.content)
                if answered.status_code == 200:
                    assert not [word for word in HIDDEN if word in told], (one.name, name, asked)
                else:
                    assert "Dupont" not in told


@pytest.mark.parametrize(
    "place", [one for one in PLACES if one.method == "GET" and one.right], ids=lambda one: one.path
)
def test_on_the_pages_a_sales_person_sees_their_own_customers_only(
    desk: Office, sides: tuple[Side, Side], place: Place
) -> None:
    mine, theirs = sides
    sam = desk.at_work("sam", Role.SALES, email=SAM)
    draft = "?draft=own" if place.path.endswith("/draft") else ""
    if is_of_one(place.path):
        assert sam.get(mine.path(place.path) + draft).status_code == 200, "there is something to see"
        refused = sam.get(theirs.path(place.path) + draft)
        assert refused.status_code == 404
        assert not [word for word in ("Dupont", "eve@") if word in refused.text]
        return
    for name in REPORTS if "{name}" in place.path else ("",):
        for asked in ("", "?text=FA", "?reason=call", "?part=work", "?part=answers", "?by=customer"):
            answered = sam.get(place.path.replace("{name}", name) + asked)
            assert answered.status_code in (200, 204), place.path
            assert not [word for word in HIDDEN if word in says(answered.content)], (place.path, name, asked)


def test_what_a_sales_person_writes_down_is_of_their_own_customers_only(desk: Office, sides: tuple[Side, Side]) -> None:
    sam = desk.at_work("sam", Role.SALES, email=SAM)
    program = Program(desk, "sam-token", Role.SALES, email=SAM)
    for customer, invoice, status in (("MINE", "FA-MINE", 200), ("THEIRS", "FA-THEIRS", 404), ("NONE", "FA-9", 404)):
        for on in ({"customer": customer}, {"invoice": invoice}):
            assert program.post("/log", {"kind": "note", "text": "x", **on}).status_code == status
            page = sam.post("/log", {"kind": "note", "text": "x", **on})
            assert page.status_code == (303 if status == 200 else 404)


DECIDED: dict[str, dict[str, object]] = {
    "plan": {"instalments": [{"day": "2027-01-01", "amount": "1.00"}]},
    "verdict": {"verdict": "upheld"},
    "insolvent": {"day": "2026-01-01", "text": "x"},
    "solvent": {"text": "x"},
    "stop_mails": {"text": "x"},
    "resume_mails": {},
    "wrong_person": {"address": "ap@mine.example"},
    "left_company": {"address": "ap@mine.example"},
    "contact_right": {"address": "ap@mine.example"},
}
"""Lines by hand that decide something, with what each needs besides; sales people write down the others."""


def test_every_line_by_hand_asks_for_the_right_of_the_table() -> None:
    assert set(get_args(given.Line.model_fields["kind"].annotation)) == set(LINES)
    assert {kind for kind, right in LINES.items() if right is Right.WORK} == set(DECIDED)
    assert {LINES[kind] for kind in set(LINES) - set(DECIDED)} == {Right.LOG}


@pytest.mark.parametrize("kind", DECIDED)
def test_no_sales_person_decides_by_a_line(desk: Office, sides: tuple[Side, Side], kind: str) -> None:
    with desk.database.write() as session:
        row = session.scalars(select(Invoice).where(Invoice.number == "FA-MINE")).one()
        byhand.log_dispute(
            session, byhand.Target(row.customer, row), "quality", None, byhand.Deed("lea", NOW), desk.settings
        )
        before = session.scalar(select(func.max(Event.seq)))
    sam = desk.at_work("sam", Role.SALES, email=SAM)
    program = Program(desk, "sam-token", Role.SALES, email=SAM)
    refused = program.post("/log", {"kind": kind, "invoice": "FA-MINE", **DECIDED[kind]})
    assert refused.status_code == 403, refused.text
    form = {name: value for name, value in DECIDED[kind].items() if isinstance(value, str)}
    assert sam.post("/log", {"kind": kind, "invoice": "FA-MINE", **form}).status_code == 403
    for page in ("/customers/MINE", "/invoices/FA-MINE"):
        assert f'name="kind" value="{kind}"' not in sam.get(page).text
    with desk.database.read() as session:
        done = session.scalars(select(Event.kind).where(Event.seq > before))
        assert {one for one in done if not one.startswith(("user.", "api_token."))} == set()


@pytest.mark.parametrize(("by", "status"), [("sam", 303), ("lea", 403)])
def test_a_sales_person_releases_their_own_hold_only(
    desk: Office, sides: tuple[Side, Side], by: str, status: int
) -> None:
    with desk.database.write() as session:
        on = byhand.target(session, None, "MINE")
        byhand.hold(session, on, "wait", None, byhand.Deed(by, NOW), desk.settings)
        past = Hold(customer_id="MINE", reason="x", until=NOW.date() - timedelta(1), placed_by="eve", placed_at=NOW)
        session.add(past)  # one that has ended by itself asks for nobody's word
    sam = desk.at_work("sam", Role.SALES, email=SAM)
    assert ('value="release"' in sam.get("/customers/MINE").text) is (status == 303)
    assert sam.post("/log", {"kind": "release", "customer": "MINE"}).status_code == status
    with desk.database.read() as session:
        held = session.scalars(select(Hold.released_by).where(Hold.reason == "wait")).one()
    assert held == ("sam" if status == 303 else None)
    lea = desk.at_work("lea")
    assert ('value="release"' in lea.get("/customers/MINE").text) is (status != 303)
    assert lea.post("/log", {"kind": "release", "customer": "MINE"}).status_code == 303


def test_a_sales_person_of_no_address_sees_nobodys_figures(desk: Office) -> None:
    with desk.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "K1", name="Dupont", account_manager=None), "FA-1")
    with desk.database.write() as session:
        people.add(
            session, "nobody", Role.SALES, "correct horse battery", email="x@y.example", language="en", by="t", at=NOW
        )
        people.find(session, "nobody").email = None  # as a provider may leave it
    browser = Browser(desk.client())
    assert browser.log_in("nobody").status_code == 303
    for path in ("/figures", "/figures/aging.csv?by=customer", "/figures.xlsx", "/customers", "/", "/outgoing"):
        assert "Dupont" not in says(browser.get(path).content), path


def test_a_viewer_looks_and_changes_nothing(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work(role=Role.VIEWER)
    page = browser.get(f"/work/item/{item}")
    assert page.status_code == 200
    assert 'name="intent"' not in page.text
    assert browser.post(f"/work/item/{item}/settle", {"intent": "paid"}).status_code in (303, 403)
    assert browser.post("/log", {"kind": "hold", "invoice": "FA-1"}).status_code in (303, 403)
    assert state_of(desk) is InvoiceState.REMINDED


def test_a_sales_person_reaches_no_customer_of_others(desk: Office) -> None:
    item = one_item(desk)
    browser = desk.at_work("sam", Role.SALES, email="sam@morel.example")
    for path in (
        f"/work/item/{item}",
        "/invoices/FA-1",
        "/invoices/FA-1/dossier",
        "/mail/1/html",
        "/mail/1/why",
        "/mail/1/source",
    ):
        assert browser.get(path).status_code == 404, path
    assert "Dupont" not in browser.get("/customers").text
    assert "Dupont" not in browser.get("/").text
    assert browser.post("/log", {"kind": "note", "invoice": "FA-1", "text": "x"}).status_code == 404
    with desk.database.read() as session:
        assert session.scalar(select(Event).where(Event.actor == "sam", Event.kind == "note.logged")) is None


def test_a_reviewer_stops_sending_and_an_approver_lets_it_go_on(desk: Office) -> None:
    lea, max_ = desk.at_work("lea"), desk.at_work("max", Role.APPROVER)
    assert lea.post("/outgoing/stop", {"reason": "wrong bank details in the template"}).status_code == 303
    lea.post("/outgoing/resume")
    with desk.database.read() as session:
        assert session.scalars(select(SendingStop.lifted_at)).all() == [None]
    assert "wrong bank details" in lea.get("/outgoing").text
    assert max_.post("/outgoing/resume").status_code == 303
    with desk.database.read() as session:
        assert session.scalars(select(SendingStop.lifted_by)).all() == ["max"]
