"""A task's page by HTTP: what is seen before a call, what would follow from it, and what is logged with it."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from models import Promise
from models.states import InvoiceState
from tests.agent.review.test_worklist import task
from tests.builders.desk import Office, state_of


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_a_promise_that_was_heard_on_the_phone_is_logged_with_the_call(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    browser = desk.at_work()
    browser.post(f"/work/task/{call}/done", {"outcome": "promise", "promise_date": "2026-09-10", "text": "Mme Roux"})
    assert state_of(desk) is InvoiceState.PROMISED
    assert "Mme Roux" in browser.get("/invoices/FA-1").text


def test_what_follows_from_a_call_is_told_before_and_nothing_has_happened_yet(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    browser = desk.at_work()
    preview = f"/work/task/{call}/done/consequence"
    assert "Choose the day" in browser.post(preview, {"outcome": "promise"}).text
    heard = {"outcome": "promise", "promise_date": "2026-09-10", "amount": "12,50"}
    assert "FA-1: reminders stop until 10 Sept 2026." in browser.post(preview, heard).text
    assert "Another call on" in browser.post(preview, {"outcome": "no_answer"}).text
    assert state_of(desk) is InvoiceState.REMINDED
    browser.post(f"/work/task/{call}/done", heard)
    with desk.database.read() as session:
        assert session.scalars(select(Promise.amount)).all() == [Decimal("12.50")]


def test_who_calls_sees_what_happened_of_late(desk: Office) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    browser = desk.at_work()
    browser.post("/log", {"invoice": "FA-1", "kind": "note", "text": "pays after the fair"})
    assert "pays after the fair" in browser.get(f"/work/task/{call}").text
