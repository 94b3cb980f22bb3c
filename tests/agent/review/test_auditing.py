"""Automatic actions that were drawn for the audit: confirmed or set right on their page, and taken back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from agent.learning import sampling
from agent.learning.decide import Judged
from agent.replies.word import Word
from agent.review.auditing import agrees
from agent.review.taking_back import undo_last
from models import Correction, ExceptionItem, Invoice, Task
from models.states import WAITING, InvoiceState, TaskState
from tests.builders import desk as desks
from tests.builders import office as offices
from tests.builders.office import NOW
from tests.builders.replies import prediction


@pytest.fixture
def drawn(database_url: str, tmp_path: Path) -> Iterator[tuple[offices.Office, desks.Office]]:
    """A mail that says "paid", acted on without a person and drawn; and the desk over it."""
    with offices.opened(database_url, tmp_path) as office:
        object.__setattr__(office.settings.classifier, "audit_percent", 100)
        office.answers("paid")
        made = desks.Office(office.database, office.settings, desks.Clock(NOW))
        made.person("lea")
        yield office, made
        made.close()


def at_work(desk: desks.Office) -> desks.Browser:
    browser = desks.Browser(desk.client())
    browser.log_in("lea")
    return browser


def judged(office: offices.Office) -> list[Judged]:
    with office.database.read() as session:
        return sampling.judged(session)


def state(office: offices.Office) -> InvoiceState:
    with office.database.read() as session:
        return session.scalars(select(Invoice.state)).one()


def test_what_was_understood_is_confirmed_with_one_key_and_changes_nothing(
    drawn: tuple[offices.Office, desks.Office],
) -> None:
    office, desk = drawn
    browser, task = at_work(desk), office.one(Task)
    assert "acted on this mail by itself" in browser.get(f"/work/task/{task.id}").text
    same = {"intent": "paid", "invoice:FA-1": "paid"}
    assert "Rightly understood" in browser.post(f"/work/task/{task.id}/consequence", same).text
    assert judged(office) == []  # showing what follows does nothing
    assert browser.post(f"/work/task/{task.id}/audit", same).status_code == 303
    assert [each.wrong for each in judged(office)] == [False]
    assert (state(office), office.count(Correction)) == (InvoiceState.PAYMENT_REPORTED, 0)


def test_what_was_misunderstood_is_set_right_counted_and_taken_back(drawn: tuple[offices.Office, desks.Office]) -> None:
    office, desk = drawn
    browser, task = at_work(desk), office.one(Task)
    other = {"intent": "dispute", "invoice:FA-1": "dispute", "dispute_reason": "quality"}
    told = browser.post(f"/work/task/{task.id}/consequence", other).text
    assert "Wrongly understood" in told
    assert "FA-1: contested" in told
    assert state(office) is InvoiceState.PAYMENT_REPORTED
    assert browser.post(f"/work/task/{task.id}/audit", other).status_code == 303
    assert [each.wrong for each in judged(office)] == [True]
    assert (state(office), office.count(Correction)) == (InvoiceState.DISPUTED, 1)

    browser.post("/undo")
    assert (state(office), judged(office)) == (InvoiceState.PAYMENT_REPORTED, [])
    with office.database.read() as session:
        assert session.get_one(Task, task.id).state is TaskState.OPEN
        assert session.scalars(select(ExceptionItem).where(ExceptionItem.state.in_(WAITING))).all() == []
        assert session.scalars(select(Correction)).one().withdrawn_at is not None


def test_what_meant_nothing_takes_back_what_the_mail_did_by_itself(drawn: tuple[offices.Office, desks.Office]) -> None:
    office, desk = drawn
    browser, task = at_work(desk), office.one(Task)
    browser.post(f"/work/task/{task.id}/audit", {"intent": "other", "invoice:FA-1": "other"})
    assert state(office) is InvoiceState.REMINDED


def test_it_does_so_after_another_meaning_was_taken_back(drawn: tuple[offices.Office, desks.Office]) -> None:
    office, desk = drawn
    browser, task = at_work(desk), office.one(Task)
    other = {"intent": "dispute", "invoice:FA-1": "dispute", "dispute_reason": "quality"}
    browser.post(f"/work/task/{task.id}/audit", other)
    browser.post("/undo")
    desk.clock.passes(timedelta(minutes=1))
    browser.post(f"/work/task/{task.id}/audit", {"intent": "other", "invoice:FA-1": "other"})
    assert state(office) is InvoiceState.REMINDED


def test_an_audit_that_is_over_is_not_judged_twice(drawn: tuple[offices.Office, desks.Office]) -> None:
    office, desk = drawn
    browser, task = at_work(desk), office.one(Task)
    browser.post(f"/work/task/{task.id}/audit", {"intent": "paid"})
    assert "was done by lea already" in browser.post(f"/work/task/{task.id}/audit", {"intent": "paid"}).text
    with office.database.write() as session:
        undo_last(session, "lea", NOW)


@pytest.mark.parametrize(
    ("said", "word", "is_same"),
    [
        ({"primary": "paid"}, {"intent": "paid"}, True),
        ({"primary": "paid"}, {"intent": "promise"}, False),
        ({"primary": "paid"}, {"intent": "paid", "per_invoice": {"FA-1": "paid"}}, True),
        ({"primary": "paid"}, {"intent": "paid", "per_invoice": {"FA-1": "dispute"}}, False),
        (
            {"primary": "promise", "promise_date": date(2026, 3, 20)},
            {"intent": "promise", "promise_date": date(2026, 3, 20)},
            True,
        ),
        (
            {"primary": "promise", "promise_date": date(2026, 3, 20)},
            {"intent": "promise", "promise_date": date(2026, 3, 27)},
            False,
        ),
        ({"primary": "paid"}, {"intent": "paid", "promise_date": date(2026, 3, 27)}, True),
        ({"primary": "dispute", "dispute_reason": "amount"}, {"intent": "dispute", "dispute_reason": "quality"}, False),
    ],
)
def test_the_same_meaning_is_the_same_in_every_part(
    said: dict[str, object], word: dict[str, object], is_same: bool
) -> None:
    primary = str(said.pop("primary"))
    assert agrees(prediction(primary, **said), Word(by="lea", **word)) is is_same  # type: ignore[arg-type]  # a table's
