"""Undo of what moves work about: taking, giving to a colleague, putting away."""

from datetime import timedelta

import pytest

from agent.review import deeds
from agent.review.taking_back import undo_last
from config.errors import NeedsPerson
from models import ExceptionItem, Task
from models.states import ExceptionState
from tests.agent.review.test_worklist import task
from tests.builders.desk import NOW, Browser, Office, answer, debtor

LATER = NOW + timedelta(days=3)


@pytest.fixture
def entries(desk: Office) -> dict[str, int]:
    desk.person("lea")
    desk.person("max")
    with desk.database.write() as session:
        owner, invoices = debtor(session, "FA-1")
        return {"item": answer(session, owner, invoices).id, "task": task(session).id}


def stands(desk: Office, kind: str, number: int) -> tuple[str | None, bool]:
    """Whose it is, and whether it sleeps."""
    with desk.database.read() as session:
        row = session.get_one(ExceptionItem, number) if kind == "item" else session.get_one(Task, number)
        sleeps = row.snoozed_until is not None
        if isinstance(row, ExceptionItem):
            assert sleeps == (row.state is ExceptionState.SNOOZED)
        return row.assignee, sleeps


@pytest.mark.parametrize("kind", ["item", "task"])
def test_a_snooze_and_before_it_a_gift_are_taken_back_one_by_one(
    desk: Office, entries: dict[str, int], kind: str
) -> None:
    number = entries[kind]
    with desk.database.write() as session:
        deeds.assign(session, kind, number, "max", "lea", NOW)
    with desk.database.write() as session:
        deeds.snooze(session, kind, number, LATER, "lea", NOW + timedelta(minutes=1), over="max")
    assert stands(desk, kind, number) == ("max", True)
    with desk.database.write() as session:
        back = undo_last(session, "lea", NOW + timedelta(minutes=2))
    assert (back.kind, back.id) == (kind, number)
    assert stands(desk, kind, number) == ("max", False)


@pytest.mark.parametrize("kind", ["item", "task"])
def test_a_gift_goes_back_to_whoever_had_it(desk: Office, entries: dict[str, int], kind: str) -> None:
    number = entries[kind]
    with desk.database.write() as session:
        deeds.assign(session, kind, number, "max", "lea", NOW)
        undo_last(session, "lea", NOW)
    assert stands(desk, kind, number) == (None, False)


@pytest.mark.parametrize("kind", ["item", "task"])
def test_what_a_colleague_has_moved_since_stays(desk: Office, entries: dict[str, int], kind: str) -> None:
    number = entries[kind]
    with desk.database.write() as session:
        deeds.assign(session, kind, number, "max", "lea", NOW)
    with desk.database.write() as session:
        deeds.snooze(session, kind, number, LATER, "max", NOW)
    with desk.database.write() as session, pytest.raises(NeedsPerson, match="nothing in the last day"):
        undo_last(session, "lea", NOW)
    assert stands(desk, kind, number) == ("max", True)


def test_after_a_day_nothing_is_taken_back(desk: Office, entries: dict[str, int]) -> None:
    with desk.database.write() as session:
        deeds.snooze(session, "item", entries["item"], LATER, "lea", NOW)
    with desk.database.write() as session, pytest.raises(NeedsPerson, match="nothing in the last day"):
        undo_last(session, "lea", NOW + timedelta(hours=25))


def test_the_pages_offer_it_at_once(desk: Office, entries: dict[str, int]) -> None:
    browser = Browser(desk.client())
    browser.log_in("lea")
    number = entries["item"]
    browser.post(f"/work/item/{number}/assign", {"assignee": "max"})
    page = browser.get(f"/work/item/{number}").text
    assert "Given to max" in page
    assert page.count('action="/undo"') == 2  # the key, and the button beside what was done
    browser.post("/undo")
    browser.post(f"/work/item/{number}/snooze", {"until": LATER.date().isoformat()})
    assert stands(desk, "item", number) == (None, True)
    browser.post("/undo")
    assert stands(desk, "item", number) == (None, False)
