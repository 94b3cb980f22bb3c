"""The work list's pages by HTTP: several entries at once, saved views, undo, and what showing a page costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from models import Database, Task
from models.states import InvoiceState, TaskState
from tests.agent.review.test_worklist import task
from tests.builders.desk import NOW, Office, answer, debtor, one_item, state_of


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_undo_takes_the_last_deed_back_whatever_it_was(desk: Office) -> None:
    item = one_item(desk)
    with desk.database.write() as session:
        call = task(session, "FA-9").id
    browser = desk.at_work()
    browser.post(f"/work/item/{item}/settle", {"intent": "paid"})
    desk.clock.passes(timedelta(minutes=1))
    browser.post(f"/work/task/{call}/done", {"outcome": "done", "text": "left a message"})
    assert browser.post("/undo").headers["location"] == f"/work/task/{call}"
    with desk.database.read() as session:
        assert session.get_one(Task, call).state is TaskState.OPEN
    assert browser.post("/undo").headers["location"] == f"/work/item/{item}"
    assert state_of(desk) is InvoiceState.REMINDED


def test_several_at_once(desk: Office) -> None:
    with desk.database.write() as session:
        calls = [task(session, f"FA-{number}").id for number in range(3)]
    browser = desk.at_work()
    picks = [f"task-{number}" for number in calls[:2]]
    browser.post("/work/bulk", {"do": "snooze", "until": "2026-09-08", "pick": picks})
    browser.post("/work/bulk", {"do": "settle", "foreseen": "1", "pick": [f"task-{calls[2]}", "task-777", "rm -rf"]})
    with desk.database.read() as session:
        slept = [session.get_one(Task, number).snoozed_until for number in calls[:2]]
        assert all(moment is not None and moment > NOW for moment in slept)
        assert session.get_one(Task, calls[2]).state is TaskState.DONE


def test_several_are_accepted_once_what_follows_was_told(desk: Office) -> None:
    item = one_item(desk)
    with desk.database.write() as session:
        owner, invoices = debtor(session, "FA-2", name="Martin")
        taken = answer(session, owner, invoices, primary="dispute").id
    browser = desk.at_work()
    browser.post(f"/work/item/{taken}/take")
    other = desk.at_work("max")
    told = other.post("/work/bulk", {"do": "settle", "pick": [f"item-{item}", f"item-{taken}"]}).text
    assert "FA-1: reminders stop until 20 Sept 2026." in told
    assert "lea has taken item" in told
    assert "Accept it" in told
    assert f'value="item-{taken}"' not in told
    assert state_of(desk) is InvoiceState.REMINDED
    other.post("/work/bulk", {"do": "settle", "foreseen": "1", "pick": f"item-{item}"})
    assert state_of(desk) is InvoiceState.PROMISED
    assert state_of(desk, "FA-2") is InvoiceState.REMINDED


def test_a_saved_view_is_its_persons(desk: Office) -> None:
    lea, paul = desk.at_work("lea"), desk.at_work("paul")
    lea.post("/views", {"name": "Calls of mine", "query": "reason=call&whose=mine"})
    assert 'href="/?reason=call&amp;whose=mine">Calls of mine' in lea.get("/").text
    assert "Calls of mine" not in paul.get("/").text
    paul.post("/views/1/forget")
    assert "Calls of mine" in lea.get("/").text


@pytest.mark.parametrize(
    "path", ["/", "/?text=FA", "/customers", "/customers/C1", "/work/item/1", "/invoices/FA-0", "/outgoing"]
)
def test_more_rows_take_no_more_queries(desk: Office, path: str) -> None:
    """Nothing is asked of the database row by row."""
    browser = desk.at_work()
    asked = []
    for begin, end in ((0, 2), (2, 22)):
        with desk.database.write() as session:
            for number in range(begin, end):
                owner, invoices = debtor(session, f"FA-{number}", id=f"C{number + 1}", name=f"Customer {number}")
                answer(session, owner, invoices)
        browser.get(path)  # the first also signs who looks, and starts what reads mails
        with queries(desk.database) as seen:
            assert browser.get(path).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]


@contextmanager
def queries(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engines = {database.engine, database._reader}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
