"""Why an invoice's next step comes when it does, and what every page says while nothing is sent."""

import pytest

from models import Database, ExceptionItem, SendingStop
from models.reasons import ExceptionReason
from models.user import Role
from tests.builders import ledger
from tests.builders.desk import NOW, Office, answer, debtor


def imported(database: Database, desk: Office) -> None:
    ledger.load(database, desk.settings, "payments", ledger.csv("id,date,amount,customer_id"))


def test_the_invoices_page_says_by_which_rule_of_which_plan_its_next_step_comes(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner = ledger.customer(session)
        ledger.invoice(session, owner, "FA-1", due_date=NOW.date())
    imported(small_desk.database, small_desk)
    browser = small_desk.at_work()
    page = browser.get("/invoices/FA-1").text
    assert "3 days after the due date, plan standard" in page


def test_what_keeps_the_next_step_back_stands_in_its_place_with_a_way_there(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1")
        item = answer(session, owner, invoices, reason=ExceptionReason.QUESTION, primary="question").id
    imported(small_desk.database, small_desk)
    page = small_desk.at_work().get("/invoices/FA-1").text
    assert "Waits for a person" in page
    assert f'href="/work/item/{item}"' in page
    assert "days after the due date" not in page


@pytest.mark.parametrize("path", ["/", "/customers", "/work/item/1"])
def test_every_page_says_that_sending_is_stopped(small_desk: Office, path: str) -> None:
    with small_desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1")
        answer(session, owner, invoices)
    browser = small_desk.at_work("ada", Role.APPROVER)
    told = "All sending is stopped"
    assert told not in browser.get(path).text
    browser.post("/outgoing/stop", {"reason": "the bank is closed"})
    assert told in browser.get(path).text
    browser.post("/outgoing/resume")
    assert told not in browser.get(path).text
    with small_desk.database.read() as session:
        assert session.query(SendingStop).count() == 1


def test_a_dispute_has_an_owner_and_a_day_by_which_it_is_decided(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        debtor(session, "FA-1")
    browser = small_desk.at_work()
    browser.post("/log", {"invoice": "FA-1", "kind": "dispute", "dispute_reason": "quality"})
    with small_desk.database.read() as session:
        item = session.query(ExceptionItem).one().id
    page = browser.get("/invoices/FA-1").text
    assert "to be decided by" in page
    assert f'<a href="/work/item/{item}">nobody&#39;s yet</a>' in page
    browser.post(f"/work/item/{item}/take")
    assert f'<a href="/work/item/{item}">lea</a>' in browser.get("/invoices/FA-1").text
    assert "lea · " in browser.get(f"/work/item/{item}").text


def test_a_promise_says_until_when_its_money_may_come(small_desk: Office) -> None:
    with small_desk.database.write() as session:
        debtor(session, "FA-1")
    browser = small_desk.at_work()
    browser.post("/log", {"invoice": "FA-1", "kind": "promise", "day": "2026-09-10"})
    assert "the money may come until 14 Sept 2026" in browser.get("/invoices/FA-1").text
