"""Two at one entry, one at the page and one by the API: the later is told who was there before, and changes nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from models import Correction, Delivery, Event, ExceptionItem, Invoice, Reminder, Task
from models.states import InvoiceState
from models.user import Role
from tests.agent.review.api.test_api import Program, one_approval
from tests.agent.review.test_worklist import task
from tests.builders.desk import Browser, Office, one_item, state_of


@pytest.fixture
def lea(desk: Office) -> Browser:
    return desk.at_work("lea", Role.APPROVER)


@pytest.fixture
def erp(desk: Office) -> Program:
    return Program(desk)


def events(desk: Office) -> int:
    with desk.database.read() as session:
        return session.scalar(select(func.count()).select_from(Event).where(Event.kind.not_like("user.%"))) or 0


def refused(desk: Office, answered: Any, by: str, before: int) -> None:
    assert answered.status_code == 409, answered.text
    assert answered.json()["by"] == by
    assert by in answered.json()["detail"]
    assert events(desk) == before, "what is refused changes nothing"


def test_what_the_page_took_the_api_is_refused_and_told_who_has_it(desk: Office, lea: Browser, erp: Program) -> None:
    item = one_item(desk)
    lea.post(f"/work/item/{item}/take")
    before = events(desk)
    base = f"/work/item/{item}"
    refused(desk, erp.post(f"{base}/take"), "lea", before)
    refused(desk, erp.post(f"{base}/give-back"), "lea", before)
    refused(desk, erp.post(f"{base}/decide", {"intent": "paid"}), "lea", before)
    refused(desk, erp.post(f"{base}/dismiss", {"reason": "x"}), "lea", before)
    refused(desk, erp.post(f"{base}/answer", {"text": "Merci"}, key="answer-1"), "lea", before)
    told = erp.post("/work/bulk", {"do": "take", "entries": [{"kind": "item", "number": item}]}).json()
    assert told["done"] == []
    assert (told["refused"][0]["status"], told["refused"][0]["by"]) == (409, "lea")
    assert events(desk) == before


def test_what_the_api_took_the_page_is_refused_and_told_who_has_it(desk: Office, lea: Browser, erp: Program) -> None:
    item = one_item(desk)
    erp.post(f"/work/item/{item}/take")
    before = events(desk)
    for path, form in (("settle", {"intent": "paid"}), ("dismiss", {}), ("take", {}), ("assign", {"assignee": "lea"})):
        answered = lea.post(f"/work/item/{item}/{path}", form)
        assert answered.status_code == 409, path
        assert "erp has taken" in answered.text
    assert events(desk) == before
    assert state_of(desk) is InvoiceState.REMINDED
    assert 'name="over" value="erp"' in lea.get(f"/work/item/{item}").text
    assert lea.post(f"/work/item/{item}/take", {"over": "erp"}).status_code == 303
    assert lea.post(f"/work/item/{item}/settle", {"intent": "paid"}).status_code == 303


def test_taking_over_is_from_whom_the_page_showed_and_from_nobody_else(desk: Office, lea: Browser) -> None:
    item = one_item(desk)
    Program(desk).post(f"/work/item/{item}/take")
    Program(desk, "crm").post(f"/work/item/{item}/take", {"over": "erp"})
    answered = lea.post(f"/work/item/{item}/take", {"over": "erp"})
    assert answered.status_code == 409
    assert "crm has taken" in answered.text


def test_a_task_that_a_colleague_has_or_has_done_is_left_alone(desk: Office, lea: Browser, erp: Program) -> None:
    with desk.database.write() as session:
        call = task(session, "FA-1").id
    lea.post(f"/work/task/{call}/take")
    before = events(desk)
    refused(desk, erp.post(f"/work/task/{call}/done"), "lea", before)
    refused(desk, erp.post(f"/work/task/{call}/take"), "lea", before)
    lea.post(f"/work/task/{call}/done", {"outcome": "done"})
    refused(desk, erp.post(f"/work/task/{call}/done"), "lea", events(desk))
    refused(desk, erp.post(f"/work/task/{call}/snooze", {"until": "2030-01-01"}), "lea", events(desk))
    with desk.database.read() as session:
        assert session.get_one(Task, call).done_by == "lea"


def test_a_reminder_that_was_edited_or_approved_in_the_meantime_is_not_what_was_meant(
    desk: Office, lea: Browser, erp: Program
) -> None:
    number = one_approval(desk)
    words = erp.get(f"/work/approval/{number}/words").json()
    assert lea.post(f"/work/approval/{number}/edit", {"subject": "Rappel", "text": words["text"]}).status_code == 303
    before = events(desk)
    refused(desk, erp.post(f"/work/approval/{number}/approve", {"seen": words["seen"]}), "lea", before)
    refused(desk, erp.post(f"/work/approval/{number}/edit", {"text": "[table]", "seen": words["seen"]}), "lea", before)
    seen = erp.get(f"/work/approval/{number}").json()["seen"]
    assert seen != words["seen"]
    assert erp.post(f"/work/approval/{number}/approve", {"seen": seen}).status_code == 200
    assert lea.post(f"/work/approval/{number}/approve").status_code == 409
    refused(desk, Program(desk, "crm").post(f"/work/approval/{number}/skip", {"reason": "x"}), "erp", events(desk))
    with desk.database.read() as session:
        assert session.scalars(select(Reminder.approved_by)).one() == "erp"
        assert len(session.scalars(select(Delivery)).all()) == 1


def test_of_four_who_settle_at_the_same_moment_one_does_and_three_are_told(
    desk: Office, lea: Browser, erp: Program
) -> None:
    item = one_item(desk)
    max_, crm = desk.at_work("max"), Program(desk, "crm")
    deeds: list[Callable[[], Any]] = [
        lambda: lea.post(f"/work/item/{item}/settle", {"intent": "paid"}),
        lambda: max_.post(f"/work/item/{item}/settle", {"intent": "paid"}),
        lambda: erp.post(f"/work/item/{item}/decide", {"intent": "paid"}),
        lambda: crm.post(f"/work/item/{item}/decide", {"intent": "paid"}),
    ]
    with ThreadPoolExecutor(4) as pool:
        answered = list(pool.map(lambda deed: deed(), deeds))
    with desk.database.read() as session:
        winner = session.get_one(ExceptionItem, item).resolved_by
        assert len(session.scalars(select(Correction)).all()) == 1
        assert session.scalars(select(Invoice.state)).one() is InvoiceState.PAYMENT_REPORTED
    assert sorted(one.status_code for one in answered).count(409) == 3
    assert all(str(winner) in one.text for one in answered if one.status_code == 409)
