"""The API by HTTP: who gets in, what a token may do, what each operation does, requests that come twice."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Mount, Route

from agent.reminders import plan
from agent.review.api import openapi, tokens
from agent.review.api.operations import OPERATIONS
from agent.review.web.app import build
from models import (
    ApiAnswer,
    ApiToken,
    Correction,
    Delivery,
    Event,
    ExceptionItem,
    Message,
    Reminder,
    SendingStop,
)
from models.states import DeliveryState, ExceptionState, InvoiceState
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import NOW, Office, answer, debtor, one_item, state_of

ROOT = Path(__file__).parents[4]


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


class Program:
    """A client with a token."""

    def __init__(self, desk: Office, name: str = "erp", role: Role = Role.APPROVER, **more: Any) -> None:
        with desk.database.write() as session:
            self.token = tokens.make(
                session, name, role, email=more.get("email"), expires_at=more.get("expires_at"), by="root", at=NOW
            )
        self.client = desk.client()

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", params=query, headers=self._headers({}))

    def post(self, path: str, body: Any = None, *, key: str = "", **headers: str) -> Any:
        more = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"/api/v1{path}", json=body, headers=self._headers(more | headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **more}


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_what_is_kept_of_a_token_can_not_be_turned_back_into_it(desk: Office) -> None:
    program = Program(desk)
    with desk.database.read() as session:
        row = session.scalars(select(ApiToken)).one()
    secret = program.token.split("_", 2)[2]
    assert re.fullmatch(r"rel_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", program.token)
    assert secret not in str({name: getattr(row, name) for name in sorted(ApiToken.__table__.columns.keys())})


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer x", "Basic cm9vdDpyb290", "Bearer rel_000000000000_" + "a" * 43]
)
def test_nobody_gets_in_without_a_good_token(desk: Office, given: str) -> None:
    Program(desk)
    answered = desk.client().get("/api/v1/work", headers={"Authorization": given} if given else {})
    assert answered.status_code == 401
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["www-authenticate"].startswith("Bearer")
    assert answered.json()["status"] == 401


def test_the_right_prefix_with_another_secret_gets_nobody_in(desk: Office) -> None:
    program = Program(desk)
    program.token = program.token[:-1] + ("A" if program.token[-1] != "A" else "B")
    assert program.get("/work").status_code == 401


def test_a_revoked_token_is_out_at_once(desk: Office) -> None:
    program = Program(desk)
    assert program.get("/work").status_code == 200
    with desk.database.write() as session:
        tokens.revoke(session, "erp", by="root", at=NOW)
    assert program.get("/work").status_code == 401


def test_an_expired_token_is_out(desk: Office) -> None:
    program = Program(desk, expires_at=NOW + timedelta(days=1))
    assert program.get("/work").status_code == 200
    desk.clock.passes(timedelta(days=1))
    assert program.get("/work").status_code == 401


def test_the_last_use_is_noted_once_a_minute(desk: Office) -> None:
    program = Program(desk)

    def last() -> Any:
        with desk.database.read() as session:
            return session.scalars(select(ApiToken.last_used_at)).one()

    program.get("/work")
    first = last()
    desk.clock.passes(timedelta(seconds=10))
    program.get("/work")
    assert first == last() == NOW
    desk.clock.passes(timedelta(minutes=1))
    program.get("/work")
    assert last() == NOW + timedelta(seconds=70)


def test_a_name_belongs_to_one_program_or_person(desk: Office) -> None:
    desk.person("lea")
    Program(desk, "erp")
    with pytest.raises(Exception, match="is taken"):
        Program(desk, "Lea")
    with pytest.raises(Exception, match="token of the API"):
        desk.person("ERP")


def test_who_asks_too_often_has_to_wait(desk: Office) -> None:
    program = Program(desk)
    answered = [program.get("/work/counts").status_code for _ in range(301)]
    assert answered == [200] * 300 + [429]
    assert int(program.get("/work/counts").headers["retry-after"]) >= 1
    desk.clock.passes(timedelta(seconds=1))
    assert program.get("/work/counts").status_code == 200


def test_guessing_tokens_is_throttled_and_others_tokens_from_there_with_it(desk: Office) -> None:
    client = desk.client()
    answered = [client.get("/api/v1/work", headers={"Authorization": "Bearer x"}).status_code for _ in range(31)]
    assert answered == [401] * 30 + [429]


# --- who may what ----------------------------------------------------------------------------------------------------

WRITES = [
    ("/work/item/1/take", None, Role.REVIEWER),
    ("/work/item/1/snooze", {"until": "2026-12-01"}, Role.REVIEWER),
    ("/work/item/1/decide", {"intent": "paid"}, Role.REVIEWER),
    ("/work/item/1/dismiss", {"reason": "no"}, Role.REVIEWER),
    ("/work/item/1/answer", {"text": "Hello"}, Role.REVIEWER),
    ("/undo", None, Role.REVIEWER),
    ("/outgoing/stop", {"reason": "no"}, Role.REVIEWER),
    ("/outgoing/resume", None, Role.APPROVER),
    ("/work/approval/1/approve", None, Role.APPROVER),
    ("/log", {"kind": "note", "invoice": "FA-1", "text": "x"}, Role.SALES),
]


@pytest.mark.parametrize(("path", "body", "least"), WRITES, ids=[path for path, _, _ in WRITES])
def test_a_role_may_do_its_own_and_no_more(desk: Office, path: str, body: Any, least: Role) -> None:
    one_item(desk)
    ranks = [Role.VIEWER, Role.SALES, Role.REVIEWER, Role.APPROVER]
    for rank, role in enumerate(ranks):
        program = Program(desk, role.value, role, email="sam@morel.example")
        answered = program.post(path, body, key="k" * 20)
        assert (answered.status_code == 403) is (rank < ranks.index(least)), (role, answered.text)
        assert answered.status_code < 500


def test_a_sales_token_reaches_no_customer_of_others(desk: Office) -> None:
    item = one_item(desk)
    program = Program(desk, "sam", Role.SALES, email="sam@morel.example")
    for path in (f"/work/item/{item}", "/invoices/FA-1", "/customers/K1", "/mails/1/why", f"/work/item/{item}/drafts"):
        assert program.get(path).status_code == 404, path
    told = program.get("/work").text + program.get("/customers").text + program.get("/invoices").text
    assert "Dupont" not in told
    assert "FA-1" not in told
    assert program.post("/log", {"kind": "note", "invoice": "FA-1", "text": "x"}).status_code == 404


# --- what it does ----------------------------------------------------------------------------------------------------


def test_the_work_list_goes_on_by_key(desk: Office) -> None:
    with desk.database.write() as session:
        for number in range(5):
            owner, invoices = debtor(session, f"FA-{number}", id=f"K{number}", email=f"a{number}@k{number}.example")
            answer(session, owner, invoices, priority=50 + number % 2)
    program = Program(desk)
    seen, after = [], ""
    while True:
        page = program.get("/work", limit=2, after=after).json()
        seen += [entry["id"] for entry in page["entries"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert program.get("/work/counts").json() == {"counts": {"low_confidence": 5}, "total": 5}
    assert program.get("/work", reason="question").json()["entries"] == []


def test_an_item_tells_what_its_page_tells(desk: Office) -> None:
    item = one_item(desk)
    told = Program(desk).get(f"/work/item/{item}").json()
    assert told["way"] == "intent"
    assert told["entry"]["suggested"] == "promise"
    assert told["invoices"][0]["number"] == "FA-1"
    assert re.fullmatch(r"\d+\.\d\d", told["invoices"][0]["balance"])
    assert "20 septembre" in told["mails"][-1]["text"]
    assert told["prediction"]["promise_date"] == "2026-09-20"


def test_a_decision_is_previewed_made_kept_as_a_correction_and_undone(desk: Office) -> None:
    item = one_item(desk)
    program = Program(desk)
    word = {"intent": "paid"}
    told = program.post(f"/work/item/{item}/preview", word).json()
    assert state_of(desk) is InvoiceState.REMINDED
    done = program.post(f"/work/item/{item}/decide", word).json()
    assert done == told
    assert state_of(desk) is InvoiceState.PAYMENT_REPORTED
    with desk.database.read() as session:
        assert session.scalars(select(Correction)).one().corrected_by == "erp"
        assert "erp" in session.scalars(select(Event.actor).where(Event.kind == "invoice.payment_reported")).all()
    assert program.post("/undo").json()["id"] == item
    assert state_of(desk) is InvoiceState.REMINDED


def test_an_item_that_a_colleague_has_taken_is_left_alone(desk: Office) -> None:
    item = one_item(desk)
    desk.person("lea")
    program = Program(desk)
    assert program.post(f"/work/item/{item}/assign", {"assignee": "lea"}).json()["assignee"] == "lea"
    refused = program.post(f"/work/item/{item}/decide", {"intent": "paid"})
    assert refused.status_code == 409
    assert "lea has taken" in refused.json()["detail"]
    assert refused.json()["by"] == "lea"
    assert program.post(f"/work/item/{item}/take").json()["by"] == "lea", "nobody is overtaken by accident"
    assert program.post(f"/work/item/{item}/take", {"over": "paul"}).status_code == 409
    assert program.post(f"/work/item/{item}/take", {"over": "lea"}).json()["assignee"] == "erp"
    assert program.post(f"/work/item/{item}/decide", {"intent": "paid"}).status_code == 200
    assert program.post(f"/work/item/{item}/decide", {"intent": "paid"}).status_code == 409


def test_an_item_is_put_away_and_dismissed(desk: Office) -> None:
    item = one_item(desk)
    program = Program(desk)
    assert program.post(f"/work/item/{item}/snooze", {"until": "2020-01-01"}).status_code == 409
    assert program.post(f"/work/item/{item}/snooze", {"until": "2030-01-01"}).json()["state"] == "snoozed"
    assert program.get("/work").json()["entries"] == []
    assert len(program.get("/work", asleep="true").json()["entries"]) == 1
    assert program.post(f"/work/item/{item}/give-back").json()["state"] == "open"
    assert program.post(f"/work/item/{item}/dismiss", {"reason": "a greeting"}).status_code == 200
    with desk.database.read() as session:
        assert session.get_one(ExceptionItem, item).state is ExceptionState.DISMISSED


def test_customers_and_invoices_tell_their_story(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)
    customer = program.get("/customers", text="dupont").json()["customers"][0]
    assert customer["name"] == "Dupont & Fils <SARL>"
    story = program.get(f"/customers/{customer['id']}").json()
    assert story["invoices"][0]["number"] == "FA-1"
    assert story["customer"]["balance"] == customer["balance"]
    program.post("/log", {"kind": "hold", "invoice": "FA-1", "text": "talking to them", "day": "2026-12-31"})
    told = program.get("/invoices/FA-1").json()
    assert told["invoice"]["hold"]["by"] == "erp"
    assert {moment["code"] for moment in told["timeline"]} >= {"due", "asked"}
    assert program.get("/invoices", state="reminded").json()["invoices"][0]["number"] == "FA-1"
    assert program.get("/mails/1/why").json()["sentences"]


def test_the_kill_switch(desk: Office) -> None:
    program = Program(desk)
    assert program.post("/outgoing/stop", {"reason": "wrong file"}).json()["stops"][0]["placed_by"] == "erp"
    assert program.get("/outgoing").json()["stops"][0]["detail"] == "wrong file"
    assert program.post("/outgoing/resume").json() == {"stops": []}
    with desk.database.read() as session:
        assert session.scalars(select(SendingStop.lifted_by)).one() == "erp"


def test_figures_are_those_of_the_command(desk: Office) -> None:
    one_item(desk)
    told = Program(desk).get("/figures/aging").json()
    assert told["name"] == "aging"
    assert re.fullmatch(r"\d+\.\d\d", told["rows"][0]["total"])
    assert Program(desk, "other").get("/figures/nothing").status_code == 404


def one_approval(desk: Office) -> int:
    with desk.database.write() as session:
        ledger.invoice(session, ledger.customer(session, "C1"), "FA-1")
    ledger.load(desk.database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))
    assert plan.drain(desk.database, desk.settings, NOW).mails == 1
    with desk.database.read() as session:
        return session.scalars(select(Reminder.id)).one()


def test_a_reminder_is_approved_and_the_yes_taken_back(desk: Office) -> None:
    number = one_approval(desk)
    program = Program(desk)
    told = program.get(f"/work/approval/{number}").json()
    assert (told["step"], told["approval"]) == ("friendly_reminder", "waiting")
    assert "FA-1" in told["mail"]["text"]
    assert program.get("/work", reason="approval").json()["entries"][0]["id"] == number
    assert program.post(f"/work/approval/{number}/approve").status_code == 200
    with desk.database.read() as session:
        assert session.get_one(Reminder, number).approved_by == "erp"
    assert program.post("/undo").json()["kind"] == "approval"
    assert program.get(f"/work/approval/{number}").json()["approval"] == "waiting"


def test_a_reminder_is_left_out_for_good(desk: Office) -> None:
    number = one_approval(desk)
    program = Program(desk)
    assert program.post(f"/work/approval/{number}/skip", {"reason": "they pay today"}).status_code == 200
    assert program.post(f"/work/approval/{number}/approve").status_code == 409
    with desk.database.read() as session:
        assert session.scalars(select(Delivery.state)).one() is DeliveryState.CANCELLED


# --- twice -----------------------------------------------------------------------------------------------------------


def test_the_same_write_with_the_same_key_is_carried_out_once(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)
    line = {"kind": "note", "invoice": "FA-1", "text": "they will call"}
    first, second = (program.post("/log", line, key="note-1") for _ in range(2))
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    with desk.database.read() as session:
        assert len(session.scalars(select(Event).where(Event.kind == "note.logged")).all()) == 1


def test_a_key_that_comes_with_another_request_is_refused(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)
    program.post("/log", {"kind": "note", "invoice": "FA-1", "text": "one"}, key="k")
    assert program.post("/log", {"kind": "note", "invoice": "FA-1", "text": "two"}, key="k").status_code == 422


def test_a_refused_write_leaves_its_key_free(desk: Office) -> None:
    item = one_item(desk)
    program = Program(desk)
    assert (
        program.post(
            f"/work/item/{item}/decide", {"intent": "paid", "per_invoice": {"FA-9": "paid"}}, key="k"
        ).status_code
        == 409
    )
    with desk.database.read() as session:
        assert session.scalars(select(ApiAnswer)).all() == []


def test_a_key_counts_for_a_day(desk: Office) -> None:
    one_item(desk)
    program = Program(desk)
    program.post("/log", {"kind": "note", "invoice": "FA-1", "text": "one"}, key="k")
    desk.clock.passes(timedelta(hours=25))
    program.post("/log", {"kind": "note", "invoice": "FA-1", "text": "two"}, key="l")
    with desk.database.read() as session:
        assert [row.key for row in session.scalars(select(ApiAnswer))] == ["l"]


def test_an_answer_sent_twice_is_one_mail(desk: Office) -> None:
    item = one_item(desk)
    program = Program(desk)
    body = {"text": "Merci, c'est noté."}
    assert program.post(f"/work/item/{item}/answer", body).status_code == 400
    first, second = (program.post(f"/work/item/{item}/answer", body, key="a-1").json() for _ in range(2))
    assert first == second
    with desk.database.write() as session:
        session.query(ApiAnswer).delete()  # the key's row is gone: the Message-ID alone still knows it
    third = program.post(f"/work/item/{item}/answer", body, key="a-1").json()
    assert (third["message_id"], third["is_new"]) == (first["message_id"], False)
    with desk.database.read() as session:
        assert len(session.scalars(select(Delivery)).all()) == 1


def test_what_is_kept_for_a_key_holds_no_words_of_a_customer(desk: Office) -> None:
    item = one_item(desk)
    program = Program(desk)
    for number, (path, body) in enumerate(
        [
            (f"/work/item/{item}/take", None),
            (f"/work/item/{item}/answer", {"text": "Merci"}),
            (f"/work/item/{item}/decide", {"intent": "paid"}),
        ]
    ):
        assert program.post(path, body, key=f"k{number}").status_code == 200
    with desk.database.read() as session:
        kept = json.dumps([row.body for row in session.scalars(select(ApiAnswer))])
        subject = session.scalars(select(Message.subject)).first()
    assert "Dupont" not in kept
    assert str(subject) not in kept


# --- broken requests -------------------------------------------------------------------------------------------------

BROKEN = [
    ("/work/item/1/decide", {"intent": "nonsense"}, "body.intent"),
    ("/work/item/1/decide", {"unknown": 1}, "body.unknown"),
    ("/work/item/1/snooze", {"until": "tomorrow"}, "body.until"),
    ("/work/item/1/snooze", {}, "body.until"),
    ("/log", {"kind": "promise", "invoice": "FA-1", "amount": "1e5"}, "body.amount"),
    ("/log", {"kind": "note", "invoice": "FA-1"}, "body.text"),
]


@pytest.mark.parametrize(("path", "body", "at"), BROKEN)
def test_a_wrong_value_is_told_with_its_place(desk: Office, path: str, body: Any, at: str) -> None:
    answered = Program(desk).post(path, body)
    assert answered.status_code == 422
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["errors"][0]["at"] == at


def test_what_is_no_json_is_told_so(desk: Office) -> None:
    program = Program(desk)
    answered = program.client.post("/api/v1/log", content=b"{", headers={"Authorization": f"Bearer {program.token}"})
    assert answered.status_code == 400


def test_unknown_addresses_and_methods_are_problems_too(desk: Office) -> None:
    program = Program(desk)
    for answered, status in (
        (program.get("/nothing"), 404),
        (program.get("/invoices/a%0Ab"), 404),
        (program.post("/work"), 405),
    ):
        assert answered.status_code == status
        assert answered.headers["content-type"] == "application/problem+json"


def test_a_log_in_on_the_pages_opens_nothing_here(desk: Office) -> None:
    browser = desk.at_work()
    assert browser.get("/api/v1/work").status_code == 401


# --- the document ----------------------------------------------------------------------------------------------------


def test_the_document_has_every_route_and_no_other(desk: Office) -> None:
    mounts = [route for route in build(desk.desk).routes if isinstance(route, Mount) and route.path == openapi.BASE]
    served = {
        (re.sub(":path", "", route.path), method)
        for route in mounts[0].routes
        if isinstance(route, Route) and route.path != "/openapi.json"
        for method in (route.methods or set()) - {"HEAD"}
    }
    told = {(path, method.upper()) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert served == told
    assert len(told) == len(OPERATIONS)


def test_the_document_that_is_served_is_the_one_in_docs(desk: Office) -> None:
    served = desk.client().get("/api/v1/openapi.json")
    assert served.status_code == 200
    committed = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert served.text == committed, "run: relance openapi > docs/openapi.json"
